"""What the workers' steps are given instead of reaching for it: the spool, ways to the outside, the machine's clock."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from domain.hook_address import Where
from domain.store.sending import BankAddress, CarrierAddress
from workers import crash
from workers.channels.bank import BankChannel, Listed
from workers.channels.carrier import CarrierChannel
from workers.channels.http_bank import HttpBank
from workers.channels.mail import MailServer, SmtpPost
from workers.channels.opening import carriers, open_bank
from workers.channels.webhook import HttpSender
from workers.hooks import Outward, Renderer
from workers.spool import Spool


def machine_clock() -> datetime:
    """The machine's clock: leases, back-off, signatures. Never a date on a contract."""
    return datetime.now(UTC)


class Seen:
    """What this process has seen in others' directories: (size, modified) by channel and name. Forgotten with the process."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, tuple[int, float]]] = {}

    def news(self, channel: str, files: list[Listed]) -> list[Listed]:
        """Those that look other than when they were seen last."""
        seen = self._files.get(channel, {})
        return [file for file in files if seen.get(file.name) != (file.size, file.modified)]

    def remember(self, channel: str, file: Listed) -> None:
        """This file, as it looks now, needs no further look."""
        self._files.setdefault(channel, {})[file.name] = (file.size, file.modified)


@dataclass(frozen=True, slots=True)
class Services:
    """One per process. `holder` names it in leases; `point` is where a test kills or interrupts it."""

    spool: Spool
    banks: Callable[[BankAddress], AbstractAsyncContextManager[BankChannel | HttpBank]]
    carriers: Callable[[CarrierAddress], AbstractAsyncContextManager[CarrierChannel | BankChannel]]
    machine_clock: Callable[[], datetime]
    holder: str
    seen: Seen = field(default_factory=Seen)
    point: Callable[[str], None] = crash.point
    outward: Outward | None = None  # webhooks and mail; None: not in this process

    @classmethod
    def real(cls, spool: Path, holder: str, outward: Outward | None = None) -> Self:
        """Real channels and the real clock."""
        return cls(Spool(spool), open_bank, carriers(machine_clock), machine_clock, holder, outward=outward)


def real_outward(renderer: Callable[[], Renderer], holder: str, where: Where, mail: MailServer | None) -> Outward:
    """Webhooks and mail over the real network. `renderer` makes whoever runs stored operations."""
    post = None if mail is None else SmtpPost(mail, machine_clock)
    return Outward(renderer, HttpSender(where, machine_clock), post, machine_clock, holder, crash.point)
