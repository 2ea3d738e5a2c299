"""What banks answer, and do not answer: repeated, contradicted, out of order, late, never, refused, and files that are not what they should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.store import verify
from tests.journeys.checks import sound
from tests.journeys.test_money import ledger
from tests.journeys.town import Town, contract, town
from workers import reading as reader

CODE_AT = 111  # place of the result code in a line of 120
AMOUNT = slice(80, 90)


async def three(here: Town, **terms: Any) -> None:
    """Three contracts in one file: two are debited, the second fails for lack of balance."""
    for number, yen in (("9110001", 90_000), ("9110002", 5), ("9110003", 90_000)):
        buyer = await here.buyer(number, yen=yen)
        await here.register(130, contract(f"T{number[-1]}", buyer=buyer, terms={"release": "UNCONDITIONAL", **terms}))


AS_IT_SHOULD = {"130/T1": "DEBITED SHIPPED PAID", "130/T2": "FAILED PENDING WILL_NOT_SETTLE", "130/T3": "DEBITED SHIPPED PAID"}


async def stands(here: Town) -> dict[str, str]:
    """Where every contract stands."""
    return {number: await here.stands(number) for number in sorted(await here.contracts())}


def changed(content: bytes, line_no: int, at: slice, to: bytes, *, fix_trailer: bool = False) -> bytes:
    """A result with other bytes in one line, and a trailer that fits the codes if asked for."""
    records = content.split(b"\r\n")
    record = records[line_no]
    records[line_no] = record[: at.start] + to + record[at.stop :]
    if fix_trailer:
        lines = [r for r in records if r[:1] == b"2"]
        good = [r for r in lines if r[CODE_AT : CODE_AT + 1] == b"0"]
        figures = [(len(part), sum(int(r[AMOUNT]) for r in part)) for part in (lines, good, [r for r in lines if r not in good])]
        place = next(n for n, r in enumerate(records) if r[:1] == b"8")
        records[place] = b"8" + b"".join(b"%06d%012d" % pair for pair in figures) + records[place][55:]
    return b"\r\n".join(records)


# -- results --------------------------------------------------------------------------------------------------------------------


async def test_a_result_twice_under_another_name(store: None, tmp_path: Path) -> None:
    """The same bytes change nothing and are no exception."""
    async with town(tmp_path) as here:
        await here.rule("9992", {"repeat_result": {"after": {"minutes": 30}}}, kind="91")
        await three(here)
        await here.walk("10-01 12:00")
        assert await stands(here) == AS_IT_SHOULD
        assert await here.exceptions() == []
        assert [row["status"] for row in await here.rows("select status from reply where kind = 'result' order by reply_id")] == [2, 4]
        await sound(here)


@pytest.mark.parametrize("after", [{"minutes": 0}, {"hours": 5}], ids=["at once", "later"])
async def test_a_result_that_contradicts_the_first(store: None, tmp_path: Path, after: dict[str, int]) -> None:
    """Held whole; the first stands, and no money moves."""
    async with town(tmp_path) as here:
        await here.rule("9992", {"repeat_result": {"content": "different", "after": after}}, kind="91")
        await three(here)
        await here.walk("10-01 12:00")
        assert await stands(here) == AS_IT_SHOULD
        assert await here.exceptions() == ["CONTRADICTED"]
        await sound(here)


async def test_two_results_are_read_before_one_is_applied(store: None, tmp_path: Path) -> None:
    """Two workers: the second result is compared with the first although nothing of that is applied yet."""
    async with town(tmp_path) as here:
        await here.rule("9992", {"repeat_result": {"content": "different", "after": {"minutes": 1}}}, times=1, kind="91")
        await three(here)
        await here.walk("09-25 09:59")
        now = await here.now()
        answer = await here.http.post("/clock", json={"now": "2000-09-25T10:01:00+09:00", "ticking": False})
        assert answer.status_code == 200
        await here.poll()
        waiting = await here.rows("select reply_id from reply where kind = 'result' and status = 0 order by reply_id")
        assert len(waiting) == 2
        for row in waiting:
            await reader.read_reply(row["reply_id"], now=now, machine_now=here.machine)
        assert await here.exceptions() == ["CONTRADICTED"]
        await here.walk("10-01 12:00")
        assert await stands(here) == AS_IT_SHOULD
        await sound(here)


HELD: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("a wrong amount", {"match": {"account": "9110001"}, "action": {"wrong_amount": 1}}, "MALFORMED"),
    ("a line that is not ours", {"action": {"unknown_line": True}}, "MALFORMED"),
    ("a line twice", {"action": {"duplicate_line": True}}, "MALFORMED"),
    ("a line missing", {"action": {"missing_line": True}}, "MALFORMED"),
    ("a wrong total", {"action": {"wrong_total": 1}}, "MALFORMED"),
    ("only the failed lines, of a bank that gives all", {"action": {"failed_only": True}}, "MALFORMED"),
    ("no bank file at all", {"action": {"garbage": True}}, "MALFORMED"),
    ("a code that no bank has", {"match": {"account": "9110002"}, "action": {"code": "5"}}, "UNKNOWN_CODE"),
)


@pytest.mark.parametrize("name, rule, code", HELD, ids=[row[0] for row in HELD])
async def test_a_result_that_does_not_fit_is_held_whole(store: None, tmp_path: Path, name: str, rule: dict[str, Any], code: str) -> None:
    """S06: nothing of it is applied, the debits become UNKNOWN when nothing better comes, and a sound one that comes later settles them."""
    async with town(tmp_path) as here:
        rule = {"match": {"kind": "91"} | rule.get("match", {}), "action": rule["action"]}
        assert (await here.http.post("/banks/9992/rules", json=rule)).status_code < 300
        await three(here)
        await here.walk("09-25 12:00")
        assert set((await stands(here)).values()) == {"INSTRUCTED PENDING PENDING"}, name
        assert await ledger(here) == {}
        assert await here.exceptions() == [code]
        await here.walk("09-30 12:00")
        assert set((await stands(here)).values()) == {"UNKNOWN PENDING PENDING"}
        assert (await here.files()) == {"DEBIT": 1}  # never sent again (I09)
        (sent,) = (here.sandbox.drops["9992"].taken).glob("91_*")
        codes = {b"9110001": b"0", b"9110002": b"1", b"9110003": b"0"}
        content = sent.read_bytes()
        for place, record in enumerate(content.split(b"\r\n")):
            if record[:1] == b"2":
                account = next(number for number in codes if number in record[:60])
                content = changed(content, place, slice(CODE_AT, CODE_AT + 1), codes[account], fix_trailer=True)
        here.put("9992", sent.name + ".result.2.txt", content)
        await here.settle()
        await here.walk("10-05 12:00")
        assert await stands(here) == AS_IT_SHOULD
        await sound(here)


async def test_a_result_for_nobodys_file(store: None, tmp_path: Path) -> None:
    """A name that we never sent, and a file of the right name from the wrong bank (S06)."""
    async with town(tmp_path) as here:
        await three(here)
        await here.walk("09-25 09:00")
        (sent,) = here.sandbox.drops["9992"].taken.glob("91_*")
        here.put("9992", "91_0000000130_20000911_001.txt.result.txt", sent.read_bytes())
        here.put("9993", sent.name + ".result.txt", sent.read_bytes())
        here.put("9992", "letter.txt", b"Dear Sirs")
        await here.settle()
        assert sorted(await here.exceptions()) == ["UNKNOWN_BATCH", "UNKNOWN_BATCH", "UNKNOWN_FILE"]
        await here.walk("10-01 12:00")
        assert await stands(here) == AS_IT_SHOULD
        await sound(here)


async def test_results_out_of_order(store: None, tmp_path: Path) -> None:
    """The result of the later file first; each answers its own."""
    async with town(tmp_path) as here:
        await here.rule("9992", {"swap_results": True}, times=1, kind="91")
        await here.register(130, contract("O1", buyer=await here.buyer("9110001")))
        await here.walk("09-21 09:00")
        await here.register(130, contract("O2", buyer=await here.buyer("9110002")))
        await here.walk("09-25 12:00")
        assert await here.stands("130/O1") == "INSTRUCTED PENDING PENDING"
        await here.walk("10-03 12:00")
        assert await stands(here) == {"130/O1": "DEBITED SHIPPED PAID", "130/O2": "DEBITED SHIPPED PAID"}
        await sound(here)


@pytest.mark.parametrize("due", [False, True])
async def test_a_result_that_comes_late(store: None, tmp_path: Path, due: bool) -> None:
    """S04, S16: silence is UNKNOWN after its time-out, nothing is sent again, and the late answer settles it."""
    async with town(tmp_path) as here:
        await here.rule("9993", {"result_delay": {"days": 5}}, kind="91")
        terms = {"dueOn": "2000-09-25"} if due else {}
        await here.register(130, contract("L1", **terms), contract("POOR", buyer=await here.buyer("9110009", bank="9993", yen=1), **terms))
        last = "09-26" if due else "09-25"
        await here.walk(f"{last[:3]}{int(last[3:]) + 2} 09:59")
        assert (await here.stands("130/L1")).split()[0] == ("SCHEDULED" if due else "INSTRUCTED")
        await here.walk(f"{last[:3]}{int(last[3:]) + 2} 12:00")
        assert (await here.stands("130/L1")).split()[0] == "UNKNOWN"
        await here.walk("10-09 12:00")
        assert await here.stands("130/L1") == "DEBITED SHIPPED PAID"
        assert (await here.files())["DEBIT"] == 1
        await sound(here)


# -- receipts -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("due", [False, True])
async def test_no_receipt_ever(store: None, tmp_path: Path, due: bool) -> None:
    """The result is proof enough. With a due date nothing was accepted: the goods wait for the money."""
    async with town(tmp_path) as here:
        await here.rule("9993", {"silence": ["receipt"]}, kind="91")
        await here.register(130, contract("N1", **({"dueOn": "2000-09-24"} if due else {})))
        await here.walk("10-03 12:00")
        assert (await here.diary("130/N1"))[1:4] == [
            "09-20 11:00 DEBIT_INSTRUCTED",
            "09-25 10:00 DEBITED",
            "09-25 10:00 DELIVERY_INSTRUCTED",
        ]
        assert await here.stands("130/N1") == "DEBITED SHIPPED PAID"
        await sound(here)


async def test_a_receipt_after_the_result_and_after_the_day(store: None, tmp_path: Path) -> None:
    """It says nothing any more: a debit that is UNKNOWN since its day is not SCHEDULED for a day that is past."""
    async with town(tmp_path) as here:
        await here.rule("9993", {"receipt_delay": {"days": 9}, "silence": ["result"]}, times=1, kind="91")
        poor = await here.buyer("9110009", bank="9993", yen=1)  # the lump is not the whole file, and so tells of nobody
        await here.register(130, contract("L1", dueOn="2000-09-24"), contract("POOR", buyer=poor, dueOn="2000-09-24"))
        await here.walk("10-02 12:00")
        assert (await here.diary("130/L1"))[1:] == ["09-20 11:00 DEBIT_INSTRUCTED", "09-27 10:00 DEBIT_UNKNOWN"]
        assert (await here.contracts())["130/L1"]["scheduled_on"] is None
        await sound(here, level=False)  # the statement's lump is awaited: nobody has said yet what it is


@pytest.mark.parametrize("code, due", [("LATE", False), ("FORMAT", False), ("FORMAT", True)])
async def test_a_refused_file_is_sent_again_once(store: None, tmp_path: Path, code: str, due: bool) -> None:
    """S03: its lines are withdrawn, and go with the next file, never before the due date; the second attempt has its own number (S44)."""
    async with town(tmp_path) as here:
        await here.say("update bank set files_per_debit_date = 2 where bank_code = '9993'")
        await here.rule("9993", {"refuse": code}, times=1, kind="91")
        await here.register(130, contract("R1", **({"dueOn": "2000-09-29"} if due else {})))
        await here.walk("09-20 12:00")
        assert await here.stands("130/R1") == "PENDING PENDING PENDING"
        assert (await here.diary("130/R1"))[1:] == ["09-20 11:00 DEBIT_INSTRUCTED", "09-20 11:00 DEBIT_WITHDRAWN"]
        await here.walk("10-06 12:00")
        assert await here.stands("130/R1") == "DEBITED SHIPPED PAID"
        assert await here.exceptions() == ["FILE_REFUSED"]
        files = await here.rows("select name, status from batch where kind = 1 order by sealed_at")
        again = "91_0000000130_20000929_002.txt" if due else "91_0000000130_20000925_001.txt"
        assert files[1]["name"] == again
        assert str((await here.contracts())["130/R1"]["debited_on"]) == ("2000-09-29" if due else "2000-09-25")
        lines = await here.rows("select attempt, outcome, blocking from line where kind = 1 order by attempt")
        assert [tuple(row) for row in lines] == [(1, 3, False), (2, 1, True)]
        await sound(here)


async def test_a_refused_payout_file(store: None, tmp_path: Path) -> None:
    """The money is free again, and goes with the next file."""
    async with town(tmp_path) as here:
        await here.rule("9990", {"refuse": "FORMAT"}, times=1, kind="21")
        await here.register(130, contract("R1", terms={"release": "UNCONDITIONAL"}))
        await here.walk("09-27 12:00")
        row = (await here.contracts())["130/R1"]
        assert (row["held"], row["reserved"]) == (90_000, 0)
        await here.walk("10-02 12:00")
        assert (await here.diary("130/R1"))[4:] == [
            "09-27 06:00 FUNDED",
            "09-27 11:00 PAYOUT_INSTRUCTED",
            "09-27 11:00 PAYOUT_WITHDRAWN",
            "09-28 09:00 SHIPPED",
            "09-28 11:00 PAYOUT_INSTRUCTED",
            "09-30 06:00 PAID",
        ]
        await sound(here)


def _receipt(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def made(content: bytes) -> bytes:
        found = orjson.loads(content)
        change(found)
        return orjson.dumps(found)

    return made


BAD_RECEIPTS: tuple[tuple[str, Callable[[bytes], bytes], str], ...] = (
    ("another hash", _receipt(lambda r: r.update(sha256="00" * 32)), "OTHER_HASH"),
    ("another count", _receipt(lambda r: r.update(count=2)), "TOTALS"),
    ("another file's", _receipt(lambda r: r.update(file="91_0000000130_20000911_001.txt")), "MALFORMED"),
    ("refused after it was accepted", _receipt(lambda r: r.update(status="refused", code="LATE")), "CONTRADICTED"),
    ("a second arrival of the name", _receipt(lambda r: r.update(status="refused", code="DUPLICATE")), "DUPLICATE"),
    ("not JSON", lambda content: content[:40], "MALFORMED"),
)


@pytest.mark.parametrize("name, change, code", BAD_RECEIPTS, ids=[row[0] for row in BAD_RECEIPTS])
async def test_a_receipt_that_cannot_be(store: None, tmp_path: Path, name: str, change: Callable[[bytes], bytes], code: str) -> None:
    """S06: listed, and nothing is withdrawn or sent again because of it."""
    async with town(tmp_path) as here:
        await here.register(130, contract("B1", dueOn="2000-09-24"))
        await here.walk("09-20 12:00")
        (good,) = here.out("9993", "91_*.receipt.json")
        here.put("9993", good.name.replace(".receipt.json", ".receipt.2.json"), change(good.read_bytes()))
        await here.settle()
        assert await here.exceptions() == [code], name
        assert await here.stands("130/B1") == "SCHEDULED INSTRUCTED PENDING"
        await here.walk("10-01 12:00")
        assert await here.stands("130/B1") == "DEBITED SHIPPED PAID"
        assert (await here.files())["DEBIT"] == 1
        await sound(here)


async def test_an_acceptance_after_a_refusal(store: None, tmp_path: Path) -> None:
    """The bank refuses a file and accepts it after all: its lines wait for the next one already, so a person must look before they go twice."""
    async with town(tmp_path) as here:
        await here.rule("9993", {"refuse": "FORMAT"}, times=1, kind="91")
        await here.register(130, contract("B1"))
        await here.walk("09-20 11:30")
        (refusal,) = here.out("9993", "91_*.receipt.json")
        accepted = _receipt(lambda r: r.update(status="accepted", code=None, reason=None))(refusal.read_bytes())
        here.put("9993", refusal.name.replace(".receipt.json", ".receipt.2.json"), accepted)
        await here.settle()
        assert await here.exceptions() == ["FILE_REFUSED", "CONTRADICTED"]
        (sent,) = here.sandbox.drops["9993"].taken.glob("91_*")
        here.put("9993", sent.name + ".result.txt", changed(sent.read_bytes(), 1, slice(CODE_AT, CODE_AT + 1), b"0", fix_trailer=True))
        await here.settle()
        assert (await here.exceptions())[2:] == ["FILE_REFUSED"]
        await here.walk("10-02 12:00")
        assert await here.stands("130/B1") == "DEBITED SHIPPED PAID"
        await sound(here)


# -- statements against results -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["statement", "result"])
async def test_a_lump_that_differs_from_the_result(store: None, tmp_path: Path, first: str) -> None:
    """The bank books 90,000 yen and says that it debited 180,000: the account shows what the bank shows, the difference is listed (I01)."""
    async with town(tmp_path) as here:
        if first == "result":
            await here.say("update bank set result_days = 0 where bank_code = '9992'")
        await three(here)
        await here.walk("09-24 16:00")
        (sent,) = here.sandbox.drops["9992"].taken.glob("91_*")
        content = sent.read_bytes()
        place = next(n for n, r in enumerate(content.split(b"\r\n")) if b"9110002" in r)
        lie = changed(content, place, slice(CODE_AT, CODE_AT + 1), b"0", fix_trailer=True)
        if first == "statement":
            await here.walk("09-25 09:00")
        here.put("9992", sent.name + ".result.txt", lie)
        await here.settle()
        shown = {"CASH": 180_000, "OWED": -270_000, "SUSPENSE": 90_000}
        assert await ledger(here) == (shown if first == "statement" else {"CASH": 270_000, "OWED": -270_000})
        await here.walk("09-25 09:30")
        assert await ledger(here) == shown
        assert (await here.exceptions())[0] == "LUMP_DIFFERS"
        assert await here.value("select booked from account where bank_code = '9992' and site_id = 130") == 180_000
        await here.walk("09-30 12:00")
        assert "SWEEP" not in await here.files()  # what is not there is not swept
        assert set(await here.exceptions()) == {"LUMP_DIFFERS", "SWEEP_UNCOVERED", "NAME_REUSED"}
        found = (await stands(here)).values()
        assert {state.split()[2] for state in found} == {"PENDING"}
        assert await verify.check() == []  # the bank's book and its result differ: that is what is listed
