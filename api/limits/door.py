"""The door: who is let in, how often he may ask, and how often those may try who show no good token.

Strangers are counted by the address they come from, and only what fails is counted: whoever has a good token is never held up by somebody
else who comes from the same address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import datetime

from starlette.requests import HTTPConnection

from api.context import Caller
from api.errors import HttpRefusal, Unauthenticated
from api.limits.rate import Allowance, Rate
from api.options import Limits
from api.tokens import Verifier

ELSEWHERE = "elsewhere"


def address_of(connection: HTTPConnection) -> str:
    """Where a request or socket comes from, for counting: an IPv6 house is its /64.

    Behind a proxy it is what the proxy says; whether that one is believed is decided where the server is started (KESSAI_TRUSTED_PROXIES).
    """
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ELSEWHERE
    if address.version == 6 and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


class Door:
    """The door of one application; every way in goes through it."""

    def __init__(self, verifier: Verifier, limits: Limits, redis_url: str | None, machine_clock: Callable[[], datetime]) -> None:
        self.verifier, self._clock = verifier, machine_clock
        self._callers = Rate(limits, redis_url)
        self._strangers = Rate(limits, redis_url, quota=limits.strangers, whose="address")

    async def close(self) -> None:
        """Lets go of Redis."""
        await self._callers.close()
        await self._strangers.close()

    async def caller(self, authorization: str | None, address: str) -> Caller:
        """Who calls. Raises Unauthenticated; HttpRefusal (429) when too many have failed from that address; Unavailable."""
        try:
            return await self.verifier.caller(authorization)
        except Unauthenticated:
            await self.failed(address)
            raise

    async def take(self, caller: Caller) -> Allowance | None:
        """One request of a caller: of a program, or of a person through one frontend. Raises HttpRefusal (429)."""
        whose = caller.client_id if caller.user_id is None else f"{caller.client_id}/{caller.user_id}"
        return await self._callers.take(whose, self._clock())

    async def failed(self, address: str) -> None:
        """One more try from an address that has led nowhere. Raises HttpRefusal (429) when there were too many."""
        await self._strangers.take(address, self._clock())

    def barred(self, address: str) -> HttpRefusal | None:
        """What to answer to an address from which too many have failed, before anything dear is done for it; None: let it try."""
        return self._strangers.spent(address, self._clock())
