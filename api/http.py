"""POST /graphql: from bytes to bytes. GraphQL over HTTP with both media types; nobody gets past the door without a token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import orjson
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode
from graphql import OperationType as Kind
from starlette.requests import Request
from starlette.responses import Response
from strawberry.types.graphql import OperationType

from api import batch
from api.body import read_body, too_large
from api.context import Caller, Context, language_of
from api.documents import Documents, Faulty, Prepared, Schema
from api.edge import RETRY_AFTER, error_response, request_id_of
from api.errors import ApiError, ErrorCode, HttpRefusal, Unauthenticated, Unavailable
from api.keys import Keys
from api.live.operations import Asked, Live, Refused
from api.live.sse import EVENT_STREAM, EventStream
from api.masking import entries, entry
from api.options import ApiOptions
from api.registrar import WRITE, ShapeFaults, Turns, register_all, shape_faults, site_of, too_many
from api.tokens import Verifier
from domain.problems import InputProblem
from domain.store import clock
from domain.store.availability import is_unavailable
from domain.store.connection import transaction

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
AT_ONCE = 262_144  # bytes that are decoded in one go
SYSTEM_CLOCK_KEPT = timedelta(seconds=5)
EXECUTABLE = frozenset({OperationType.QUERY, OperationType.MUTATION})
NOT_JSON = "The body is not a JSON object."


@dataclass(slots=True)
class _Asked:
    """A request as it was sent. `raw_variables` are still JSON where the body is large."""

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None
    raw_variables: msgspec.Raw | None
    size: int


class GraphQL:
    """The endpoint of one application."""

    def __init__(self, schema: Schema, options: ApiOptions, verifier: Verifier, keys: Keys) -> None:
        self._schema, self._options, self._verifier, self._keys = schema, options, verifier, keys
        self._limits = options.limits
        self._core = schema._schema  # noqa: SLF001 - Strawberry has no public name for the schema it wraps
        self._documents = Documents(self._core, count=options.limits.documents, chars=options.limits.document_chars)
        self.live = Live(schema, self._documents, options, verifier, keys)
        self._plans: dict[int, tuple[Prepared, batch.Plan | None]] = {}
        self._system_clock_until: datetime | None = None

    async def serve(self, request: Request) -> Response:
        """Serves one request."""
        request_id = request_id_of(request.scope)
        if request.method != "POST":
            refusal = "Send operations by POST with a JSON body."
            return error_response(405, ErrorCode.BAD_USER_INPUT, refusal, request_id, headers={"allow": "POST"})
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                return await self._serve(request, request_id)
        except Unauthenticated as refused:
            challenge = f'Bearer realm="{self._options.base_url}"'
            if refused.reason != "missing":
                challenge += ', error="invalid_token"'
            return error_response(
                401,
                ErrorCode.UNAUTHENTICATED,
                refused.message,
                request_id,
                headers={"www-authenticate": challenge},
                extensions={"reason": refused.reason},
            )

    async def _serve(self, request: Request, request_id: str) -> Response:
        caller = await self._verifier.caller(request.headers.get("authorization"))
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != JSON:
            raise HttpRefusal.media_type(JSON)
        asked = await self._read(request, caller)
        accept = _accepted(request.headers.get("accept"))
        if asked.size > self._limits.body and len(asked.query) > self._limits.document_chars:
            raise too_large(self._limits.body)  # it is not the contracts that are large
        document = self._documents.prepare(asked.query)
        if isinstance(document, Faulty):
            return _answer({"errors": entries(document.errors, request_id, fallback=document.code)}, accept)
        try:
            operation = document.operation(asked.operation_name)
        except ApiError as error:
            return _answer({"errors": entries([error], request_id)}, accept)
        if operation.operation is Kind.SUBSCRIPTION:
            return await self._follow(request, asked, caller, request_id, accept)
        context = await self._context(request, caller, request_id, document)
        plan = self._plan(document, operation)
        try:
            if plan is not None and (taken := await self._take(plan, operation, asked)) is not None:
                return await self._batch(plan, taken, operation, context, accept)
            if asked.size > self._limits.body:
                raise too_large(self._limits.body)
            variables = await _all_variables(asked)
            self._check_shapes(operation, variables, context)
        except ApiError as error:
            return _answer({"errors": entries([error], request_id)}, accept)
        except ShapeFaults as faulty:
            return _answer({"errors": _shape_entries(faulty, context)}, accept)
        except batch.VariableFaults as faulty:
            return _answer({"errors": entries(faulty.errors, request_id, fallback=ErrorCode.BAD_USER_INPUT)}, accept)
        result = await self._execute(operation, context, variables)
        if operation.operation is Kind.MUTATION:
            self.live.bell.ring()
        return self._finished(result, request_id, accept)

    async def _follow(self, request: Request, asked: _Asked, caller: Caller, request_id: str, accept: str) -> Response:
        """A subscription: by server-sent events, for those who accept them. `Last-Event-ID` wins over the `after` that was sent first."""
        if EVENT_STREAM not in (request.headers.get("accept") or "").lower():
            problem = GraphQLError(f"Subscriptions need graphql-transport-ws or Accept: {EVENT_STREAM}.")
            return _answer({"errors": entries([problem], request_id, fallback=ErrorCode.GRAPHQL_VALIDATION_FAILED)}, accept)
        language = language_of(request.headers.get("accept-language"))
        wanted = Asked(asked.query, asked.operation_name, await _all_variables(asked))
        found: Any
        try:
            found = await self.live.begin(wanted, caller, language, request_id, last=request.headers.get("last-event-id"))
        except Refused as refused:
            found = refused.errors
        return EventStream(self.live, found, caller, request.headers.get("authorization", ""), request_id)

    # ── the request ──────────────────────────────────────────────────────────────────────────────────────────────────
    async def _read(self, request: Request, caller: Caller) -> _Asked:
        registers = caller.site_id is not None and WRITE in caller.scopes
        body = await read_body(request, self._limits.batch_body if registers else self._limits.body)
        try:
            return _asked(body)
        except (orjson.JSONDecodeError, msgspec.DecodeError, RecursionError):
            raise HttpRefusal.bad(NOT_JSON) from None

    async def _context(self, request: Request, caller: Caller, request_id: str, document: Prepared) -> Context:
        machine_now = self._options.machine_clock()
        try:
            now = await self._business_now(machine_now)
            loaded = await self._keys.current()
        except Exception as error:
            if is_unavailable(error):
                raise Unavailable from error
            raise
        return Context(
            caller=caller,
            request_id=request_id,
            now=now,
            machine_now=machine_now,
            language=language_of(request.headers.get("accept-language")),
            cursor_key=loaded.cursor_key,
            batch_items=self._limits.batch_items,
            loose_items=self._limits.loose_items,
            prepared=document,
        )

    async def _business_now(self, machine_now: datetime) -> datetime:
        """Business time, read once for the request. Outside the sandbox it is the system's, and asking again can wait a while."""
        if self._system_clock_until is not None and machine_now < self._system_clock_until:
            return clock.SYSTEM.now(machine_now)
        async with transaction() as tx:
            state = await clock.state(tx)
        self._system_clock_until = None if state.sandbox else machine_now + SYSTEM_CLOCK_KEPT
        return state.now(machine_now)

    # ── batches ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _plan(self, document: Prepared, operation: OperationDefinitionNode) -> batch.Plan | None:
        known = self._plans.get(id(operation))
        if known is not None and known[0] is document:
            return known[1]
        plan = batch.plan_of(self._core, document, operation)
        if len(self._plans) >= self._limits.documents:
            self._plans.clear()
        self._plans[id(operation)] = (document, plan)
        return plan

    async def _take(self, plan: batch.Plan, operation: OperationDefinitionNode, asked: _Asked) -> batch.Taken | None:
        if asked.raw_variables is not None:
            asked.variables = await _opened(plan, asked.raw_variables)
            asked.raw_variables = None if asked.variables is not None else asked.raw_variables
        return batch.take(self._core, plan, operation, asked.variables or {})

    async def _batch(
        self, plan: batch.Plan, taken: batch.Taken, operation: OperationDefinitionNode, context: Context, accept: str
    ) -> Response:
        answer: Any
        try:
            site_of(context)
            answer = await register_all(context, taken.contracts, taken.on_problem, context.batch_items)
        except (ShapeFaults, HttpRefusal, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - the schema gives every error the shape that it has elsewhere
            answer = error
        self.live.bell.ring()
        if plan.writers is not None and not isinstance(answer, BaseException):
            return Response(await batch.written(plan, answer), media_type=accept)

        async def execute(turn: Context, variables: dict[str, Any]) -> ExecutionResult:
            return await self._execute(operation, turn, variables)

        result = await batch.through_schema(plan, answer, context, taken.variables, execute)
        return self._finished(result, context.request_id, accept)

    def _check_shapes(self, operation: OperationDefinitionNode, variables: Mapping[str, Any], context: Context) -> None:
        """Names every faulty place of a registration that goes the ordinary way, as a batch would. Raises ShapeFaults."""
        faults: list[InputProblem] = []
        for definition in operation.variable_definitions or ():
            of = batch.named_type(definition.type)
            value = variables.get(definition.variable.name.value)
            if of == "RegisterContractInput":
                if isinstance(value, dict):
                    faults += shape_faults(value, ())
                elif isinstance(value, list):
                    faults += _faults_of(value, context)
            elif of == "RegisterContractsInput" and isinstance(value, dict) and isinstance(value.get("contracts"), list):
                faults += _faults_of(value["contracts"], context)
        if faults:
            raise ShapeFaults(faults)

    # ── the answer ───────────────────────────────────────────────────────────────────────────────────────────────────
    async def _execute(self, operation: OperationDefinitionNode, context: Context, variables: dict[str, Any]) -> ExecutionResult:
        assert context.prepared is not None
        name = operation.name.value if operation.name else None
        result: Any = await self._schema.execute(
            context.prepared.text,
            variable_values=variables,
            context_value=context,
            operation_name=name,
            allowed_operation_types=EXECUTABLE,
        )
        found: ExecutionResult = result
        return found

    def _finished(self, result: ExecutionResult, request_id: str, accept: str) -> Response:
        answer: dict[str, Any] = {}
        before = result.data is None and all(error.path is None for error in result.errors or ())
        if result.errors:
            fallback = ErrorCode.BAD_USER_INPUT if before else None
            answer["errors"] = entries(result.errors, request_id, fallback=fallback)
        if not before:
            answer["data"] = result.data
        return _answer(answer, accept)


def _asked(body: bytes) -> _Asked:
    """The parts of a request body. Raises what the JSON readers raise, and HttpRefusal."""
    if len(body) <= AT_ONCE:
        whole = orjson.loads(body)
        if not isinstance(whole, dict):
            raise HttpRefusal.bad(NOT_JSON)
        query, name, variables = whole.get("query"), whole.get("operationName"), whole.get("variables")
        raw = None
    else:
        parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        query, name = (orjson.loads(bytes(parts[key])) if key in parts else None for key in ("query", "operationName"))
        variables, raw = None, parts.get("variables")
        if raw is not None and bytes(raw).lstrip()[:1] != b"{":
            variables, raw = orjson.loads(bytes(raw)), None
    if not isinstance(query, str) or not query:
        raise HttpRefusal.bad("`query` is missing: the text of the operation.")
    if not isinstance(name, str | None):
        raise HttpRefusal.bad("`operationName` is a text.")
    if not isinstance(variables, dict | None):
        raise HttpRefusal.bad("`variables` is an object.")
    return _Asked(query, name or None, variables, raw, len(body))


async def _opened(plan: batch.Plan, raw: msgspec.Raw) -> dict[str, Any] | None:
    """The variables of a large body, the contracts in them left as pieces of JSON; each step is short."""
    turns = Turns.begin()
    try:
        variables: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        for name, value in variables.items():
            await turns.pause()
            if name != plan.variable:
                variables[name] = orjson.loads(bytes(value))
            elif plan.whole:
                parts: dict[str, Any] = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
                await turns.pause()
                for part, inner in parts.items():
                    parts[part] = _list(inner) if part == "contracts" else orjson.loads(bytes(inner))
                variables[name] = parts
            else:
                variables[name] = _list(value)
    except msgspec.ValidationError:
        return None  # no object or no list where one should be: the ordinary way says so
    except (orjson.JSONDecodeError, msgspec.DecodeError, RecursionError):
        raise HttpRefusal.bad(NOT_JSON) from None
    return variables


def _list(raw: msgspec.Raw) -> Any:
    return msgspec.json.decode(raw, type=list[msgspec.Raw])


async def _all_variables(asked: _Asked) -> dict[str, Any]:
    """The variables, decoded whole: for bodies within the ordinary limit."""
    if asked.raw_variables is None:
        return asked.variables or {}
    try:
        found = orjson.loads(bytes(asked.raw_variables))
    except orjson.JSONDecodeError:
        raise HttpRefusal.bad(NOT_JSON) from None
    return dict(found)


def _faults_of(contracts: list[Any], context: Context) -> list[InputProblem]:
    if len(contracts) > context.loose_items:
        raise too_many(context, len(contracts), context.loose_items)
    return [fault for index, item in enumerate(contracts) for fault in shape_faults(item, ("contracts", str(index)))]


def _shape_entries(faulty: ShapeFaults, context: Context) -> list[dict[str, Any]]:
    return [
        entry(
            ErrorCode.BAD_USER_INPUT,
            f"{'.'.join(fault.path)}: {context.say(fault.message_en, fault.message_ja)}",
            context.request_id,
            inputPath=list(fault.path),
        )
        for fault in faulty.faults
    ]


def _accepted(accept: str | None) -> str:
    """The media type of the answer: the new one for those who name it, else JSON."""
    return GRAPHQL_JSON if GRAPHQL_JSON in (accept or "").lower() else JSON


def _answer(answer: dict[str, Any], accept: str) -> Response:
    """The response with its status: 503 when the database was away, 400 (only in the new media type) when nothing ran."""
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    headers: dict[str, str] = {}
    status = 200
    if ErrorCode.UNAVAILABLE.value in codes:
        status, headers = 503, {"retry-after": RETRY_AFTER}
    elif "data" not in answer and accept == GRAPHQL_JSON:
        status = 400
    return Response(orjson.dumps(answer, default=_unknown), status, headers, media_type=accept)


def _unknown(value: object) -> Any:
    """What orjson does not know: whole numbers beyond 64 bits, which no field of ours has."""
    raise TypeError(type(value).__name__)
