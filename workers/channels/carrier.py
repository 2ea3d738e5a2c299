"""The carrier channel: signed JSON over HTTP with the batch ID as idempotency key (docs/wire.md section 2)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import httpx2
import orjson

from domain.signing import sign
from domain.statuses import StopAnswer
from workers.channels.errors import Refused, Unavailable, Unclear

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
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
        self._base = url.rstrip("/")
        self._url = self._base + "/shipment-batches"
        self._where = f"carrier at {urlsplit(url).netloc.rpartition('@')[2]}"
        self._secrets, self._machine_clock = secret.split(), machine_clock
        self.deduplicates = deduplicates
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,  # a signed call goes where it was signed for
            trust_env=False,  # nor through a proxy that the environment names
            transport=transport,
        )

    async def post(self, key: str, body: bytes) -> Answer | None:
        """See CarrierChannel."""
        status, answer, retry_after = await self._call("POST", self._url, key, body)
        if status in (200, 201):
            return Answer(answer)
        if status == 409:
            # DUPLICATE or KEY_REUSED: the first answer tells which, and the code is only a stranger's word for it.
            if b"KEY_REUSED" in answer:
                raise Refused(self._where, f"took another content under the key {key} before")
            return None
        if status == 422:
            return Answer(answer, refused=True)
        raise self._not_now(status, retry_after)

    async def ask(self, key: str) -> Answer | None:
        """See CarrierChannel."""
        try:
            status, answer, retry_after = await self._call("GET", f"{self._url}/{key}", key, b"")
        except Unclear as error:
            # A question changes nothing, answered or not.
            raise Unavailable(error.where, error.reason) from error
        if status == 200:
            return Answer(answer)
        if status == 404:
            return None
        raise Unavailable(self._where, f"answers {status}", retry_after=retry_after)

    async def stop(self, shipment_id: str, reason: str) -> StopAnswer:
        """See CarrierChannel."""
        body = orjson.dumps({"shipment_id": shipment_id, "reason": reason})
        status, answer, retry_after = await self._call("POST", f"{self._base}/shipments/{shipment_id}/stop", f"stop-{shipment_id}", body)
        said = _object(answer)
        if status == 200 and said.get("status") in _STOPPING:
            return _STOPPING[said["status"]]
        if status == 404 and said.get("code") == "UNKNOWN_SHIPMENT":  # any other 404 may be a wrong address
            return StopAnswer.UNKNOWN_THERE
        raise self._not_now(status, retry_after)

    async def close(self) -> None:
        """See CarrierChannel."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()

    async def _call(self, method: str, url: str, key: str, body: bytes) -> tuple[int, bytes, float | None]:
        headers = {"accept": "application/json", **sign(self._secrets, key, self._machine_clock(), body)}
        if method == "POST":
            headers |= {"content-type": "application/json", "idempotency-key": key}
        try:
            async with self._client.stream(method, url, content=body or None, headers=headers) as response:
                answer = bytearray()
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > MAX_ANSWER:
                        raise Unclear(self._where, f"answers with more than {MAX_ANSWER} bytes")
                return response.status_code, bytes(answer), _seconds(response.headers.get("retry-after"))
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol) as error:
            raise Unavailable(self._where, f"no connection: {type(error).__name__}") from error
        except httpx2.HTTPError as error:
            raise Unclear(self._where, f"no answer: {type(error).__name__}") from error

    def _not_now(self, status: int, retry_after: float | None) -> Unavailable | Unclear:
        if status in (401, 403, 404, 413, 429, 503):
            return Unavailable(self._where, f"answers {status}", retry_after=retry_after)
        return Unclear(self._where, f"answers {status}")


def _object(answer: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(answer)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _seconds(value: str | None) -> float | None:
    """Retry-After in seconds, at most an hour. Its date form names a clock that we do not share."""
    return float(min(int(value), 3_600)) if value is not None and value.isascii() and value.isdigit() else None
