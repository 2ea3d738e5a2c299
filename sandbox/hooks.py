"""Carriers' notices and banks' messages on their way to the API: signed anew for each try, tried again until a 2xx comes back."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2

from sandbox.config import BankConfig, CarrierConfig
from sandbox.signing import sign

log = logging.getLogger("sandbox.carrier")
_FIRST_PAUSE_MS = 500
_LONGEST_PAUSE_MS = 60_000
_BANK = "bank:"


@dataclass(frozen=True, slots=True)
class Hook:
    """One message that has not been taken yet."""

    id: int
    carrier: str
    message_id: str
    body: bytes
    attempts: int

    @property
    def path(self) -> str:
        """Where at the API it goes; `carrier` is `bank:<code>` for a message of a bank."""
        return f"banks/{self.carrier.removeprefix(_BANK)}" if self.carrier.startswith(_BANK) else f"carriers/{self.carrier}"


class HookQueue:
    """The messages, in the store. Times are milliseconds of the machine's clock."""

    def __init__(self, db: sqlite3.Connection, carriers: Mapping[str, CarrierConfig], banks: Mapping[str, BankConfig]) -> None:
        self._db = db
        self._carriers = carriers
        self._banks = banks

    def _secrets(self, hook: Hook) -> tuple[str, ...]:
        bank = hook.carrier.removeprefix(_BANK)
        return self._banks[bank].secrets if hook.carrier.startswith(_BANK) else self._carriers[hook.carrier].hook_secrets

    def undelivered(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM hooks WHERE NOT delivered").fetchone()[0])

    def due(self, machine_ms: int, *, never_tried: bool = False) -> list[int]:
        """Messages whose next try is due, in order; or those that were never tried."""
        condition = "attempts = 0" if never_tried else "next_at <= ?"
        parameters = () if never_tried else (machine_ms,)
        rows = self._db.execute(
            f"SELECT id FROM hooks WHERE NOT delivered AND {condition} ORDER BY id",  # noqa: S608 -- two constants
            parameters,
        )
        return [row["id"] for row in rows]

    def load(self, hook: int) -> Hook:
        row = self._db.execute("SELECT id, carrier, message_id, body, attempts FROM hooks WHERE id = ?", (hook,)).fetchone()
        return Hook(*row)

    def taken(self, hook: Hook) -> None:
        self._db.execute("UPDATE hooks SET delivered = 1, attempts = attempts + 1 WHERE id = ?", (hook.id,))

    def not_taken(self, hook: Hook, machine_ms: int) -> None:
        pause = min(_FIRST_PAUSE_MS * 2 ** min(hook.attempts, 10), _LONGEST_PAUSE_MS)
        self._db.execute("UPDATE hooks SET attempts = attempts + 1, next_at = ? WHERE id = ?", (machine_ms + pause, hook.id))

    async def send(self, hook: Hook, client: httpx2.AsyncClient, api: str | None, machine: Callable[[], float]) -> bool:
        """One try; True when it was taken."""
        if api is None:
            return False
        timestamp = int(machine())
        headers = {
            "content-type": "application/json",
            "webhook-id": hook.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._secrets(hook), hook.message_id, timestamp, hook.body),
        }
        try:
            answer = await client.post(f"{api}/hooks/{hook.path}", content=hook.body, headers=headers)
        except httpx2.HTTPError as error:
            log.info("%s: notice not delivered: %s", hook.carrier, type(error).__name__)
            return False
        if not answer.is_success:
            log.info("%s: notice answered with %s", hook.carrier, answer.status_code)
        return bool(answer.is_success)
