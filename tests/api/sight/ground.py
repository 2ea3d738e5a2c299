"""A house with one contract that has a value in every field, one whose seller is its buyer, and somebody in each role who looks at them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx2

from api.options import Limits
from domain.registration import content_hash
from domain.statuses import EventKind
from domain.store import grants_clients, people
from domain.store.connection import transaction
from tests.api.live.lines import House, opened
from tests.api.market import listed_anew
from tests.api.oauth.people import HASH, NATIVE, Browser, Flow, People
from tests.api.sight.looking import SCHEMA, Sights, everything, look
from tests.store.trading import contract, normal

WHO: dict[str, str | int] = {"site": 130, "seller": "A", "buyer": "B", "both": "C", "other-site": 320, "other-firm": "D"}
EVENTS = (EventKind.REGISTERED, *(kind for kind in EventKind if kind is not EventKind.REGISTERED))
FULL: dict[str, Any] = {
    "fees": (300, 500),
    "due": "09-24",
    "events": EVENTS,
    "debit": 5,
    "failure": 1,
    "failed_on": "09-24",
    "retry_on": "09-30",
    "scheduled_on": "09-24",
    "debited_on": "09-24",
    "delivery": 6,
    "delivery_instructed_on": "09-25",
    "shipped_on": "09-26",
    "delivered_on": "09-27",
    "tracking_number": "T-1",
    "payout": 3,
    "settled": 9_500,
    "settled_on": "09-28",
    "credited_on": "09-29",
}
RECONCILED = """
insert into reply(channel, name, sha256, size, kind, at, machine_at) values ('bank:9990', 'f', 'x', 1, 'statement', now(), now());
insert into statement(home, account_id, booked_on, number, reply_id, opening, credits, debits, closing)
 select home, account_id, '2000-09-28', 1, (select max(reply_id) from reply), 0, 0, 0, 0 from account where site_id = 130 and main;
insert into credit_notice(home, account_id, booked_on, number, line_no, inquiry, amount, cancels, reply_id)
 select home, account_id, current_date, 1, 1, '1', 700, false, (select max(reply_id) from reply) from account where site_id = 130 and main;
insert into exception(reference, home, at, code, reason, reply_id, amount) select 'u', 1, now(), 'UNMATCHED', 'a credit', max(reply_id), 700 from reply;
"""
"""The site's main account has a statement, something under way, and an open break."""
SAME = contract("1")
"""A registration that the first contract is taken for: registered already, with the same content."""

PARTY = SAME["seller"]
"""A party that its site makes known."""


def name_of(role: str) -> str:
    """The contract that a role looks at."""
    return "130/2" if role == "both" else "130/1"


class Ground:
    """The house, and the tokens of those who look."""

    def __init__(self, house: House) -> None:
        self.house, self.market = house, house.market
        self.operator = ""

    async def build(self) -> Ground:
        await self.market.contract("130/1", "A", "B", 10_000, **FULL)
        await self.market.contract("130/2", "C", "C", 10_000, **FULL)
        async with transaction() as tx:
            await tx.run("update delivery_record set seller_postal_code = '100-0005', buyer_postal_code = '105-0001' where home = 1")
            await tx.run("update contract_number set content = $1 where home = 1 and number = '1'", content_hash(normal(SAME)))
        for name in ("130/1", "130/2"):
            await self.house.tell(name, EventKind.DEBITED, EventKind.FUNDED)
        async with transaction() as tx:
            await tx.run("update event set happened_on = '2000-09-24' where home = 1")
            await tx.script(RECONCILED)
            await listed_anew(tx)
        return self

    async def bearer(self, role: str, scope: str | None = None) -> str:
        """An Authorization header for a role. An operator is a person, who comes through a frontend."""
        if role != "operator":
            return await self.house.bearer(WHO[role], scope)
        if not self.operator:
            await people.create("op-1", password_hash=HASH, machine_now=self.house.clock.now)
            wide = ("contracts:read", "settlements:read", "operations")
            spa, _ = await grants_clients.create_frontend("画面", [NATIVE], scopes=wide, machine_now=self.house.clock.now)
            town = cast("People", _Town(self.house))
            browser = Browser(town.api)
            await browser.sign_in("op-1")
            self.operator = "Bearer " + (await Flow(town, spa, NATIVE, scope=" ".join(wide)).tokens(browser))["access_token"]
        return self.operator

    async def post(self, role: str | None, query: str, variables: Any = None, *, authorization: str | None = None) -> httpx2.Response:
        given = authorization or (None if role is None else await self.bearer(role))
        headers = {} if given is None else {"authorization": given}
        return await self.house.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def ask(self, role: str, query: str, variables: Any = None) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        body = (await self.post(role, query, variables)).json()
        assert "errors" not in body, body
        return dict(body["data"])

    async def event_id(self, role: str, kind: str) -> str:
        """The ID of the contract's latest event of a kind, as its site is told it."""
        query = "query ($id: ID!) { contract(by: {id: $id}) { timeline(first: 200) { edges { node { id kind } } } } }"
        found = await self.ask("site", query, {"id": f"c{self.market.ids[name_of(role)]}"})
        ids = [edge["node"]["id"] for edge in found["contract"]["timeline"]["edges"] if edge["node"]["kind"] == kind]
        return str(ids[-1])

    async def ways(self, role: str) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Every way to what a role may look at: alias, root field, arguments, variables."""
        number = self.market.ids[name_of(role)]
        funded, debited = await self.event_id(role, "FUNDED"), await self.event_id(role, "DEBITED")
        by_number = {"number": {"siteId": "130", "number": name_of(role).partition("/")[2]}}
        return [
            ("viewer", "viewer", "", {}),
            ("byId", "contract", "(by: $v)", {"id": f"c{number}"}),
            ("byContractId", "contract", "(by: $v)", {"contractId": f"{number:018d}"}),
            ("byNumber", "contract", "(by: $v)", by_number),
            ("nodeContract", "node", "Contract", {"id": f"c{number}"}),
            ("nodeSettlement", "node", "Settlement", {"id": f"s{number}"}),
            ("nodeEvent", "node", "ContractEvent", {"id": debited}),
            ("nodePayoutEvent", "node", "ContractEvent", {"id": funded}),
            ("nodeSettlementEvent", "node", "SettlementEvent", {"id": f"t{funded[1:]}"}),
            ("contracts", "contracts", "(first: 5)", {}),
            ("settlements", "settlements", "(first: 5)", {}),
            ("reconciliation", "reconciliation", "", {}),
        ]

    async def queries(self, role: str, keys: Any, found: Sights) -> None:
        """What a role sees by queries."""
        for alias, field, how, value in await self.ways(role):
            if field == "node":
                text = f"query ($v: ID!) {{ {alias}: node(id: $v) {{ __typename ... on {how} {everything(how)} }} }}"
                answer = await self.ask(role, text, {"v": value["id"]})
            else:
                declared = "query ($v: ContractKeyInput!) " if "$v" in how else ""
                below = everything(SCHEMA_TYPES[field])
                answer = await self.ask(role, f"{declared}{{ {alias}: {field}{how} {below} }}", {"v": value} if declared else None)
            look(answer, "Query", keys, found, {alias: field})

    async def subscriptions(self, role: str, keys: Any, found: Sights) -> None:
        """What a role is told, over one socket."""
        line = await self.house.plug()
        assert (await line.outbox.get())["type"] == "websocket.accept"
        await line.send(type="connection_init", payload={"Authorization": await self.bearer(role)})
        assert (await line.next())["type"] == "connection_ack"
        for field, event in (("contractStatusChanged", "ContractEvent"), ("settlementUpdated", "SettlementEvent")):
            await line.follow(f'subscription {{ {field}(after: "0") {everything(event)} }}', name=field)
            await self._told()
            await line.send(type="ping")
            while (message := await line.next())["type"] != "pong":
                assert "errors" not in message["payload"], message
                look(message["payload"]["data"], "Subscription", keys, found)
            await line.send(type="complete", id=field)
            await self.house.joined(0)
        await line.cut()

    async def _told(self) -> None:
        """Returns when the only follower has been told everything that was there before him."""
        await self.house.joined(1)
        (follower,) = [one for groups in self.house.live.hub._groups.values() for group in groups.values() for one in group.followers]
        while follower.held is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def registrations(self, role: str, keys: Any, found: Sights) -> None:
        """What the answers to a registration show: registered already, a conflict, a refusal, one by one and as a whole."""
        one = f"mutation ($input: RegisterContractInput!) {{ registerContract(input: $input) {everything('RegisterContractResult')} }}"
        for raw in (SAME, {**SAME, "amount": 5}, {**SAME, "number": "fresh"}):
            look(await self.ask(role, one, {"input": raw}), "Mutation", keys, found)
        for raws, on_problem in (([SAME, {**SAME, "amount": 5}], "REGISTER_OTHERS"), ([{**SAME, "number": "fresh"}], "REGISTER_NONE")):
            what = (
                f"mutation ($input: RegisterContractsInput!) {{ registerContracts(input: $input) {everything('RegisterContractsResult')} }}"
            )
            look(await self.ask(role, what, {"input": {"contracts": raws, "onProblem": on_problem}}), "Mutation", keys, found)
        known = f"mutation ($input: RegisterPartyInput!) {{ registerParty(input: $input) {everything('RegisterPartyResult')} }}"
        for party in (PARTY, {**PARTY, "postalCode": "100-0005"}, {**PARTY, "code": ""}):
            look(await self.ask(role, known, {"input": {"party": party}}), "Mutation", keys, found)


SCHEMA_TYPES = {
    "viewer": "Viewer",
    "contract": "Contract",
    "contracts": "ContractConnection",
    "settlements": "SettlementConnection",
    "reconciliation": "AccountReconciliation",
}
assert set(SCHEMA_TYPES.values()) <= set(SCHEMA.type_map)


class _Town:
    """As much of `People` as an authorization needs."""

    def __init__(self, house: House) -> None:
        self.api = house


@contextlib.asynccontextmanager
async def ground(database_url: str, **more: Any) -> AsyncIterator[Ground]:
    """The house of one test."""
    async with opened(database_url, limits=Limits(cost=10**9, rate=0), **more) as house:
        yield await Ground(house).build()
