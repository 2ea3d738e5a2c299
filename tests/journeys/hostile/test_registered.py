"""Whatever a site registers is refused with the reason, or gets to the banks and the carrier as it was: a stranger reads back the same.

The stranger is the sandbox, which has readers of its own. A few hundred registrations here; `make fuzz` sends ten thousand.
"""

from __future__ import annotations

import os
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import create_app
from api.options import ApiOptions, Limits
from domain.problems import ProblemCode
from domain.store import administration as admin
from kessai import world_data
from sandbox import bankfile
from sandbox.layouts import DEBIT_LINE
from tests.journeys.carriers import CSV, csv_town
from tests.journeys.checks import sound
from tests.journeys.hostile.words import Maker, body
from tests.journeys.town import Town, contract, town

SEEDS = [int(seed) for seed in os.environ.get("KESSAI_FUZZ_SEEDS", "1").split(",")]
COUNT = int(os.environ.get("KESSAI_FUZZ_COUNT", "150"))
LARGEST = 9_999_999_999  # yen of a line
BASE = "https://kessai.test"
REGISTER = """
mutation ($input: RegisterContractInput!) {
  registerContract(input: $input) {
    __typename
    ... on ContractRegistered { contract { contractId number } }
    ... on ContractRefused { problems { code message path } }
    ... on Problem { code message }
  }
}
"""
OTHER_FORM = str.maketrans(
    {"ぁ": "ア", "・": ".", "ー": "-", "\\": "¥"}
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict(zip("ァィゥェォッャュョヮヵヶヰヱ", "アイウエオツヤユヨワカケイエ", strict=True))
)


def spoken(text: str) -> str:
    """A name without its spelling, found another way than the codec's: what two forms of one name have in common."""
    text = text.replace("゛", "\u3099").replace("゜", "\u309a")
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text))
    katakana = "".join(chr(ord(char) + 0x60) if "ぁ" <= char <= "ゖ" else char for char in text)
    return katakana.translate(OTHER_FORM).upper().strip()


async def register(http: httpx2.AsyncClient, raw: dict[str, Any], token: str) -> str | None:
    """The contract's ID, or None if it was refused; asserts that a refusal says why."""
    content = body(REGISTER, raw)
    answer = await http.post("/graphql", content=content, headers={"authorization": f"Bearer {token}", "content-type": "application/json"})
    assert answer.status_code in (200, 400), (answer.status_code, answer.text, raw)
    said = answer.json()
    if "errors" in said:
        for error in said["errors"]:
            assert error["extensions"]["code"] in ("BAD_USER_INPUT", "BAD_REQUEST", "GRAPHQL_VALIDATION_FAILED"), (error, raw)
            assert error["message"]
        return None
    found = said["data"]["registerContract"]
    if found["__typename"] == "ContractRegistered":
        assert found["contract"]["number"] == unicodedata.normalize("NFC", raw["number"]), raw
        return str(found["contract"]["contractId"])
    problems = found.get("problems") or [found]
    assert found["__typename"] in ("ContractRefused", "ContractConflict"), (found, raw)
    for problem in problems if found["__typename"] == "ContractRefused" else ():
        assert problem["code"] in ProblemCode.__members__, (problem, raw)
        assert problem["message"], (problem, raw)
    return None


def lines_of(here: Town, kind: str) -> list[tuple[str, bytes]]:
    """(bank, line) of every file of a kind that the banks have taken, by the sandbox's reader."""
    found = []
    for bank, drop in here.sandbox.drops.items():
        for path in sorted(drop.taken.glob(f"{kind}_*.txt")):
            request = bankfile.read_request(bankfile.FileName.parse(path.name), path.read_bytes())
            found += [(bank, line) for line in request.lines()]
    return found


def account(side: dict[str, Any]) -> str:
    """Bank, branch, type and number of a registered account, as a line of a file has them."""
    given = side["account"]
    kind = {"ORDINARY": "1", "CURRENT": "2", "SAVINGS": "4"}[given["type"]]
    digits = [unicodedata.normalize("NFKC", given[name]).strip() for name in ("bankCode", "branchCode", "number")]
    return "".join((digits[0], digits[1], kind, digits[2]))


def text(value: str | None) -> str | None:
    """A text without the space around it; nothing for nothing."""
    return (value or "").strip() or None


def code(value: str | None) -> str | None:
    return text(unicodedata.normalize("NFKC", value or ""))


def words(raw: dict[str, Any]) -> dict[str, Any]:
    """What the carrier must have been told of a registration."""
    sides = {
        name: {"name": text(raw[side]["name"]), "postal_code": code(raw[side].get("postalCode")), "address": text(raw[side]["address"])}
        for name, side in (("ship_from", "seller"), ("ship_to", "buyer"))
    }
    goods = [{"name": text(g["name"]), "model": text(g.get("model")), "quantity": g["quantity"]} for g in raw["goods"]]
    return {"number": unicodedata.normalize("NFC", raw["number"]), **sides, "goods": goods}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by_file", [False, True], ids=["calls", "files"])
async def test_what_is_registered_is_read_back_the_same(
    store: None, database_url: str, tmp_path: Path, seed: int, *, by_file: bool
) -> None:
    """Over a carrier that is called, and over one that is given CSV files."""
    async with csv_town(tmp_path) if by_file else town(tmp_path) as here:
        machine = datetime.now(UTC)
        options = ApiOptions(database_url=database_url, base_url=BASE, limits=Limits(rate=0), machine_clock=lambda: machine)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=create_app(options)), base_url=BASE) as http:
            secret = await admin.create_client("hostile", site_id=130, machine_now=machine)
            granted = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=secret)
            await here.say("update bank set files_per_debit_date = 2")  # the largest amount takes a file for itself
            buyer = await here.buyer("9110001", yen=10**14)
            seller = await here.seller("9120001")
            maker = Maker(seed, contract("H0", buyer=buyer, seller=seller, amount=1_000, terms={"release": "UNCONDITIONAL"}))
            taken: dict[str, dict[str, Any]] = {}
            for number in range(COUNT):
                raw = maker.contract(number)
                contract_id = await register(http, raw, granted.json()["access_token"])
                if contract_id is not None:
                    assert contract_id not in taken, (raw, taken[contract_id])
                    taken[contract_id] = raw
        assert COUNT // 5 < len(taken) < COUNT, "most of them say something"
        assert LARGEST in {raw["amount"] for raw in taken.values()}
        await here.walk("10-02 09:00")
        await _debits(here, taken)
        await _credits(here, taken)
        await (_labels if by_file else _shipments)(here, taken)
        await sound(here, level=False)


async def _debits(here: Town, taken: dict[str, dict[str, Any]]) -> None:
    """Every contract is in one line of a 91 file, and that line says what was registered."""
    lines = {bankfile.debit_reference(line)[:18]: (bank, line) for bank, line in lines_of(here, "91")}
    assert len(lines) == len(lines_of(here, "91"))
    assert lines.keys() == taken.keys()
    for contract_id, raw in taken.items():
        bank, line = lines[contract_id]
        fields = DEBIT_LINE.unpack(line)
        assert bankfile.debit_line_is_sound(line, bank), (fields, raw)
        assert fields["bank"] + fields["branch"] + fields["type"] + fields["account"] == account(raw["buyer"]), raw
        assert int(fields["amount"]) == int(raw["amount"]), raw
        assert spoken(fields["holder"]) == spoken(raw["buyer"]["account"]["holder"]), (fields["holder"], raw)


async def _credits(here: Town, taken: dict[str, dict[str, Any]]) -> None:
    """What has been paid out went to the seller by his name."""
    paid = 0
    for _, line in lines_of(here, "21"):
        reference = bankfile.credit_reference(line)
        if reference[:1] != "P":
            continue
        paid += 1
        raw = taken[reference[1:19]]
        assert bankfile.line_bank(line) + bankfile.line_account(line) == account(raw["seller"]), raw
        assert bankfile.line_amount(line) == int(raw["amount"]), raw
        assert spoken(bankfile.credit_holder(line)) == spoken(raw["seller"]["account"]["holder"]), (bankfile.credit_holder(line), raw)
    assert paid > len(taken) // 2


async def _shipments(here: Town, taken: dict[str, dict[str, Any]]) -> None:
    """The carrier knows names, addresses and goods letter by letter."""
    known = {
        shipment["contract_id"]: shipment
        for shipment in (await here.http.get(f"/carriers/{world_data.CARRIER_ID}/shipments")).json()["shipments"]
    }
    assert len(known) > len(taken) // 2
    for contract_id, shipment in known.items():
        told = {name: shipment[name] for name in ("number", "ship_from", "ship_to", "goods")}
        assert told == words(taken[contract_id]), contract_id


TWINS = str.maketrans("〜−‖—", "~-∥―")  # one pair of bytes, two characters of Unicode


def plain(given: str | None) -> str:
    """A text as it is compared with a label: full and half width are the same there."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFC", given or "").translate(TWINS)).translate(TWINS)


async def _labels(here: Town, taken: dict[str, dict[str, Any]]) -> None:
    """What the carrier's reader puts together again from the pieces is what was registered; goods are cut at their end only."""
    answer = await here.http.get(f"/carriers/{CSV}/shipments")
    known = {shipment["contract_id"]: shipment for shipment in answer.json()["shipments"]}
    assert len(known) > len(taken) // 2
    assert {shipment["status"] for shipment in known.values()} <= {"accepted", "picked_up"}, "no row is refused"
    for contract_id, shipment in known.items():
        wanted = words(taken[contract_id])
        assert plain(shipment["number"]) == plain(wanted["number"]), contract_id
        for side in ("ship_from", "ship_to"):
            told = {name: plain(value) for name, value in shipment[side].items()}
            assert told == {name: plain(value) for name, value in wanted[side].items()}, contract_id
        goods = wanted["goods"]
        lines = goods if len(goods) <= 5 else goods[:4]
        assert len(shipment["goods"]) == min(len(goods), 5)
        for told, line in zip(shipment["goods"], lines, strict=False):
            name, _, count = told.rpartition(" x")
            assert int(count) == line["quantity"]
            called = " ".join(filter(None, (line["name"], line["model"])))
            assert plain(called).startswith(plain(name)), (told, line)
    assert await here.value("select count(*) from reply where name like '%left-out%'") == 0, (
        "what no label holds was refused at registration"
    )
