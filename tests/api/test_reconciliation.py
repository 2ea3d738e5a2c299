"""Accounts by ledger and statement, through GraphQL: a site sees its own, an operator all, a firm none."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.store.connection import transaction
from tests.api.market import SCOPES, Market, at

QUERY = """
query ($siteId: String, $bankCode: String) { reconciliation(siteId: $siteId, bankCode: $bankCode) {
  siteId bankCode branchCode type number main currency statementOn statementBalance ledgerBalance reserved notOnStatement notInLedger unexplained
  underWay { what amount incoming since days onStatement inLedger } breaks { code reason amount since days } } }
"""
ALL = SCOPES | {"operations"}


@pytest.fixture
async def market(store: Any) -> Market:
    market = await Market().build()
    async with transaction() as tx:
        await tx.run(
            "insert into reply(channel, name, sha256, size, kind, at, machine_at) values ('bank:9990', 'f', 'x', 1, 'statement', now(), now())"
        )
        reply = await tx.value("select reply_id from reply")
        await tx.run("insert into statement values (1, 130, '2000-09-28', 1, $1, 0, 700, 0, 700)", reply)
        await tx.run("update account set booked = 700 where account_id = 130")
        await tx.run(
            "insert into exception(reference, home, at, code, reason, reply_id, amount) values ('u', 1, $1, 'UNMATCHED', 'a credit', $2, 700)",
            at("09-29 06:00"),
            reply,
        )
    return market


async def seen(market: Market, who: str | int, **variables: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await market.ask(who, QUERY, variables, scopes=ALL))["reconciliation"]
    return found


async def test_a_site_sees_its_account(market: Market):
    (one,) = await seen(market, 130)
    assert one.pop("breaks") == [{"code": "UNMATCHED", "reason": "a credit", "amount": 700, "since": "2000-09-28", "days": 4}]
    assert one == {
        "siteId": "130", "bankCode": "9990", "branchCode": "001", "type": "ORDINARY", "number": "*****30", "main": True, "currency": "JPY",
        "statementOn": "2000-09-28", "statementBalance": 700, "ledgerBalance": 700, "reserved": 0, "notOnStatement": 0, "notInLedger": 0,
        "unexplained": 0, "underWay": [],
    }  # fmt: skip


WHO: tuple[tuple[str | int, dict[str, str], list[str]], ...] = (
    (130, {}, ["130"]),
    (130, {"siteId": "130"}, ["130"]),
    (130, {"siteId": "320"}, []),
    (130, {"siteId": "999"}, []),
    (130, {"siteId": "x"}, []),
    (130, {"bankCode": "9991"}, []),
    (320, {}, ["320"]),
    ("operator", {}, ["130", "320"]),
    ("operator", {"siteId": "320"}, ["320"]),
    ("B", {}, []),
    ("B", {"siteId": "130"}, []),
)


@pytest.mark.parametrize("who, variables, sites", WHO)
async def test_who_sees_which(market: Market, who: str | int, variables: dict[str, str], sites: list[str]):
    assert [one["siteId"] for one in await seen(market, who, **variables)] == sites


@pytest.mark.parametrize("who, wanted", [(130, "settlements:read"), ("operator", "operations"), ("B", "settlements:read")])
async def test_which_scope_it_needs(market: Market, who: str | int, wanted: str):
    refusal = await market.refusal(who, QUERY, {}, scopes=frozenset({"contracts:read"}))
    assert (refusal["code"], refusal["wanted"]) == ("INSUFFICIENT_SCOPE", wanted)


async def test_before_the_first_statement(market: Market):
    (one,) = await seen(market, 320)
    assert (one["statementOn"], one["statementBalance"], one["unexplained"], one["ledgerBalance"]) == (None, None, None, 0)


async def test_what_nothing_explains(market: Market):
    async with transaction() as tx:
        await tx.run("update account set booked = 650 where account_id = 130")
    (one,) = await seen(market, 130)
    assert one["unexplained"] == 50
    assert date.fromisoformat(one["statementOn"]) == date(2000, 9, 28)
