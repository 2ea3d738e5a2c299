"""The file of settlements: what is in it for whom, that a spreadsheet opens it and runs nothing of it, and that it is never held whole."""

from __future__ import annotations

import asyncio
import contextvars
import csv
import io
import json
import tracemalloc
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from api import exporting, exports
from api.exporting import COLUMNS, defused
from domain.statuses import PayoutStatus
from domain.store.connection import transaction
from tests.api.live.lines import House, opened
from tests.api.market import Market, counted, listed_anew

PATH = "/exports/settlements"
MONTH = {"from": "2000-09-01", "to": "2000-09-30"}
DEBITED: dict[str, Any] = {"debit": 4, "delivery": 4, "fees": (100, 300)}


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with opened(database_url) as house:
        await house.market.contract("130/1", "A", "B", 10_000, debited_on="09-25", payout=3, settled_on="10-02", settled=9_700, **DEBITED)
        await house.market.contract("130/2", "A", "D", 20_000, debited_on="09-26", **DEBITED)
        await house.market.contract("320/3", "B", "A", 30_000, debited_on="09-27", **DEBITED)
        await house.market.contract("130/4", "A", "B", 40_000, debited_on="10-01", **DEBITED)
        await house.market.contract("130/5", "A", "B", 50_000)
        yield house


async def get(house: House, who: str | int | None, **params: Any) -> Any:
    headers = {} if who is None else {"authorization": await house.bearer(who)}
    return await house.http.get(PATH, params={**MONTH, **params}, headers=headers)


def rows_of(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_a_month_opens_in_a_spreadsheet(house: House):
    answer = await get(house, "A")
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == 'attachment; filename="settlements-2000-09-01-2000-09-30.csv"'
    assert "content-length" not in answer.headers
    assert answer.content.startswith(b"\xef\xbb\xbfsiteId,number,")
    assert answer.content.count(b"\r\n") == answer.content.count(b"\n") == 3
    first, second = rows_of(answer)
    assert first == {
        "siteId": "130",
        "number": "1",
        "id": f"s{house.market.ids['130/1']}",
        "sellerCode": "a",
        "sellerName": "A社",
        "buyerCode": "b",
        "buyerName": "B社",
        "registeredAt": "2000-09-20T10:00:00+09:00",
        "amount": "10000",
        "sellerFee": "300",
        "currency": "JPY",
        "status": "PAID",
        "debitedOn": "2000-09-25",
        "expectedOn": "2000-09-28",
        "expectedAmount": "9700",
        "settledOn": "2000-10-02",
        "settledAmount": "9700",
    }
    assert (second["number"], second["status"], second["settledOn"], second["settledAmount"]) == ("2", "PENDING", "", "")


async def test_lines_of_json(house: House):
    answer = await get(house, "A", format="jsonl")
    assert answer.headers["content-type"].startswith("application/jsonl")
    first, second = [json.loads(line) for line in answer.content.decode().splitlines()]
    assert list(first) == [*COLUMNS, "contractId"]
    assert (first["amount"], first["settledOn"], second["settledOn"]) == (10_000, "2000-10-02", None)
    assert int(first["contractId"]) == house.market.ids["130/1"]


@pytest.mark.parametrize(
    "who, params, numbers",
    [
        ("A", {}, "12"),  # sells at 130; what it buys at 320 is no settlement of its own
        ("B", {}, "3"),
        ("D", {}, ""),
        (130, {}, "12"),
        (320, {}, "3"),
        (130, {"site": "130"}, "12"),
        (130, {"site": "320"}, ""),  # like one that does not exist
        (130, {"site": "999"}, ""),
        (130, {"site": "x"}, ""),
        ("A", {"site": "320"}, ""),
        (130, {"to": "2000-10-01"}, "124"),
        (130, {"from": "2000-09-26", "to": "2000-09-26"}, "2"),
        (130, {"by": "settledOn"}, ""),
        (130, {"by": "settledOn", "to": "2000-10-02"}, "1"),
    ],
)
async def test_who_finds_what(house: House, who: str | int, params: dict[str, str], numbers: str):
    assert "".join(row["number"] for row in rows_of(await get(house, who, **params))) == numbers
    as_json = await get(house, who, format="jsonl", **params)
    assert "".join(json.loads(line)["number"] for line in as_json.content.splitlines()) == numbers


@pytest.mark.parametrize(
    "params",
    [
        {"from": ""},
        {"to": "2000-02-30"},
        {"from": "20000901"},
        {"from": "2000-10-01"},
        {"from": "1999-09-01"},
        {"format": "xlsx"},
        {"by": "registeredAt"},
        {"offset": "1"},
        {"from": ["2000-09-01", "2000-09-02"]},
    ],
)
async def test_what_cannot_be_meant_is_refused(house: House, params: dict[str, Any]):
    answer = await get(house, 130, **params)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_nobody_gets_it_without_a_token_or_the_scope(house: House):
    answer = await get(house, None)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"] | {"requestId": ""} == {"code": "UNAUTHENTICATED", "reason": "missing", "requestId": ""}
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    narrow = {"authorization": await house.bearer(130, "contracts:read")}
    refused = await house.http.get(PATH, params=MONTH, headers=narrow)
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["extensions"]["wanted"] == "settlements:read"
    assert (await house.http.post(PATH, headers=narrow)).status_code == 405


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
async def test_no_text_is_a_formula(text: str):
    assert defused(text) == f"'{text}"
    assert defused(f"a{text}") == f"a{text}"
    assert defused(-5) == -5


async def test_a_formula_of_a_site_arrives_as_text(house: House):
    async with transaction() as tx:
        await tx.run("update delivery_record set buyer_name = $1, seller_name = $2 where home = 1", '=cmd|"/c calc"!A1', 'A,"社"\r\nx')
    row = rows_of(await get(house, "A"))[0]
    assert row["buyerName"] == '\'=cmd|"/c calc"!A1'
    assert row["sellerName"] == 'A,"社"\r\nx'
    whole = json.loads((await get(house, "A", format="jsonl")).content.splitlines()[0])
    assert whole["buyerName"] == '=cmd|"/c calc"!A1', "programs get it as it is"


async def test_only_so_many_files_at_once(house: House, monkeypatch: pytest.MonkeyPatch):
    """Each holds a connection while it is sent: the third is told to come again, and the rest of the API goes on."""
    waiting, going = asyncio.Semaphore(0), asyncio.Event()
    whole = exporting.export

    async def slow(*args: Any) -> AsyncIterator[bytes]:
        async for piece in whole(*args):
            yield piece
            waiting.release()
            await going.wait()

    monkeypatch.setattr(exports, "export", slow)
    async with asyncio.TaskGroup() as group:
        two = [group.create_task(get(house, "A")) for _ in range(exports.AT_ONCE)]
        for _ in two:
            await waiting.acquire()
        third = await get(house, "B")
        going.set()
    assert (third.status_code, third.headers["retry-after"]) == (429, "5")
    assert [len(rows_of(await task)) for task in two] == [2, 2]
    assert len(rows_of(await get(house, "B"))) == 1


async def test_a_large_file_is_one_snapshot_in_flat_memory(store: Any, monkeypatch: pytest.MonkeyPatch):
    """Twenty pages of rows; what comes meanwhile is not in it."""
    monkeypatch.setattr(exporting, "AT_ONCE", 25)
    market = await Market().build()
    first = await market.contract("130/0", "A", "B", 1_000, debited_on="09-25", **DEBITED)
    async with transaction() as tx:
        for table, number in (("contract", "i::text"), ("contract_state", None), ("delivery_record", None)):
            rows = await tx.rows("select column_name as name from information_schema.columns where table_name = $1", table)
            names = [row["name"] for row in rows if row["name"] not in {"contract_id", *(["number"] if number else [])}]
            more = (", number", f", {number}") if number else ("", "")
            await tx.run(
                f"insert into {table}(contract_id, {', '.join(names)}{more[0]}) select contract_id + i * 10, {', '.join(names)}{more[1]} "
                f"from {table}, generate_series(1, 499) i where home = 1 and contract_id = {first}"
            )
        await listed_anew(tx)
    wanted = exporting.Wanted(None, date(2000, 9, 1), date(2000, 9, 30))
    pieces: list[bytes] = []
    sizes: list[int] = []
    with counted() as seen:
        async with transaction("repeatable read") as tx:
            async for piece in exporting.export(tx, market.context(130), wanted):
                if not pieces:
                    tracemalloc.start()
                pieces.append(piece)
                sizes.append(tracemalloc.get_traced_memory()[0])
                if len(pieces) == 2:
                    new = market.contract("130/new", "A", "B", 1_000, debited_on="09-25", **DEBITED)
                    await asyncio.create_task(new, context=contextvars.Context())  # somebody else's, who knows of no transaction
    tracemalloc.stop()
    held = sum(len(piece) for piece in pieces)
    assert b"".join(pieces).count(b"\r\n") == 1 + 500
    assert len(pieces) == 1 + 500 // 25
    assert len([text for text in seen if "from unnest" in text]) <= 2 * len(pieces) + 1, "a page is two queries"
    assert max(sizes) - sizes[3] < held + 300_000, "nothing is kept but what this test keeps"
    assert rows_by_status(pieces) == {PayoutStatus.PENDING.name}


def rows_by_status(pieces: list[bytes]) -> set[str]:
    return {row["status"] for row in csv.DictReader(io.StringIO(b"".join(pieces).decode("utf-8-sig"), newline=""))}
