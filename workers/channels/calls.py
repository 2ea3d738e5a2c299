"""Signed calls to somebody else's API (Standard Webhooks, docs/wire.md section 2), and what their outcomes mean to us."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2

from domain.signing import sign
from workers.channels.errors import LoginRefused, Unavailable, Unclear

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
STRANGERS = (401, 403)  # it does not take our signature
NOT_BEGUN = (*STRANGERS, 404, 413, 429, 503)  # the other side says that it has not looked at what we brought


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: its status, its body, and Retry-After in seconds where it has one."""

    status: int
    body: bytes
    retry_after: float | None


class SignedCalls:
    """Calls to one address, all signed with our machine's clock."""

    def __init__(
        self,
        whom: str,
        url: str,
        secret: str,
        machine_clock: Callable[[], datetime],
        *,
        max_answer: int,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.where = f"{whom} at {urlsplit(url).netloc.rpartition('@')[2]}"
        self._secrets, self._machine_clock, self._max_answer = secret.split(), machine_clock, max_answer
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,  # a signed call goes where it was signed for
            trust_env=False,  # nor through a proxy that the environment names
            transport=transport,
        )

    async def close(self) -> None:
        """Ends the connection."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()

    async def send(self, path: str, key: str, body: bytes) -> Answered:
        """POST under an idempotency key, which is signed. Raises Unavailable and Unclear."""
        headers = {"content-type": "application/json", "idempotency-key": key}
        return await self._call("POST", self.url + path, key, body, headers)

    async def fetch(self, path: str, signed_as: str | None = None) -> Answered:
        """GET; signed over `signed_as`, or over method, path and query. Raises Unavailable, also for a lost answer: a question changes nothing."""
        url = self.url + path
        parts = urlsplit(url)
        target = f"GET {parts.path}{'?' + parts.query if parts.query else ''}"
        try:
            return await self._call("GET", url, signed_as or target, b"", {})
        except Unclear as error:
            raise Unavailable(error.where, error.reason) from error

    async def _call(self, method: str, url: str, message_id: str, body: bytes, more: dict[str, str]) -> Answered:
        headers = {"accept": "application/json", **sign(self._secrets, message_id, self._machine_clock(), body), **more}
        try:
            async with self._client.stream(method, url, content=body or None, headers=headers) as response:
                answer = bytearray()
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > self._max_answer:
                        raise Unclear(self.where, f"answers with more than {self._max_answer} bytes")
                return Answered(response.status_code, bytes(answer), _seconds(response.headers.get("retry-after")))
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol) as error:
            raise Unavailable(self.where, f"no connection: {type(error).__name__}") from error
        except httpx2.HTTPError as error:
            raise Unclear(self.where, f"no answer: {type(error).__name__}") from error

    def not_now(self, answer: Answered) -> Unavailable | Unclear:
        """An answer that says neither yes nor no."""
        return self.no_answer(answer) if answer.status in NOT_BEGUN else Unclear(self.where, f"answers {answer.status}")

    def no_answer(self, answer: Answered) -> Unavailable:
        """An answer to a question that does not answer it."""
        kind = LoginRefused if answer.status in STRANGERS else Unavailable
        return kind(self.where, f"answers {answer.status}", retry_after=answer.retry_after)


def _seconds(value: str | None) -> float | None:
    """Retry-After in seconds, at most an hour. Its date form names a clock that we do not share."""
    return float(min(int(value), 3_600)) if value is not None and value.isascii() and value.isdigit() else None
