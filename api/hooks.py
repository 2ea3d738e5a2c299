"""What carriers and banks tell us: verified, stored raw, then acknowledged. Reading it is a worker's business (settlement rule 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.body import read_body
from api.masking import log
from api.options import ApiOptions
from domain import signing
from domain.bank_names import kind_of
from domain.store import clock, hook_secrets, inbox
from domain.store.connection import Tx, reading

NOBODYS_SECRET = "whsec_" + "A" * 43 + "="  # unknown callers take as long as known ones
LONGEST_ID = 200


class Hooks:
    """`POST /hooks/carriers/{carrier}` and `POST /hooks/banks/{bank}` (docs/wire.md sections 2 and 5)."""

    def __init__(self, options: ApiOptions) -> None:
        self._limit = options.limits.hook_body
        self._clock: Callable[[], datetime] = options.machine_clock

    def routes(self) -> list[Route]:
        """For the application's table."""
        return [
            Route("/hooks/carriers/{carrier}", self.carrier, methods=["POST"]),
            Route("/hooks/banks/{bank}", self.bank, methods=["POST"]),
        ]

    async def carrier(self, request: Request) -> Response:
        """Notices. 202 once the bytes are stored; 404 unknown carrier, 401 bad signature, 409 replay with other bytes, 413 too large."""
        carrier_id = request.path_params["carrier"]
        return await self._take(request, hook_secrets.of_carrier, carrier_id, inbox.carrier_channel(carrier_id), lambda _: "notices")

    async def bank(self, request: Request) -> Response:
        """One message of a bank that is called; its ID says what it is. Answers as `carrier`."""
        bank_code = request.path_params["bank"]
        return await self._take(request, hook_secrets.of_bank, bank_code, inbox.bank_channel(bank_code), kind_of)

    async def _take(
        self,
        request: Request,
        secrets_of: Callable[[Tx, str], Awaitable[list[str]]],
        who: str,
        channel: str,
        kind: Callable[[str], str],
    ) -> Response:
        body = await read_body(request, self._limit)
        machine_now = self._clock()
        async with reading() as tx:
            secrets = await secrets_of(tx, who)
            now = await clock.business_now(tx, machine_now)
        try:
            message_id = signing.verify(secrets or [NOBODYS_SECRET], request.headers, body, machine_now)
        except signing.BadSignature as bad:
            log.warning("hook_refused", channel=channel if secrets else None, reason=str(bad))
            if not secrets:
                return _refused(404, "NOT_FOUND", "No such hook.")
            return _refused(401, "BAD_SIGNATURE", "The signature does not fit, or the call is too old.")
        if not secrets:
            return _refused(404, "NOT_FOUND", "No such hook.")
        if not 0 < len(message_id) <= LONGEST_ID or not message_id.isprintable():
            return _refused(400, "BAD_MESSAGE_ID", f"webhook-id has 1 to {LONGEST_ID} visible characters.")
        await inbox.store(channel, message_id, kind(message_id), body, now, machine_now)
        async with reading() as tx:
            replayed = await hook_secrets.other_bytes(tx, channel, message_id, sha256(body).digest())
        if replayed:
            log.warning("hook_replayed", channel=channel)
            return _refused(409, "ID_REUSED", "This webhook-id came before with other bytes.")
        return JSONResponse({"status": "stored"}, 202)


def _refused(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status)
