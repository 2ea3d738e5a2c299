"""What a bank's settings change on the way of a contract: approval before sending, limits, split fees, framing; and exceptions that explain."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.statuses import DebitStatus
from domain.store import people
from domain.store.administration import Fees, Refused, set_fees
from domain.store.approvals import Totals, approve
from domain.store.bank_changes import change_bank
from domain.store.explaining import explain
from domain.store.registering import Refused as RefusedContract
from domain.store.registering import Registered
from tests.journeys.checks import sound
from tests.journeys.test_gates import direct_buyer, direct_seller
from tests.journeys.test_replies import CODE_AT, changed, stands, three
from tests.journeys.town import contract, day, town


async def test_nothing_goes_before_a_person_has_approved_its_totals(store: None, tmp_path: Path) -> None:
    """Count, yen and hash are said by an operator; the file waits at SEALED, and the database lets it no further (I18 begins with such acts)."""
    async with town(tmp_path) as here:
        await here.say("update bank set approves_totals = true where bank_code = '9993'")
        await people.create("op-1", password_hash="x", machine_now=here.machine)
        await here.register(130, contract("A1"))
        await here.walk("09-20 11:30")
        (row,) = await here.rows("select batch_id, status, line_count, amount, sha256, awaits_approval from batch where kind = 1")
        assert (row["status"], row["awaits_approval"]) == (1, True)
        assert await here.exceptions() == ["APPROVAL_WANTED"]
        assert not list(here.sandbox.drops["9993"].taken.iterdir())
        right = Totals(row["line_count"], row["amount"], row["sha256"].hex()[:8])
        for wrong, by, code in (
            (Totals(2, right.amount, right.sha256), "op-1", "TOTALS"),
            (Totals(right.count, right.amount + 1, right.sha256), "op-1", "TOTALS"),
            (Totals(right.count, right.amount, "00000000"), "op-1", "TOTALS"),
            (Totals(right.count, right.amount, right.sha256[:4]), "op-1", "TOTALS"),
            (right, "nobody", "NOT_FOUND"),
        ):
            with pytest.raises(Refused) as refused:
                await approve(row["batch_id"], wrong, by=by, now=await here.now())
            assert refused.value.code == code
        await here.settle()
        assert not list(here.sandbox.drops["9993"].taken.iterdir())
        await approve(row["batch_id"], right, by="op-1", now=await here.now())
        with pytest.raises(Refused) as refused:
            await approve(row["batch_id"], right, by="op-1", now=await here.now())
        assert refused.value.code == "NOTHING_TO_APPROVE"
        await here.settle()
        assert len(list(here.sandbox.drops["9993"].taken.glob("91_*"))) == 1
        (by, at) = (await here.rows("select p.name, b.approved_at from batch b join person p on p.user_id = b.approved_by"))[0]
        assert (by, at) == ("op-1", await here.now())
        assert await here.value("select count(*) from exception where closed_at is null") == 0
        await here.walk("09-26 12:00")
        assert (await here.stands("130/A1")).split()[0] == "DEBITED"
        await sound(here, level=False)  # its sweep is on the way


async def test_a_contract_that_is_too_large_for_a_line_waits_and_goes_on(store: None, tmp_path: Path) -> None:
    """A limit that was lowered after registration parks the contract, where a person sees it; raised again, it goes with the next file."""
    async with town(tmp_path) as here:
        await here.register(130, contract("L1", amount=90_000), contract("L2", amount=50_000))
        await change_bank("9993", {"max_line_yen": 60_000}, now=await here.now(), machine_now=here.machine)
        await here.say("select 1")
        (late,) = await here.register(130, contract("L3", amount=90_000))
        assert isinstance(late, RefusedContract)
        assert [(p.code.name, p.path) for p in late.problems] == [("AMOUNT_TOO_LARGE", ("amount",))]
        await here.walk("09-20 12:00")
        assert await here.exceptions() == ["LINE_TOO_LARGE"]
        assert [DebitStatus(row["debit"]).name for row in (await here.contracts()).values()].count("INSTRUCTED") == 1
        done = await change_bank("9993", {"max_line_yen": 90_000}, now=await here.now(), machine_now=here.machine)
        assert (dict(done.settings), done.released) == ({"max_line_yen": (60_000, 90_000)}, 1)
        await here.say("select 1")
        await here.walk("09-26 12:00")
        assert {state.split()[0] for state in (await stands(here)).values()} == {"DEBITED"}
        assert await here.value("select count(*) from exception where closed_at is null") == 0
        await sound(here, level=False)  # sweeps are on their way


async def test_fees_of_a_direct_settlement_where_the_bank_splits_them(store: None, tmp_path: Path) -> None:
    """S49: the seller gets his part at once, and the fees never pass through an account of ours."""
    async with town(tmp_path) as here:
        await set_fees(Fees(130, day("01-01"), 200, 0, 300, 0))
        seller = await direct_seller(here)
        buyer = await direct_buyer(here, "9110001", seller)
        order = contract("D1", buyer=buyer, seller=seller, terms={"mode": "DIRECT"})
        (outcome,) = await here.register(130, order)
        assert isinstance(outcome, RefusedContract)
        assert [p.code.name for p in outcome.problems] == ["DIRECT_NOT_POSSIBLE"]
        await here.say("update bank set splits_fees = true where bank_code = '9991'")
        (outcome,) = await here.register(130, order)
        assert isinstance(outcome, Registered)
        await here.walk("09-28 12:00")
        row = (await here.contracts())["130/D1"]
        assert (row["gross"], row["net"], row["settled"], row["held"]) == (90_200, 89_700, 89_700, 0)
        assert await here.stands("130/D1") in {"DEBITED INSTRUCTED PAID", "DEBITED SHIPPED PAID"}
        assert await here.value("select count(*) from posting where source_kind = 4 or destination_kind = 4") == 0
        await sound(here, level=False)


@pytest.mark.parametrize("field", ["amount", "account", "code"])
async def test_an_exception_says_where(store: None, tmp_path: Path, field: str) -> None:
    """Record, byte, field, expected and found, with the account masked; the byte is the one in the file that was kept."""
    async with town(tmp_path) as here:
        await here.rule("9992", {"silence": ["result"]}, kind="91")
        await three(here)
        await here.walk("09-25 12:00")
        (sent,) = here.sandbox.drops["9992"].taken.glob("91_*")
        at, to, code = {
            "amount": (slice(80, 90), b"0000090001", "OTHER_AMOUNT"),
            "account": (slice(43, 50), b"9110009", "OTHER_ACCOUNT"),
            "code": (slice(CODE_AT, CODE_AT + 1), b"6", "UNKNOWN_CODE"),
        }[field]
        bad = changed(sent.read_bytes(), 3, at, to, fix_trailer=True)
        if field == "amount":
            records = bad.split(b"\r\n")
            records[4] = b"8" + b"000003000000270001" * 2 + b"0" * 18 + records[4][55:]
            bad = b"\r\n".join(records)
        here.put("9992", sent.name + ".result.txt", bad)
        await here.settle()
        assert await here.exceptions() == [code]
        found = await explain(await here.value("select exception_id from exception"))
        (place,) = found["places"]
        assert place["record"] == 4
        expected_field = {"amount": "amount", "account": "payer_account_number", "code": "result_code"}[field]
        assert place["field"] == expected_field
        assert place["byte"] == 3 * 122 + at.start
        assert bad[place["byte"] :].startswith(to)
        assert found["batch"]["name"] == sent.name
        assert found["reply"]["name"] == sent.name + ".result.txt"
        shown = str(place)
        assert "9110009" not in shown
        assert "9110003" not in shown
        if field == "amount":
            assert (place["expected"], place["found"]) == ("90,000 yen", "90,001 yen")
        if field == "account":
            assert (place["expected"][-7:], place["found"][-7:]) == ("*****03", "*****09")
            assert place["contract_id"]


@pytest.mark.parametrize("framing", ["none", "inside_crlf", "inside_cr"])
async def test_files_are_framed_as_the_bank_wants_them(store: None, tmp_path: Path, framing: str) -> None:
    """What is sealed has the bank's framing; how answers are framed is seen by itself."""
    async with town(tmp_path) as here:
        await here.say("update bank set framing = $1 where bank_code = '9993'", framing)
        await here.register(130, contract("F1"))
        await here.walk("09-20 11:30")
        digest = await here.value("select sha256 from batch where kind = 1 order by batch_id limit 1")
        with here.services.spool.open(digest) as file:
            data = file.read()
        stride, end = {"none": (120, b""), "inside_crlf": (120, b"\r\n"), "inside_cr": (120, b"\r")}[framing]
        assert len(data) == 4 * stride
        assert all(data[place + stride - len(end) : place + stride] == end for place in range(0, len(data), stride))
