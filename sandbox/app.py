"""The sandbox's own address (docs/wire.md section 3), and the carriers' behind it."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.bank_api import Endpoint, Unknown, bank_calls
from sandbox.carrier_files import is_writable
from sandbox.clock import ClockBackwards
from sandbox.instants import parse_instant
from sandbox.rules import MAGIC, BadRule
from sandbox.sftp import SftpGate
from sandbox.signing import is_genuine
from sandbox.world import World


class BadBody(Exception):
    """The body cannot be used; the message says why."""


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


class Address:
    """The calls. Refusals are `{"code", "message"}`."""

    def __init__(self, world: World, gate: SftpGate | None) -> None:
        self._world = world
        self._gate = gate

    def routes(self) -> list[Route]:
        """All calls of the address."""
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/status", self.status),
            ("POST", "/clock", self.clock),
            ("GET", "/banks", self.banks),
            ("GET", "/banks/{bank}/book", self.book),
            ("POST", "/banks/{bank}/rules", self.add_rules),
            ("DELETE", "/banks/{bank}/rules", self.empty_rules),
            ("POST", "/banks/{bank}/accounts", self.accounts),
            ("POST", "/banks/{bank}/mandates", self.mandates),
            *bank_calls(self._world),
            ("GET", "/magic", self.magic),
            ("GET", "/carriers/{carrier}/shipments", self.shipments),
            ("POST", "/carriers/{carrier}/rules", self.add_rules),
            ("DELETE", "/carriers/{carrier}/rules", self.empty_rules),
            ("POST", "/carriers/{carrier}/shipment-batches", self.take_batch),
            ("GET", "/carriers/{carrier}/shipment-batches/{batch_id}", self.first_answer),
            ("POST", "/carriers/{carrier}/shipments/{shipment}/stop", self.stop),
            ("POST", "/carriers/{carrier}/shipments/{shipment}/cancel", self.cancel),
            ("POST", "/sites/{site}/play", self.play),
        ]
        return [Route(path, endpoint, methods=[method]) for method, path, endpoint in table]

    # -- clock and banks ---------------------------------------------------------------------------------------------

    async def status(self, request: Request) -> Response:
        return _json(await self._world.status())

    async def clock(self, request: Request) -> Response:
        body = await _object(request)
        ticking = body.get("ticking")
        if ticking is not None and not isinstance(ticking, bool):
            raise BadBody("ticking is true or false")
        to = parse_instant(body["now"]) if "now" in body else None
        return _json(await self._world.advance(to, ticking=ticking))

    async def banks(self, request: Request) -> Response:
        return _json({"banks": await self._world.banks()})

    async def book(self, request: Request) -> Response:
        query = request.query_params
        after, limit = int(query.get("after", "0")), int(query.get("limit", "-1"))
        return _json({"bookings": await self._world.book(self._bank(request), query.get("account"), after, limit)})

    async def accounts(self, request: Request) -> Response:
        bank, body = self._bank(request), await _body(request)
        if isinstance(body, list):
            return _json({"accounts": await self._world.change_accounts(bank, _objects(body))}, 201)
        return _json((await self._world.change_accounts(bank, _objects([body])))[0], 201)

    async def mandates(self, request: Request) -> Response:
        bank, body = self._bank(request), await _body(request)
        count = await self._world.add_mandates(bank, _objects(body if isinstance(body, list) else [body]))
        return _json({"mandates": count}, 201)

    # -- rules -------------------------------------------------------------------------------------------------------

    async def add_rules(self, request: Request) -> Response:
        owner, body = self._owner(request), await _body(request)
        ids = [await self._world.add_rule(owner, rule) for rule in (body if isinstance(body, list) else [body])]
        await self._refresh()
        return _json({"rules": ids}, 201)

    async def empty_rules(self, request: Request) -> Response:
        await self._world.empty_rules(self._owner(request))
        await self._refresh()
        return Response(status_code=204)

    async def magic(self, request: Request) -> Response:
        return _json({"accounts": MAGIC})

    async def _refresh(self) -> None:
        if self._gate is not None:
            await self._gate.refresh()

    # -- carriers and sites ------------------------------------------------------------------------------------------

    async def take_batch(self, request: Request) -> Response:
        carrier, body = self._called(request), await request.body()
        if not self._is_genuine(carrier, request, body):
            return _json({"code": "SIGNATURE", "message": "not signed by a key that is known here"}, 401)
        answer = await self._world.take_batch(carrier, request.headers.get("idempotency-key"), body)
        headers = {} if answer.retry_after is None else {"retry-after": str(answer.retry_after)}
        return Response(answer.body, answer.status, headers, media_type="application/json")

    async def stop(self, request: Request) -> Response:
        carrier, body = self._called(request), await request.body()
        if not self._is_genuine(carrier, request, body):
            return _json({"code": "SIGNATURE", "message": "not signed by a key that is known here"}, 401)
        answer = await self._world.stop_shipment(carrier, request.path_params["shipment"], body)
        headers = {} if answer.retry_after is None else {"retry-after": str(answer.retry_after)}
        return Response(answer.body, answer.status, headers, media_type="application/json")

    async def cancel(self, request: Request) -> Response:
        """Somebody at the carrier keeps a shipment, as on the telephone: nothing is signed."""
        carrier, shipment = self._carrier(request), request.path_params["shipment"]
        reason = (await _object(request)).get("reason", "電話") if await request.body() else "電話"
        if not is_writable(reason, 60):
            raise BadBody("reason is text of 1 to 60 characters of code page 932")
        status = await self._world.cancel_shipment(carrier, shipment, reason)
        if status is None:
            return _json({"code": "UNKNOWN_SHIPMENT", "message": "this carrier was never told of it"}, 404)
        if status != "cancelled":
            return _json({"code": "TOO_LATE", "message": f"it is {status}"}, 409)
        return _json({"shipment_id": shipment, "status": status})

    async def first_answer(self, request: Request) -> Response:
        carrier = self._called(request)
        if "webhook-signature" in request.headers and not self._is_genuine(carrier, request, b""):
            return _json({"code": "SIGNATURE", "message": "not signed by a key that is known here"}, 401)
        answer = await self._world.first_answer(carrier, request.path_params["batch_id"])
        return Response(answer.body, answer.status, media_type="application/json")

    async def shipments(self, request: Request) -> Response:
        return _json({"shipments": await self._world.shipments(self._carrier(request))})

    async def play(self, request: Request) -> Response:
        site = request.path_params["site"]
        if site not in self._world.config.sites:
            raise Unknown
        await self._world.play(site, await _object(request))
        return _json(await self._world.status(), 202)

    def _is_genuine(self, carrier: str, request: Request, body: bytes) -> bool:
        secrets = self._world.config.carriers[carrier].secrets
        return is_genuine(secrets, request.headers, body, self._world.machine_seconds())

    def _bank(self, request: Request) -> str:
        bank = str(request.path_params["bank"])
        if bank not in self._world.config.banks:
            raise Unknown
        return bank

    def _carrier(self, request: Request) -> str:
        carrier = str(request.path_params["carrier"])
        if carrier not in self._world.config.carriers:
            raise Unknown
        return carrier

    def _called(self, request: Request) -> str:
        """A carrier that takes calls: one that is given files offers none."""
        carrier = self._carrier(request)
        if self._world.config.carriers[carrier].by_file:
            raise Unknown
        return carrier

    def _owner(self, request: Request) -> str:
        return self._bank(request) if "bank" in request.path_params else f"carrier:{self._carrier(request)}"


async def _body(request: Request) -> Any:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise BadBody("the body is not JSON") from None


async def _object(request: Request) -> dict[str, Any]:
    return _objects([await _body(request)])[0]


def _objects(values: list[Any]) -> list[dict[str, Any]]:
    if not all(isinstance(value, dict) for value in values):
        raise BadBody("a JSON object is wanted")
    return values


async def _refused(_: Request, error: Exception) -> Response:
    if isinstance(error, Unknown):
        return _json({"code": "NOT_FOUND", "message": "no such bank, carrier or site"}, 404)
    if isinstance(error, ClockBackwards):
        return _json({"code": "CLOCK_BACKWARDS", "message": "the clock never goes back"}, 409)
    message = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
    return _json({"code": "INVALID", "message": message}, 422)


def make_app(world: World, gate: SftpGate | None = None) -> Starlette:
    """The application over a world; who starts it also starts the world's background loop."""
    refusals = (Unknown, ClockBackwards, BadBody, BadRule, KeyError, ValueError)
    return Starlette(routes=Address(world, gate).routes(), exception_handlers=dict.fromkeys(refusals, _refused))
