"""From the text of an operation to something that can be followed; everything that live connections share."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult, Executor, GraphQLError, GraphQLSchema, OperationType, create_source_event_stream

from api.context import Caller, Context, Language
from api.documents import Documents, Faulty, Prepared, Schema
from api.errors import ApiError, ErrorCode, HttpRefusal, Unavailable
from api.keys import Keys
from api.limits.door import Door
from api.live.bell import Bell
from api.live.encoding import Selection
from api.live.hub import Hub
from api.live.watch import Watch
from api.live.wish import LAST, Wish
from api.masking import entries, entry
from api.options import ApiOptions
from api.trusted import Trusted
from domain.store import clock
from domain.store.availability import is_unavailable
from domain.store.connection import reading as snapshot

Entries = list[dict[str, Any]]
AT_ONCE = 16  # operations that begin at the same time: when a thousand sockets come back at once, the others are still heard


class Refused(Exception):
    """An operation that does not begin. `invalid`: it is not even one that could be executed."""

    def __init__(self, errors: Entries, *, invalid: bool) -> None:
        super().__init__(errors[0]["message"])
        self.errors, self.invalid = errors, invalid


@dataclass(frozen=True, slots=True)
class Asked:
    """The text of an operation with what belongs to it."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]


class Live:
    """What the live connections of one process share: the reader of the log, the bell, the watch over tokens."""

    def __init__(self, schema: Schema, documents: Documents, trusted: Trusted, options: ApiOptions, door: Door, keys: Keys) -> None:
        self.options, self.door = options, door
        self._schema, self._documents, self._trusted, self._keys = schema, documents, trusted, keys
        self._core = schema._schema  # noqa: SLF001 - Strawberry has no public name for the schema it wraps
        self.hub = Hub(self._core, keys, options.machine_clock)
        self.watch = Watch(door.verifier, options.machine_clock)
        self.bell = Bell(options.redis_url, self.hub.ring)
        self._turns = asyncio.Semaphore(AT_ONCE)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Runs reader, bell and watch while the block lasts."""
        tasks = [asyncio.create_task(one.run()) for one in (self.hub, self.bell, self.watch)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.bell.close()

    def asked_of(self, payload: object, request_id: str) -> Asked | None:
        """Reads the payload of `subscribe`; None: it is none.

        Raises Refused for a document that is not known, or not among those that are trusted, as over HTTP.
        """
        if not isinstance(payload, dict):
            return None
        query, name, variables = payload.get("query"), payload.get("operationName"), payload.get("variables")
        if not isinstance(query, str | None) or not isinstance(name, str | None) or not isinstance(variables, dict | None):
            return None
        named = any(payload.get(key) is not None for key in ("documentId", "extensions"))
        if not query and not named:
            return None
        try:
            text = self._trusted.text(query, payload.get("documentId"), payload.get("extensions"))
        except HttpRefusal as refusal:
            raise Refused([entry(refusal.code, refusal.message, request_id)], invalid=True) from None
        return Asked(text, name or None, variables or {})

    async def begin(
        self, asked: Asked, caller: Caller, language: Language, request_id: str, *, last: str | None = None
    ) -> Selection | dict[str, Any]:
        """What to follow, or (of a query) the answer. `last` is a place that wins over `after`. Raises Refused."""
        document = await self._documents.prepared(asked.query)
        if isinstance(document, Faulty):
            raise Refused(entries(document.errors, request_id, fallback=document.code, language=language), invalid=True)
        try:
            operation = document.operation(asked.operation_name)
            if operation.operation is OperationType.MUTATION:
                raise ApiError(ErrorCode.BAD_USER_INPUT, "Send mutations by POST.")
            document.price(operation).check(asked.variables, self.options.limits)
        except ApiError as error:
            raise Refused(entries([error], request_id, language=language), invalid=True) from None
        try:
            async with self._turns:
                context = await self._context(caller, language, request_id, document)
                if operation.operation is OperationType.QUERY:
                    return await self._answer(asked, context, document)
                context.loaders[LAST] = last
                wish = await wish_of(self._core, asked, context, document)
        except Exception as error:
            if is_unavailable(error):
                raise Refused(entries([GraphQLError("", original_error=Unavailable())], request_id), invalid=False) from error
            raise
        return Selection(caller.viewer, language, wish, document, operation, asked.variables)

    async def _context(self, caller: Caller, language: Language, request_id: str, document: Prepared) -> Context:
        """One for each operation: what a socket's first answer has loaded must not serve its second."""
        machine_now, loaded = self.options.machine_clock(), await self._keys.current()
        async with snapshot() as tx:
            now = await clock.business_now(tx, machine_now)
        return Context(
            caller=caller,
            request_id=request_id,
            now=now,
            machine_now=machine_now,
            language=language,
            cursor_key=loaded.cursor_key,
            batch_items=0,
            loose_items=0,
            prepared=document,
        )

    async def _answer(self, asked: Asked, context: Context, document: Prepared) -> dict[str, Any]:
        async with asyncio.timeout(self.options.limits.request_seconds):
            result: Any = await self._schema.execute(
                document.text,
                variable_values=dict(asked.variables),
                context_value=context,
                operation_name=asked.operation_name,
            )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = entries(result.errors, context.request_id)
        return answer


async def wish_of(core: GraphQLSchema, asked: Asked, context: Context, document: Prepared) -> Wish:
    """What a subscription wants: its resolver is asked. Raises Refused."""
    executor = Executor.build(
        core,
        document.document,
        context_value=context,
        raw_variable_values=dict(asked.variables),
        operation_name=asked.operation_name,
        hide_suggestions=True,
    )
    if isinstance(executor, list):
        raise Refused(entries(executor, context.request_id, fallback=ErrorCode.BAD_USER_INPUT), invalid=False)
    source: Any = create_source_event_stream(executor)
    if inspect.isawaitable(source):
        source = await source
    if isinstance(source, Wish):
        return source
    errors = source.errors if isinstance(source, ExecutionResult) else None
    raise Refused(entries(errors or [GraphQLError("There is nothing to follow.")], context.request_id), invalid=False)


def too_many(limit: int, request_id: str) -> Entries:
    """TOO_MANY_SUBSCRIPTIONS."""
    message = f"At most {limit} operations at once on one socket."
    return [entry(ErrorCode.TOO_MANY_SUBSCRIPTIONS, message, request_id, limit=limit)]


def scope_lost(wanted: str, request_id: str) -> Entries:
    """INSUFFICIENT_SCOPE, for an operation whose token has lost the right to it."""
    return [entry(ErrorCode.INSUFFICIENT_SCOPE, f"This needs the scope {wanted}.", request_id, wanted=wanted)]
