"""What carriers tell us: verified, stored raw, then acknowledged. Reading it is a worker's business (settlement rule 4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.body import read_body
from api.masking import log
from api.options import ApiOptions
from domain import signing
from domain.store import carrier_hooks, clock, inbox
from domain.store.connection import reading

NOBODYS_SECRET = "whsec_" + "A" * 43 + "="  # unknown carriers take as long as known ones
LONGEST_ID = 200


class Hooks:
    """`POST /hooks/carriers/{carrier}` (docs/wire.md section 2)."""

    def __init__(self, options: ApiOptions) -> None:
        self._limit = options.limits.hook_body
        self._clock: Callable[[], datetime] = options.machine_clock

    def routes(self) -> list[Route]:
        """For the application's table."""
        return [Route("/hooks/carriers/{carrier}", self.carrier, methods=["POST"])]

    async def carrier(self, request: Request) -> Response:
        """202 once the bytes are stored; 404 unknown carrier, 401 bad signature, 409 replay with other bytes, 413 too large."""
        carrier_id = request.path_params["carrier"]
        body = await read_body(request, self._limit)
        machine_now = self._clock()
        async with reading() as tx:
            secrets = await carrier_hooks.secrets_of(tx, carrier_id)
            now = await clock.business_now(tx, machine_now)
        try:
            message_id = signing.verify(secrets or [NOBODYS_SECRET], request.headers, body, machine_now)
        except signing.BadSignature as bad:
            log.warning("hook_refused", carrier=carrier_id if secrets else None, reason=str(bad))
            if not secrets:
                return _refused(404, "NOT_FOUND", "No such hook.")
            return _refused(401, "BAD_SIGNATURE", "The signature does not fit, or the call is too old.")
        if not secrets:
            return _refused(404, "NOT_FOUND", "No such hook.")
        if not 0 < len(message_id) <= LONGEST_ID or not message_id.isprintable():
            return _refused(400, "BAD_MESSAGE_ID", f"webhook-id has 1 to {LONGEST_ID} visible characters.")
        channel = inbox.carrier_channel(carrier_id)
        await inbox.store(channel, message_id, "notices", body, now, machine_now)
        async with reading() as tx:
            replayed = await carrier_hooks.other_bytes(tx, channel, message_id, sha256(body).digest())
        if replayed:
            log.warning("hook_replayed", carrier=carrier_id)
            return _refused(409, "ID_REUSED", "This webhook-id came before with other bytes.")
        return JSONResponse({"status": "stored"}, 202)


def _refused(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status)
