"""/graphql: from bytes to bytes. GraphQL over HTTP with both media types; nobody gets past the door without a token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, execute_sync
from graphql import OperationType as Kind
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from strawberry.types.graphql import OperationType

from api import batch
from api.asked import Asked, all_variables, of_address, of_body, opened
from api.body import read_body, too_large
from api.context import Caller, Context, language_of
from api.documents import Documents, Faulty, Prepared, Schema
from api.edge import RETRY_AFTER, challenge, request_id_of
from api.errors import ApiError, ErrorCode, HttpRefusal, Unauthenticated, Unavailable
from api.keys import Keys
from api.limits.door import Door, address_of
from api.live.operations import Asked as Wanted
from api.live.operations import Live, Refused
from api.live.sse import EventStream
from api.masking import entries, entry
from api.negotiate import EVENT_STREAM, GRAPHQL_JSON, answer_type, check_content_type
from api.options import ApiOptions
from api.registrar import WRITE, ShapeFaults, register_all, shape_faults, site_of, too_many
from api.signin_invited import PATH as INVITATIONS
from api.trusted import Trusted
from api.webhooks.desk import Desk
from domain.problems import InputProblem
from domain.store import clock
from domain.store.availability import is_unavailable
from domain.store.connection import transaction

SYSTEM_CLOCK_KEPT = timedelta(seconds=5)
EXECUTABLE = frozenset({OperationType.QUERY, OperationType.MUTATION})
COST_HEADER = "graphql-cost"  # `1`: say in `extensions` what the operation cost


class GraphQL:
    """The endpoint of one application."""

    def __init__(self, schema: Schema, options: ApiOptions, door: Door, keys: Keys) -> None:
        self._schema, self._options, self._door, self._keys = schema, options, door, keys
        self._limits = options.limits
        self._core = schema._schema  # noqa: SLF001 - Strawberry has no public name for the schema it wraps
        self._documents = Documents(self._core, options.limits)
        self._trusted = Trusted(options.trusted, only=options.trusted_only)
        self._desk = Desk(self._core, self._documents, self._trusted, options.limits, options.hooks, options.mails)
        self.live = Live(schema, self._documents, self._trusted, options, door, keys)
        self._plans: dict[int, tuple[Prepared, batch.Plan | None]] = {}
        self._system_clock_until: datetime | None = None

    async def serve(self, request: Request) -> Response:
        """Serves one request."""
        request_id = request_id_of(request.scope)
        if (
            request.method == "GET"
            and not request.query_params
            and "text/html" in request.headers.get("accept", "")
            and self._options.explorer
        ):
            return RedirectResponse("/explorer", 303)
        if request.method not in {"GET", "POST"}:
            raise not_by("Send operations by POST with a JSON body.", "操作は POST で JSON の本文として送ってください。", allow="GET, POST")
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                return await self._serve(request, request_id)
        except Unauthenticated as refused:
            return challenge(refused, self._options.base_url, request)

    async def _serve(self, request: Request, request_id: str) -> Response:
        caller = await self._door.caller(request.headers.get("authorization"), address_of(request))
        allowance = await self._door.take(caller)
        response = await self._answered(request, caller, request_id)
        response.headers.setdefault("cache-control", "no-store")
        if allowance is not None:
            response.headers.update(allowance.headers())
        return response

    async def _answered(self, request: Request, caller: Caller, request_id: str) -> Response:
        accept = answer_type(request.headers.get("accept"))
        asked = await self._read(request, caller)
        language = language_of(request.headers.get("accept-language"))
        if asked.size > self._limits.body and len(asked.query) > self._limits.document_chars:
            raise too_large(self._limits.body)  # it is not the contracts that are large
        document = await self._documents.prepared(asked.query)
        if isinstance(document, Faulty):
            return _answer({"errors": entries(document.errors, request_id, fallback=document.code, language=language)}, accept)
        try:
            operation = document.operation(asked.operation_name)
        except ApiError as error:
            return _answer({"errors": entries([error], request_id, language=language)}, accept)
        if operation.operation is not Kind.QUERY and request.method == "GET":
            raise not_by("By GET only queries are run.", "GET で実行できるのは query だけです。", allow="POST")
        if operation.operation is Kind.SUBSCRIPTION:
            return await self._follow(request, asked, caller, request_id, accept)
        context = await self._context(request, caller, request_id, document)
        plan = self._plan(document, operation)
        try:
            if plan is not None and (taken := await self._take(plan, operation, asked)) is not None:
                context.cost = document.price(operation).check(taken.variables, self._limits)
                return await self._batch(plan, taken, operation, context, request, accept)
            if asked.size > self._limits.body:
                raise too_large(self._limits.body)
            variables = await all_variables(asked)
            self._check_shapes(operation, variables, context)
            context.cost = document.price(operation).check(variables, self._limits)
        except ApiError as error:
            return _answer({"errors": entries([error], request_id, language=language)}, accept)
        except ShapeFaults as faulty:
            return _answer({"errors": _shape_entries(faulty, context)}, accept)
        except batch.VariableFaults as faulty:
            return _answer({"errors": entries(faulty.errors, request_id, fallback=ErrorCode.BAD_USER_INPUT, language=language)}, accept)
        result = await self._execute(operation, context, variables)
        if operation.operation is Kind.MUTATION:
            self.live.bell.ring()
        return self._finished(result, context, request, accept)

    async def _follow(self, request: Request, asked: Asked, caller: Caller, request_id: str, accept: str) -> Response:
        """A subscription: by server-sent events, for those who accept them. `Last-Event-ID` wins over the `after` that was sent first."""
        if EVENT_STREAM not in (request.headers.get("accept") or "").lower():
            problem = GraphQLError(f"Subscriptions need graphql-transport-ws or Accept: {EVENT_STREAM}.")
            return _answer({"errors": entries([problem], request_id, fallback=ErrorCode.GRAPHQL_VALIDATION_FAILED)}, accept)
        language = language_of(request.headers.get("accept-language"))
        wanted = Wanted(asked.query, asked.operation_name, await all_variables(asked))
        found: Any
        try:
            found = await self.live.begin(wanted, caller, language, request_id, last=request.headers.get("last-event-id"))
        except Refused as refused:
            found = refused.errors
        return EventStream(self.live, found, caller, request.headers.get("authorization", ""), request_id)

    # ── the request ──────────────────────────────────────────────────────────────────────────────────────────────────
    async def _read(self, request: Request, caller: Caller) -> Asked:
        if request.method == "GET":
            return of_address(request.query_params, self._trusted)
        check_content_type(request.headers.get("content-type"))
        registers = caller.site_id is not None and WRITE in caller.scopes
        body = await read_body(request, self._limits.batch_body if registers else self._limits.body)
        return of_body(body, self._trusted)

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
            desk=self._desk,
            invitations=f"{self._options.base_url}{INVITATIONS}" if self._options.issuer is None else None,
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

    async def _take(self, plan: batch.Plan, operation: OperationDefinitionNode, asked: Asked) -> batch.Taken | None:
        if asked.raw_variables is not None:
            asked.variables = await opened(plan, asked.raw_variables)
            asked.raw_variables = None if asked.variables is not None else asked.raw_variables
        return batch.take(self._core, plan, operation, asked.variables or {})

    async def _batch(
        self,
        plan: batch.Plan,
        taken: batch.Taken,
        operation: OperationDefinitionNode,
        context: Context,
        request: Request,
        accept: str,
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
            written = await batch.written(plan, answer)
            if more := self._extensions(context, request):
                written = b"%b,%b" % (written[:-1], orjson.dumps({"extensions": more})[1:])
            return Response(written, media_type=_utf8(accept))

        async def execute(turn: Context, variables: dict[str, Any]) -> ExecutionResult:
            return await self._execute(operation, turn, variables)

        result = await batch.through_schema(plan, answer, context, taken.variables, execute)
        return self._finished(result, context, request, accept)

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
        if context.prepared.is_fixed(operation):  # a large answer, all of it from memory
            return await asyncio.to_thread(
                execute_sync, self._core, context.prepared.document, variable_values=variables, operation_name=name, context_value=context
            )
        result: Any = await self._schema.execute(
            context.prepared.text,
            variable_values=variables,
            context_value=context,
            operation_name=name,
            allowed_operation_types=EXECUTABLE,
        )
        found: ExecutionResult = result
        return found

    def _extensions(self, context: Context, request: Request) -> dict[str, Any]:
        """What the answer says beside its data, if it was asked to."""
        cost = context.cost
        if cost is None or request.headers.get(COST_HEADER, "").strip() != "1":
            return {}
        return {"cost": {"requested": cost.total, "limit": self._limits.cost, "dearest": cost.dearest}}

    def _finished(self, result: ExecutionResult, context: Context, request: Request, accept: str) -> Response:
        answer: dict[str, Any] = {}
        before = result.data is None and all(error.path is None for error in result.errors or ())
        if result.errors:
            fallback = ErrorCode.BAD_USER_INPUT if before else None
            answer["errors"] = entries(result.errors, context.request_id, fallback=fallback, language=context.language)
        if not before:
            answer["data"] = result.data
        if more := self._extensions(context, request):
            answer["extensions"] = more
        return _answer(answer, accept)


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


def _answer(answer: dict[str, Any], accept: str) -> Response:
    """The response with its status: 503 when the database was away, 400 (only in the new media type) when nothing ran."""
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    headers: dict[str, str] = {}
    status = 200
    if ErrorCode.UNAVAILABLE.value in codes:
        status, headers = 503, {"retry-after": RETRY_AFTER}
    elif "data" not in answer and accept == GRAPHQL_JSON:
        status = 400
    return Response(orjson.dumps(answer, default=_unknown), status, headers, media_type=_utf8(accept))


def _utf8(media_type: str) -> str:
    return f"{media_type}; charset=utf-8"


def not_by(message: str, japanese: str, *, allow: str) -> HttpRefusal:
    """405: not by this method."""
    return HttpRefusal(405, ErrorCode.BAD_USER_INPUT, message, japanese=japanese, headers={"allow": allow})


def _unknown(value: object) -> Any:
    """What orjson does not know: whole numbers beyond 64 bits, which no field of ours has."""
    raise TypeError(type(value).__name__)
