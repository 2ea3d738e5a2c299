"""Market sites: they register at their hour, in order, and say when something was not as expected."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.config import ConfigError, read_config
from sandbox.scenario import registration, scenario
from tests.sandbox.conftest import Maker
from tests.sandbox.worlds import API, Sandbox, configuration


async def play(sandbox: Sandbox, *numbers: str, site: str = "130", hour: str = "10:00") -> None:
    entry = {"at": f"2000-09-20T{hour}:00+09:00", "contracts": [registration(n) for n in numbers]}
    answer = await sandbox.http.post(f"/sites/{site}/play", json=entry)
    assert answer.status_code == 202, answer.text


async def test_one_call_with_a_token_of_its_own(sandbox: Sandbox):
    await play(sandbox, "4100", "4101")
    status = await sandbox.clock("09-20 09:59")
    assert (sandbox.api.registrations, status["next"]) == ([], "2000-09-20T10:00:00+09:00")
    status = await sandbox.clock("09-20 10:00")
    assert [c["number"] for c in sandbox.api.registrations] == ["4100", "4101"]
    basic = base64.b64encode(b"site-130:s3cret").decode()
    assert [(h, "grant_type=client_credentials" in body) for h, body in sandbox.api.tokens] == [(f"Basic {basic}", True)]
    assert (status["failed_actions"], status["idle"], status["next"]) == ([], True, None)


async def test_what_was_not_as_expected(sandbox: Sandbox):
    def results(contract: dict[str, Any]) -> dict[str, Any]:
        if contract["number"] == "4101":
            return {"__typename": "ContractRefused", "code": "NO_MANDATE", "message": "no mandate", "path": []}
        return {"__typename": "ContractRegistered", "alreadyRegistered": True}

    sandbox.api.results = results
    await play(sandbox, "4100", "4101")
    status = await sandbox.clock("09-20 10:00")
    assert status["failed_actions"] == [
        {
            "at": "2000-09-20T10:00:00+09:00",
            "site": "130",
            "number": "4101",
            "problem": "ContractRefused",
            "answer": {"__typename": "ContractRefused", "code": "NO_MANDATE", "message": "no mandate", "path": []},
        }
    ]
    assert status["idle"]


async def test_no_answer_is_asked_again_and_then_told(sandbox: Sandbox):
    await play(sandbox, "4100")
    sandbox.api.away = 3
    assert (await sandbox.clock("09-20 10:00"))["failed_actions"] == []
    assert len(sandbox.api.registrations) == 1

    await play(sandbox, "4101", hour="11:00")
    sandbox.api.away = 6
    status = await sandbox.clock("09-20 11:00")
    assert status["failed_actions"][0]["problem"] == "no answer (ConnectError)"
    assert len(sandbox.api.registrations) == 1


async def test_credentials_that_appear_later(make_sandbox: Maker, tmp_path: Path):
    sandbox = await make_sandbox(configuration(api=None, credentials_file="../sandbox.json"))
    await play(sandbox, "1544", site="320")
    status = await sandbox.clock("09-20 10:00")
    assert [f["problem"] for f in status["failed_actions"]] == ["no credentials yet"]
    found = {"api": API + "/", "sites": {"320": {"client_id": "c", "client_secret": "d"}}}
    (tmp_path / "sandbox.json").write_text(json.dumps(found))
    await play(sandbox, "1566", site="320", hour="11:00")
    await sandbox.clock("09-20 11:00")
    assert [c["number"] for c in sandbox.api.registrations] == ["1566"]


async def test_what_is_late_happens_now(sandbox: Sandbox):
    await sandbox.clock("09-20 12:00")
    await play(sandbox, "4100")
    assert not (await sandbox.http.get("/status")).json()["idle"]
    assert (await sandbox.settle())["now"] == "2000-09-20T12:00:00+09:00"
    assert len(sandbox.api.registrations) == 1


@pytest.mark.parametrize(
    "entry",
    [
        {"at": "2000-09-20T10:00:00+09:00"},
        {"contracts": [{}]},
        {"at": "2000-09-20T10:00:00+09:00", "contracts": []},
        {"at": "2000-09-20T10:00:00+09:00", "contracts": ["x"]},
        {"at": "noon", "contracts": [{}]},
        [],
    ],
)
async def test_an_agenda_that_cannot_be_read(sandbox: Sandbox, entry: Any):
    assert (await sandbox.http.post("/sites/130/play", json=entry)).status_code == 422
    assert (await sandbox.http.post("/sites/999/play", json=entry)).status_code == 404


# -- the scenario -----------------------------------------------------------------------------------------------------------------


async def test_the_scenario_registers_nine_contracts_at_their_hours(make_sandbox: Maker):
    config = scenario(play=True) | {"api": API}
    for site in config["sites"]:
        site |= {"client_id": site["id"], "client_secret": "x"}
    sandbox = await make_sandbox(config)
    found = []
    for day in ("20", "21", "22", "23", "24"):
        await sandbox.clock(f"09-{day} 09:59")
        found.append(len(sandbox.api.registrations))
        await sandbox.clock(f"09-{day} 10:00")
    assert found == [0, 4, 5, 7, 8]
    numbers = [c["number"] for c in sandbox.api.registrations]
    assert numbers == ["4100", "4101", "4102", "4103", "4112", "4332", "1544", "1566", "4662"]
    assert (await sandbox.settle())["failed_actions"] == []
    assert (await sandbox.settle())["next"] is None


def test_the_scenario_is_the_patents():
    bank = {b.code: b for b in read_config(scenario()).banks.values()}
    assert {code: b.name for code, b in bank.items()} == {
        "9990": "C銀行",
        "9991": "B銀行",
        "9992": "C信用金庫",
        "9993": "D銀行",
    }
    assert {code: b.deduplicates for code, b in bank.items()} == {"9990": True, "9991": False, "9992": True, "9993": False}
    balances = {a.key[4:]: a.balance for b in bank.values() for a in b.accounts if a.balance}
    assert balances == {"9000002": 10_000, "9000004": 2_000_000, "9000006": 1_000_000, "9000008": 500_000}
    sites = sorted(a.key for b in bank.values() for a in b.accounts if a.key[4:6] in {"91", "93"})
    assert sites == [
        "00119130000",
        "00119320000",
        "10119130001",
        "10119320001",
        "20119130002",
        "20119320002",
        "30119130003",
        "30119320003",
    ]
    mandates = {(code, c, k[4:]) for code, b in bank.items() for c, k in b.mandates}
    assert mandates == {
        (code, f"0000000{site}", number)
        for site in ("130", "320")
        for code, number in (("9991", "9000002"), ("9992", "9000004"), ("9993", "9000006"), ("9991", "9000008"))
    }
    desk = registration("4102")
    assert (desk["amount"], desk["seller"]["name"], desk["buyer"]["name"]) == (90_000, "E社", "F社")
    assert desk["goods"] == [{"name": "デスク", "model": "AP55", "quantity": 1}]
    assert desk["seller"]["address"] == "浦和市白幡"
    assert desk["buyer"]["account"] == {
        "bankCode": "9993",
        "branchCode": "301",
        "type": "ORDINARY",
        "number": "9000006",
        "holder": "Fｼﾔ",
    }
    assert scenario()["sites"] == [{"id": "130", "agenda": []}, {"id": "320", "agenda": []}]
    assert scenario()["carriers"][0]["secrets"] != scenario()["carriers"][0]["secrets"]


@pytest.mark.parametrize(
    "change, place",
    [
        ({"clock": {}}, "clock: now is missing"),
        ({"clock": {"now": "2000-09-20T09:00:00"}}, "clock: "),
        ({"banks": [{"code": "9990"}]}, "banks[0]: kana is missing"),
        ({"banks": [{"code": "9990", "kana": "ｱ", "kind": "forgetful"}]}, "banks[0]: kind is"),
        ({"banks": [{"code": "9990", "kana": "ｱ", "calendar": "NEVER"}]}, "banks[0]: calendar is"),
        ({"banks": [{"code": "9990", "kana": "ｱ", "accounts": [{"branch": "1", "number": "2"}]}]}, "banks[0]: an account is"),
        ({"carriers": [{"id": "c"}]}, "carriers[0]: secrets is missing"),
        ({"sites": ["130"]}, "sites[0]: "),
        ({"holidays": ["soon"]}, "holidays: "),
    ],
)
def test_a_configuration_that_cannot_be_read_names_the_place(change: dict[str, Any], place: str):
    with pytest.raises(ConfigError, match="^" + re.escape(place)):
        read_config(configuration(**change))
