"""The carrier channel: signed JSON over HTTP with the batch ID as idempotency key (docs/wire.md section 2)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

import httpx2
import orjson

from domain.statuses import StopAnswer
from workers.channels.calls import SignedCalls
from workers.channels.errors import Refused

MAX_ANSWER = 4 * 1024 * 1024  # 1,000 results with reasons make a tenth of it


@dataclass(frozen=True, slots=True)
class Answer:
    """What the carrier said to a batch, byte for byte: the results of its shipments, or (`refused`) why it takes none of them."""

    body: bytes
    refused: bool = False


class CarrierChannel(Protocol):
    """One carrier. Calls raise Unavailable (it has not begun), Unclear (nobody knows) or Refused (it will never take this)."""

    deduplicates: bool  # the same key and bytes again are answered with the first answer

    async def post(self, key: str, body: bytes) -> Answer | None:
        """Hands a batch over under its key. None: the carrier knows the key already; ask for its first answer."""
        ...

    async def ask(self, key: str) -> Answer | None:
        """The first answer to a batch. None: the carrier knows no such key."""
        ...

    async def stop(self, shipment_id: str, reason: str) -> StopAnswer:
        """Asks that a shipment stays; may be asked any number of times. Unclear here only means: ask again."""
        ...

    async def close(self) -> None:
        """Ends the connection."""
        ...


_STOPPING = {"stopped": StopAnswer.STOPPED, "too_late": StopAnswer.TOO_LATE}


class HttpCarrier:
    """`POST <url>/shipment-batches`, `GET <url>/shipment-batches/<key>` and `POST <url>/shipments/<id>/stop`."""

    def __init__(
        self,
        url: str,
        secret: str,
        machine_clock: Callable[[], datetime],
        *,
        deduplicates: bool,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._calls = SignedCalls("carrier", url, secret, machine_clock, max_answer=MAX_ANSWER, transport=transport)
        self._where = self._calls.where
        self.deduplicates = deduplicates

    async def post(self, key: str, body: bytes) -> Answer | None:
        """See CarrierChannel."""
        answer = await self._calls.send("/shipment-batches", key, body)
        if answer.status in (200, 201):
            return Answer(answer.body)
        if answer.status == 409:
            # DUPLICATE or KEY_REUSED: the first answer tells which, and the code is only a stranger's word for it.
            if b"KEY_REUSED" in answer.body:
                raise Refused(self._where, f"took another content under the key {key} before")
            return None
        if answer.status == 422:
            return Answer(answer.body, refused=True)
        raise self._calls.not_now(answer)

    async def ask(self, key: str) -> Answer | None:
        """See CarrierChannel."""
        answer = await self._calls.fetch(f"/shipment-batches/{key}", signed_as=key)
        if answer.status == 200:
            return Answer(answer.body)
        if answer.status == 404:
            return None
        raise self._calls.no_answer(answer)

    async def stop(self, shipment_id: str, reason: str) -> StopAnswer:
        """See CarrierChannel."""
        body = orjson.dumps({"shipment_id": shipment_id, "reason": reason})
        answer = await self._calls.send(f"/shipments/{shipment_id}/stop", f"stop-{shipment_id}", body)
        said = _object(answer.body)
        if answer.status == 200 and said.get("status") in _STOPPING:
            return _STOPPING[said["status"]]
        if answer.status == 404 and said.get("code") == "UNKNOWN_SHIPMENT":  # any other 404 may be a wrong address
            return StopAnswer.UNKNOWN_THERE
        raise self._calls.not_now(answer)

    async def close(self) -> None:
        """See CarrierChannel."""
        await self._calls.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()


def _object(answer: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(answer)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
