"""Parties made known by their site before any contract: made, changed, refused, and never anybody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.accounts import mask
from domain.store import people_invited
from domain.store.connection import reading, transaction
from tests.api.serving import Served, serving
from tests.store.trading import contract, party

REGISTER = """mutation ($input: RegisterPartyInput!) { registerParty(input: $input) { __typename
  ... on PartyRegistered { alreadyRegistered changed party { code name postalCode address claimed
    account { bankCode branchCode type number holder } } }
  ... on Problem { code message path } ... on PartyRefused { problems { code path } } } }"""
NEW = party("1001", "9991", "9100001")
PLAIN = "mutation ($input: RegisterContractInput!) { registerContract(input: $input) { __typename } }"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as api:
        yield api


async def register(served: Served, raw: dict[str, Any], *, who: str = "site", **more: Any) -> Any:
    return (await served.ask(REGISTER, {"input": {"party": raw, **more}}, who=who))["registerParty"]


async def parties(code: str = "1001") -> list[tuple[int, str, str]]:
    async with reading() as tx:
        rows = await tx.rows(
            "select p.site_id, p.name, a.account_number from party p join party_account a using (home, party_id) where p.code = $1 order by 1, 3",
            code,
        )
    return [tuple(row) for row in rows]


async def test_made_repeated_and_changed(served: Served):
    answer = await register(served, NEW, siteId="130")
    assert answer == {
        "__typename": "PartyRegistered",
        "alreadyRegistered": False,
        "changed": False,
        "party": {
            "code": "1001",
            "name": "1001社",
            "postalCode": None,
            "address": "港区青山",
            "claimed": False,
            "account": {"bankCode": "9991", "branchCode": "101", "type": "ORDINARY", "number": mask("9100001"), "holder": "1001ｼﾔ"},
        },
    }

    async def told(raw: dict[str, Any]) -> tuple[bool, bool]:
        again = await register(served, raw)
        return again["alreadyRegistered"], again["changed"]

    assert await told(NEW) == (True, False)
    assert await told({**NEW, "name": "新社名"}) == (False, True)
    assert await told({**NEW, "name": "新社名"}) == (True, False)
    moved = {**NEW, "name": "新社名", "account": {**NEW["account"], "number": "9100002"}}
    assert await told(moved) == (False, False), "another account, which does not change the party"
    assert await parties() == [(130, "新社名", "9100001"), (130, "新社名", "9100002")]


async def test_a_site_has_parties_of_its_own(served: Served):
    await register(served, NEW)
    await register(served, {**NEW, "name": "別の会社"}, who="other")
    assert await parties() == [(130, "1001社", "9100001"), (320, "別の会社", "9100001")]
    answer = await register(served, NEW, siteId="320")
    assert (answer["code"], answer["problems"]) == ("INPUT_INVALID", [{"code": "INPUT_INVALID", "path": ["siteId"]}])


async def test_contracts_keep_what_they_said(served: Served):
    raw = contract("1")
    await served.ask(PLAIN, {"input": raw})
    await register(served, {**raw["seller"], "name": "あとの名前"})
    async with reading() as tx:
        assert await tx.value("select seller_name from delivery_record") == raw["seller"]["name"]
    again = await served.ask(PLAIN, {"input": contract("2", seller=NEW)})
    assert again["registerContract"]["__typename"] == "ContractRegistered"
    assert await parties() == [(130, "1001社", "9100001")]


async def test_an_invited_firm_holds_what_was_made(served: Served):
    await register(served, NEW)
    await people_invited.invite(130, "1001", machine_now=served.clock.now)
    async with transaction() as tx:
        await tx.run("update party set firm_id = (select min(firm_id) from firm) where code = '1001'")
    assert (await register(served, {**NEW, "address": "大田区"}))["party"]["claimed"] is True


async def test_every_mistake_at_once_in_both_languages(served: Served):
    wrong = {**NEW, "code": " ", "name": "x" * 141, "account": {**NEW["account"], "bankCode": "12", "holder": "漢字"}}
    answer = await register(served, wrong)
    assert answer["__typename"] == "PartyRefused"
    assert {tuple(problem["path"]) for problem in answer["problems"]} == {
        ("party", "code"),
        ("party", "name"),
        ("party", "account", "bankCode"),
        ("party", "account", "holder"),
    }
    japanese = {"accept-language": "ja"}
    said = await served.ask(REGISTER, {"input": {"party": {**NEW, "code": ""}}}, headers=japanese)
    assert said["registerParty"]["message"] == "code を入力してください。"
    assert await parties() == []


@pytest.mark.parametrize("who, scope", [("firm", None), ("site", "contracts:read")])
async def test_only_a_site_with_the_scope(served: Served, who: str, scope: str | None):
    headers = {"authorization": f"Bearer {await served.token(who, scope)}"}
    [error] = await served.errors(REGISTER, {"input": {"party": NEW}}, who=who, headers=headers)
    assert error["extensions"] == {"code": "INSUFFICIENT_SCOPE", "wanted": "contracts:write"}
    assert await parties() == []
