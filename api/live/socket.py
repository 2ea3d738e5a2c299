"""graphql-transport-ws: one socket, many operations. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

The close codes are the protocol's; one is ours: 4410 to a reader who is too slow. Clients that follow the protocol's advice connect again
after it, and go on behind the last cursor they have seen.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any
from urllib.parse import urlsplit

import orjson
import structlog
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from api.context import Caller, Language, language_of
from api.errors import ApiError, ErrorCode, HttpRefusal, Unauthenticated, Unavailable
from api.limits.door import address_of
from api.live.operations import Asked, Entries, Live, Refused, scope_lost, too_many
from api.live.outbox import Outbox
from api.masking import entries, entry, unplanned

PROTOCOL = "graphql-transport-ws"
BAD_MESSAGE, NOT_IN, FORBIDDEN, NO_PROTOCOL, INIT_TIMEOUT, DOUBLE_ID, TOO_SLOW, DOUBLE_INIT = 4400, 4401, 4403, 4406, 4408, 4409, 4410, 4429
LATER = 1013
LONGEST_REASON = 123  # bytes (RFC 6455 section 5.5)
EXCESS = 100  # messages beyond the caller's rate, one after the other; then the socket is closed
GRACE_SECONDS = 5.0  # for a close to get through to somebody who does not read

log = structlog.get_logger("api.live")


class Closed(Exception):
    """The socket has to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class _Operation:
    """One subscription of a socket; where the hub puts its events."""

    __slots__ = ("ended", "id", "prefix", "right", "socket", "task")

    def __init__(self, socket: Socket, operation_id: str) -> None:
        self.socket, self.id = socket, operation_id
        self.prefix = f'{{"id":{orjson.dumps(operation_id).decode()},"type":"next","payload":'
        self.right: str | None = None
        self.task: asyncio.Task[None] | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def event(self, body: str, cursor: str) -> None:
        """Puts the operation's ID around what all who wish the same get."""
        self.socket.put(f"{self.prefix}{body}}}", cursor)

    def failed(self, error: ApiError) -> None:
        """The last thing this operation says."""
        self.socket.end(self, entries([error], self.socket.request_id))

    async def room(self) -> None:
        """Waits for a slow reader while the past is told; who stops reading altogether is cut off by the socket's pings."""
        await self.socket.outbox.room()


class Socket:
    """One connection, from its upgrade to its close."""

    def __init__(self, live: Live, websocket: WebSocket, send: Send) -> None:
        self._live, self._socket = live, websocket
        self._send = send  # Starlette's own way checks a state machine for every message
        limits = live.options.limits
        self.outbox = Outbox(limits.unread, limits.unread_chars)
        self.request_id = secrets.token_hex(12)
        self.authorization = ""
        self._language: Language = language_of(websocket.headers.get("accept-language"))
        self._caller: Caller | None = None
        self._operations: dict[str, _Operation] = {}
        self._closing: tuple[int, str] | None = None
        self._alone = False
        self._excess = 0
        self._main: asyncio.Task[Any] | None = None

    async def run(self) -> None:
        """Serves the socket until it is closed."""
        origin = self._socket.headers.get("origin")
        if origin is not None and not self._welcome(origin):
            await self._socket.close()  # before it is accepted: HTTP 403
            return
        offered = self._socket.scope.get("subprotocols") or ()
        if PROTOCOL not in offered:
            await self._socket.accept()
            await self._socket.close(NO_PROTOCOL, "Subprotocol not acceptable")
            return
        await self._socket.accept(PROTOCOL)
        self._main = asyncio.current_task()
        writer = asyncio.create_task(self._write())
        try:
            await self._listen()
        except Closed as closed:
            self.close(closed.code, closed.reason)
            await asyncio.wait([writer], timeout=GRACE_SECONDS)
        finally:
            self._live.watch.remove(self)
            tasks = [operation.task for operation in self._operations.values() if operation.task is not None]
            for task in [writer, *tasks]:
                task.cancel()
            await asyncio.gather(writer, *tasks, return_exceptions=True)

    def _welcome(self, origin: str) -> bool:
        own = urlsplit(self._live.options.base_url)
        return bool({origin, "*"} & self._live.options.cors_origins) or origin == f"{own.scheme}://{own.netloc}"

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
    async def _listen(self) -> None:
        try:
            async with asyncio.timeout(self._live.options.limits.init_seconds):
                await self._init()
        except TimeoutError:
            await self._stranger()
            raise Closed(INIT_TIMEOUT, "Connection initialisation timeout") from None
        while (message := await self._message()) is not None:
            await asyncio.sleep(0)  # others have their turn, however fast these come
            match message.get("type"):
                case "subscribe":
                    self._subscribe(message, await self._counted())
                case "complete":
                    self._complete(message)
                case "ping":
                    await self._counted()
                    self.put('{"type":"pong"}')
                case "pong":
                    pass
                case "connection_init":
                    raise Closed(DOUBLE_INIT, "Too many initialisation requests")
                case _:
                    raise Closed(BAD_MESSAGE, "Unknown type of message")

    async def _message(self) -> dict[str, Any] | None:
        """The next message; None: the other side has gone. Raises Closed for what is none."""
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            return None
        text = received.get("text")
        if text is None:
            raise Closed(BAD_MESSAGE, "Only text messages")
        if len(text) > self._live.options.limits.body:
            raise Closed(BAD_MESSAGE, "Message too large")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Closed(BAD_MESSAGE, "Not JSON") from None
        if not isinstance(message, dict):
            raise Closed(BAD_MESSAGE, "A message is a JSON object")
        return message

    async def _init(self) -> None:
        while (message := await self._message()) is not None:
            match message.get("type"):
                case "connection_init":
                    await self._sign_in(message.get("payload"))
                    self.put('{"type":"connection_ack"}')
                    return
                case "ping":
                    self.put('{"type":"pong"}')
                case "pong":
                    pass
                case "subscribe" | "complete":
                    raise Closed(NOT_IN, "Unauthorized")
                case _:
                    raise Closed(BAD_MESSAGE, "Unknown type of message")

    async def _sign_in(self, payload: object) -> None:
        """The token: from the payload (browsers cannot set headers), else from the handshake."""
        if not isinstance(payload, dict | None):
            raise Closed(BAD_MESSAGE, "The payload of connection_init is an object")
        given = next((value for name, value in (payload or {}).items() if name.lower() == "authorization"), None)
        authorization = given if isinstance(given, str) else self._socket.headers.get("authorization", "")
        try:
            self._caller = await self._live.watch.check(authorization)
        except Unauthenticated as refusal:
            await self._stranger()
            raise Closed(*_closing(refusal)) from None
        except Unavailable:
            raise Closed(LATER, "Try again later") from None
        self.authorization = authorization
        self._live.watch.add(self)

    async def _stranger(self) -> None:
        """Counts a socket that nobody has signed in on. Raises Closed when there were too many from that address."""
        try:
            await self._live.door.failed(address_of(self._socket))
        except HttpRefusal as refusal:
            raise Closed(LATER, _short(refusal.message)) from None

    async def _counted(self) -> HttpRefusal | None:
        """Takes one request from the caller's rate, for each message that wants something of us: the refusal, if none is left."""
        assert self._caller is not None
        try:
            await self._live.door.take(self._caller)
        except HttpRefusal as refusal:
            self._excess += 1
            if self._excess > EXCESS:
                raise Closed(LATER, _short(refusal.message)) from None
            return refusal
        self._excess = 0
        return None

    # ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _subscribe(self, message: dict[str, Any], held_up: HttpRefusal | None) -> None:
        operation_id, payload = message.get("id"), message.get("payload")
        if not isinstance(operation_id, str) or not operation_id or len(operation_id) > 200:
            raise Closed(BAD_MESSAGE, "An operation needs an id")
        if operation_id in self._operations:
            raise Closed(DOUBLE_ID, _short(f"Subscriber for {operation_id} already exists"))
        if held_up is not None:
            self._say("error", operation_id, [entry(held_up.code, held_up.message, self.request_id, **held_up.extensions)])
            return
        try:
            asked = self._live.asked_of(payload, self.request_id)
        except Refused as refused:
            self._say("error", operation_id, refused.errors)
            return
        if asked is None:
            raise Closed(BAD_MESSAGE, "The payload of subscribe needs a query")
        limit = self._live.options.limits.subscriptions
        if len(self._operations) >= limit:
            self._say("error", operation_id, too_many(limit, self.request_id))
            return
        operation = _Operation(self, operation_id)
        self._operations[operation_id] = operation
        operation.task = asyncio.create_task(self._operate(operation, asked))

    def _complete(self, message: dict[str, Any]) -> None:
        operation_id = message.get("id")
        if not isinstance(operation_id, str):
            raise Closed(BAD_MESSAGE, "An operation needs an id")
        operation = self._operations.pop(operation_id, None)
        if operation is not None and operation.task is not None:
            operation.task.cancel()

    async def _operate(self, operation: _Operation, asked: Asked) -> None:
        """One operation from its beginning to its end, whoever ends it."""
        assert self._caller is not None
        try:
            async with asyncio.timeout(self._live.options.limits.request_seconds):
                found = await self._live.begin(asked, self._caller, self._language, self.request_id)
            if isinstance(found, dict):
                self.end(operation, answer=found)
                return
            operation.right = found.wish.right
            async with self._live.hub.follow(found, operation):
                await operation.ended
        except Refused as refused:
            if refused.invalid:
                self._operations.pop(operation.id, None)
                self._say("error", operation.id, refused.errors)
            else:
                self.end(operation, refused.errors)
        except ApiError as error:
            self.end(operation, entries([error], self.request_id))
        except Exception as error:  # noqa: BLE001 - the operation ends with an error; the socket goes on
            code, said = unplanned(error, self.request_id)
            self.end(operation, [entry(ErrorCode(code), said, self.request_id)])

    def end(self, operation: _Operation, errors: Entries | None = None, answer: dict[str, Any] | None = None) -> None:
        """The operation's last answer, and that it is complete."""
        if self._operations.get(operation.id) is not operation:
            return
        del self._operations[operation.id]
        self._say("next", operation.id, answer if answer is not None else {"errors": errors})
        self._say("complete", operation.id)
        if not operation.ended.done():
            operation.ended.set_result(None)

    def _say(self, kind: str, operation_id: str, payload: object = None) -> None:
        message: dict[str, Any] = {"id": operation_id, "type": kind}
        if payload is not None:
            message["payload"] = payload
        self.put(orjson.dumps(message).decode())

    # ── the token ────────────────────────────────────────────────────────────────────────────────────────────────────
    def renewed(self, caller: Caller) -> None:
        """Rights as they are now. Operations that have lost theirs end."""
        if self._caller is not None and caller.viewer != self._caller.viewer:
            self.close(NOT_IN, "This client belongs to somebody else now")
            return
        self._caller = caller
        for operation in list(self._operations.values()):
            if operation.right is not None and operation.right not in caller.scopes:
                self.end(operation, scope_lost(operation.right, self.request_id))

    def refused(self, refusal: Unauthenticated) -> None:
        """The token has ended, or was taken away."""
        self.close(*_closing(refusal))

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def put(self, text: str, cursor: str | None = None) -> None:
        """Queues a message; a reader who lets too many wait is told, and cut off."""
        self.outbox.put(text, cursor)
        if self.outbox.overflowed and self._closing is None:
            log.info("reader_too_slow", operations=len(self._operations))
            self._alone = len(self._operations) == 1
            self.close(TOO_SLOW, "Too slow.")

    def close(self, code: int, reason: str) -> None:
        """Closes, now: what waits is not sent. If even the close does not get through, the socket is dropped."""
        if self._closing is not None:
            return
        self._closing = code, _short(reason)
        self._operations, running = {}, self._operations
        for operation in running.values():
            if operation.task is not None:
                operation.task.cancel()
        self.outbox.close()
        asyncio.get_running_loop().call_later(GRACE_SECONDS, self._drop)

    def _drop(self) -> None:
        if self._main is not None and not self._main.done():
            self._main.cancel()

    async def _write(self) -> None:
        send = self._send
        while (taken := await self.outbox.take()) is not None:
            text, cursor = taken
            await send({"type": "websocket.send", "text": text})
            self.outbox.wrote(cursor)
        code, reason = self._closing or (1000, "")
        if code == TOO_SLOW and self._alone and self.outbox.sent is not None:  # known only now: the last message has left meanwhile
            reason = _short(f"{reason} Go on after {self.outbox.sent}")
        await send({"type": "websocket.close", "code": code, "reason": reason})


def _closing(refusal: Unauthenticated) -> tuple[int, str]:
    """An expired token may be followed by a fresh one: 4403, after which clients connect again; all others are told to stop."""
    return (FORBIDDEN if refusal.reason == "expired" else NOT_IN), _short(refusal.message)


def _short(reason: str) -> str:
    return reason.encode()[:LONGEST_REASON].decode("utf-8", "ignore")


class SocketApp:
    """The route."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one socket."""
        await Socket(self._live, WebSocket(scope, receive, send), send).run()
