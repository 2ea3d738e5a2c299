"""The webhook channel: one signed POST (Standard Webhooks) to an address that a stranger gave us.

The name is resolved here, and the connection is made to the very number that was looked at: a name that leads elsewhere a moment later
changes nothing. Redirects are not followed, proxies of the environment are not used, answers are read up to a few kilobytes.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Protocol

import httpcore2

from domain.hook_address import Where, may_call, problem_of
from domain.hooks import Answer
from domain.signing import sign

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0  # for everything, from the first byte out to the last one in
MAX_ANSWER = 64 * 1024  # bytes that are read of an answer; nobody looks at them
MAX_CONNECTIONS, KEPT_CONNECTIONS, KEPT_SECONDS = 200, 50, 20.0
USER_AGENT = b"Kessai-Webhooks/1"


class Sender(Protocol):
    """Whoever posts a webhook."""

    async def post(self, url: str, message_id: str, body: bytes, secrets: list[str]) -> Answer:
        """One try. Never raises."""
        ...

    async def close(self) -> None:
        """Ends its connections."""
        ...


class NotCalled(Exception):
    """The address is, or leads to, one that we do not call. The text names neither the number nor the way there."""


Resolve = Callable[[str, int], Any]


async def resolve(host: str, port: int) -> list[str]:
    """The numbers that a name stands for."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard(httpcore2.AsyncNetworkBackend):
    """Connects to allowed numbers only. One of a name's that is not allowed is enough to refuse the name."""

    def __init__(self, where: Where, resolver: Resolve = resolve) -> None:
        self._where, self._resolve = where, resolver
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolves, looks, and connects to what it looked at."""
        async with asyncio.timeout(timeout):
            numbers = await self._resolve(host, port)
        if not numbers or not all(may_call(ip_address(number), self._where) for number in numbers):
            raise NotCalled
        last: Exception | None = None
        for number in numbers[:3]:
            try:
                return await self._inner.connect_tcp(number, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        assert last is not None
        raise last

    async def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None) -> Any:  # noqa: ASYNC109
        """There are none."""
        raise NotCalled

    async def sleep(self, seconds: float) -> None:
        """As the interface wants it."""
        await asyncio.sleep(seconds)


class HttpSender:
    """One per process: connections to receivers are kept for some seconds and used again."""

    def __init__(
        self,
        where: Where,
        machine_clock: Callable[[], datetime],
        *,
        resolver: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._where, self._clock, self._seconds = where, machine_clock, answer_seconds
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls or ssl.create_default_context(),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=KEPT_CONNECTIONS,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=Guard(where, resolver),
        )

    async def post(self, url: str, message_id: str, body: bytes, secrets: list[str]) -> Answer:
        """One try: 2xx is taken, 410 means never again, all else is tried later."""
        began = time.monotonic()
        status: int | None = None
        error: str | None
        pause: timedelta | None = None
        try:
            if problem_of(url, self._where) is not None:  # what is allowed may have changed since it was registered
                raise NotCalled
            async with asyncio.timeout(self._seconds):
                status, pause = await self._post(url, message_id, body, secrets)
            error = (
                None if 200 <= status < 300 else f"answered {status}" + (", and redirects are not followed" if 300 <= status < 400 else "")
            )
        except NotCalled:
            error = "the address is private, local or reserved, and is not called"
        except TimeoutError:
            error = f"no answer within {self._seconds:g} seconds"
        except _TooLong:
            error = f"answered with more than {MAX_ANSWER} bytes"
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as problem:
            error = f"no connection: {_why(problem)}"
        except socket.gaierror:
            error = "no connection: the name is not known"
        except (OSError, httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as problem:
            error = f"no answer: {type(problem).__name__}"
        milliseconds = int((time.monotonic() - began) * 1000)
        return Answer(status, error, milliseconds, retry_after=pause, gone=status == 410)

    async def close(self) -> None:
        """Ends the connections that are kept."""
        await self._pool.aclose()

    async def _post(self, url: str, message_id: str, body: bytes, secrets: list[str]) -> tuple[int, timedelta | None]:
        signed = sign(secrets, message_id, self._clock(), body)
        parsed = httpcore2.URL(url)
        default = {b"https": 443, b"http": 80}.get(parsed.scheme)
        port = b"" if parsed.port in (None, default) else b":%d" % (parsed.port or 0)
        host = b"[%b]" % parsed.host if b":" in parsed.host else parsed.host
        headers = [
            (b"host", host + port),
            (b"user-agent", USER_AGENT),
            (b"accept", b"*/*"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *((name.encode(), value.encode()) for name, value in signed.items()),
        ]
        limits = {"timeout": {"connect": CONNECT_SECONDS, "read": self._seconds, "write": self._seconds, "pool": self._seconds}}
        async with self._pool.stream("POST", url, headers=headers, content=body, extensions=limits) as response:
            await _read(response.aiter_stream())
            return response.status, _pause(_header(response.headers, b"retry-after"))


class _TooLong(Exception):
    """More than anybody would say to a webhook."""


async def _read(chunks: AsyncIterator[bytes]) -> None:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_ANSWER:
            raise _TooLong


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    return next((value for key, value in headers if key.lower() == name), None)


def _pause(value: bytes | None) -> timedelta | None:
    """Retry-After in seconds. Its date form names a clock that we do not share."""
    return timedelta(seconds=int(value)) if value is not None and value.isdigit() and len(value) <= 9 else None


def _why(problem: Exception) -> str:
    """What a connection failed of, without numbers: they would tell about the network that we stand in."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not good ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return "no TLS"
        if isinstance(cause, ConnectionRefusedError):
            return "refused"
        if isinstance(cause, TimeoutError):
            return "it does not answer"
        cause = cause.__cause__ or cause.__context__
    return "it does not answer" if isinstance(problem, httpcore2.ConnectTimeout) else "it failed"
