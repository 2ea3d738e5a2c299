"""The sandbox's own address, called over HTTP like any other (docs/wire.md, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx2

from kessai.trouble import Trouble


class SandboxTrouble(Trouble):
    """The sandbox does not answer, or answers with an error. Code SANDBOX_AWAY or SANDBOX_REFUSED."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Status:
    """How the strangers stand."""

    now: datetime
    ticking: bool
    next: datetime | None
    idle: bool
    published: Mapping[str, int]
    hooks_undelivered: int
    failed_actions: list[Any]

    @staticmethod
    def of(answer: Mapping[str, Any]) -> Status:
        """From the answer of /status or /clock."""
        later = answer["next"]
        return Status(
            now=datetime.fromisoformat(answer["now"]),
            ticking=bool(answer["ticking"]),
            next=None if later is None else datetime.fromisoformat(later),
            idle=bool(answer["idle"]),
            published=dict(answer["published"]),
            hooks_undelivered=int(answer["hooks_undelivered"]),
            failed_actions=list(answer["failed_actions"]),
        )


class Strangers:
    """A client of the sandbox process."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx2.AsyncClient(base_url=url, timeout=90.0, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def status(self) -> Status:
        """How it stands now."""
        return Status.of(await self._call("GET", "/status"))

    async def set_clock(self, now: datetime, *, ticking: bool = False) -> Status:
        """Sets its clock; everything due up to then has been done when it answers."""
        return Status.of(await self._call("POST", "/clock", {"now": now.isoformat(), "ticking": ticking}))

    async def banks(self) -> list[dict[str, Any]]:
        """Its banks with accounts and balances."""
        answer = await self._call("GET", "/banks")
        return list(answer["banks"] if isinstance(answer, dict) else answer)

    async def shipments(self, carrier_id: str) -> list[dict[str, Any]]:
        """What a carrier knows."""
        answer = await self._call("GET", f"/carriers/{carrier_id}/shipments")
        return list(answer["shipments"] if isinstance(answer, dict) else answer)

    async def ready(self) -> bool:
        """Whether it answers."""
        try:
            return (await self._http.get("/status", timeout=2.0)).status_code == 200
        except httpx2.HTTPError:
            return False

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx2.HTTPError as error:
            raise SandboxTrouble(
                "The sandbox does not answer",
                why=f"{type(error).__name__} at {self.url}{path}",
                do=("kessai status", "kessai up"),
                code="SANDBOX_AWAY",
            ) from error
        if answer.status_code >= 400:
            raise SandboxTrouble(f"The sandbox refused {method} {path}", why=answer.text[:200], code="SANDBOX_REFUSED")
        return answer.json()
