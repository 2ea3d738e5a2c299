"""Bytes and moments that could make work stand still for ever: words that no database takes, a stop at an awkward place, a step that fails."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from domain.statuses import BatchStatus, Kind
from domain.store import batches, ids, inbox, lists, sending, sweeps
from domain.store.connection import transaction
from domain.store.due import STUBBORN
from kessai.world_data import CARRIER_ID
from tests.journeys.checks import sound
from tests.journeys.town import Town, contract, town
from workers import sealing

NUL = "a\u0000b\u001b[31m"


async def one(here: Town) -> None:
    """One contract with a buyer who has money."""
    await here.register(130, contract("T1", buyer=await here.buyer("9110001", yen=90_000), terms={"release": "UNCONDITIONAL"}))


async def receipt(here: Town, kind: Kind, status: str, reason: str | None) -> None:
    """The bank's receipt for the one file of a kind that went out and has none."""
    (sent,) = await here.rows("select bank_code, name, sha256, line_count, amount from batch where kind = $1 and status = 4", int(kind))
    said = {
        "file": sent["name"], "sha256": sent["sha256"].hex(), "count": sent["line_count"], "amount": sent["amount"],
        "status": status, "code": None if reason is None else "LIMIT", "reason": reason, "at": "2000-09-25T11:30:00+09:00",
    }  # fmt: skip
    here.put(sent["bank_code"], sent["name"] + ".receipt.json", orjson.dumps(said))
    await here.settle()


async def test_a_refusal_in_words_that_no_database_takes(store: None, tmp_path: Path) -> None:
    """The words are shown without control characters, and the refusal is a refusal."""
    async with town(tmp_path) as here:
        await here.rule("9992", {"lose": True}, times=1, kind="91")
        await one(here)
        await here.walk("09-20 11:00")
        await receipt(here, Kind.DEBIT, "refused", NUL)
        assert await here.stands("130/T1") == "PENDING PENDING PENDING"
        assert "LIMIT: a b [31m;" in await here.value("select reason from exception where code = 'FILE_REFUSED'")
        await here.walk("10-05 12:00")
        assert await here.stands("130/T1") == "DEBITED SHIPPED PAID"
        await sound(here)


@pytest.mark.parametrize("word", ["tracking_number", "reason"])
async def test_a_notice_in_words_that_no_database_takes(store: None, tmp_path: Path, word: str) -> None:
    """The notice counts."""
    async with town(tmp_path) as here:
        await here.register(130, contract("T1", buyer=await here.buyer("9110001"), model="SILENT"))
        await here.walk("09-26 12:00")
        number = await here.value("select contract_id from contract")
        event = {"event_id": "e", "type": "picked_up", "shipment_id": f"{number:018d}01", "occurred_on": "2000-09-26", word: NUL}
        await inbox.store(
            inbox.carrier_channel(CARRIER_ID), "m", "notices", orjson.dumps({"events": [event]}), await here.now(), here.machine
        )
        await here.settle()
        assert await here.stands("130/T1") == "DEBITED SHIPPED PENDING"
        await here.walk("10-05 12:00")
        await sound(here)


async def test_a_refused_sweep_of_many_parts(store: None, tmp_path: Path) -> None:
    """However many parts it carries, they go into one sweep again."""
    async with town(tmp_path) as here:
        await here.rule("9992", {"lose": True}, times=1, kind="21")
        await one(here)
        await here.walk("09-25 10:00")
        async with transaction() as tx:  # the same money in twelve parts, as if its result had come in twelve
            await tx.run("update sweep_part set amount = amount - 11")
            await tx.run(
                "insert into sweep_part(home, batch_id, part, sweep_id, amount) "
                "select home, batch_id, n, sweep_id, 1 from sweep_part, generate_series(2, 12) n"
            )
        await here.walk("09-25 11:00")
        await receipt(here, Kind.SWEEP, "refused", "too much")
        assert [row["parts"] for row in await here.rows("select count(*) as parts from sweep_part group by sweep_id")] == [12]
        await here.walk("10-05 12:00")
        assert await here.stands("130/T1") == "DEBITED SHIPPED PAID"


async def test_stopped_before_an_empty_sweep_was_taken_away(store: None, tmp_path: Path) -> None:
    """Nothing was covered, the sweep is gone and its empty batch still there: whoever comes next takes that away too."""
    async with town(tmp_path) as here:
        await one(here)
        await here.walk("09-25 10:00")
        (sweep,) = await here.rows("select home, sweep_id, from_account from sweep")
        await here.say("update account set reserved = booked where account_id = $1", sweep["from_account"])
        now = await here.now()
        await batches.close(sweep["home"], sweep["sweep_id"], now)
        numbers = [await ids.take_one(sweep["home"], here.machine)]
        async with transaction() as tx:
            assert await sweeps.fix_amount(tx, sweep["home"], sweep["sweep_id"], now=now, numbers=numbers) == 0
        await here.say("update account set reserved = 0 where account_id = $1", sweep["from_account"])
        await sealing.seal_batch(sweep["home"], sweep["sweep_id"], now=now, machine_now=here.machine, spool=here.services.spool)
        assert await here.rows("select 1 from batch where batch_id = $1", sweep["sweep_id"]) == []
        await here.walk("10-05 12:00")
        assert await here.stands("130/T1") == "DEBITED SHIPPED PAID"
        await sound(here)


async def test_a_receipt_does_not_end_the_silence(store: None, tmp_path: Path) -> None:
    """The result is overdue, then the file's receipt comes: nobody knows yet what became of the debits, and the list says since when."""
    async with town(tmp_path) as here:
        await here.rule("9992", {"silence": ["receipt", "result"]}, kind="91")
        await here.rule("9992", {"silence": ["statement"]}, kind="03")
        await one(here)
        await here.walk("09-28 12:00")
        before = await lists.list_unknown(now=await here.now())
        assert [row["what"] for row in before] == ["batch", "130/T1"]
        assert all(row["since"] is not None for row in before)
        await here.say("update batch set status = 4 where kind = 1")
        await receipt(here, Kind.DEBIT, "accepted", None)
        assert await lists.list_unknown(now=await here.now()) == before


async def test_what_fails_again_and_again_is_listed(store: None, tmp_path: Path) -> None:
    """Once, after some tries; a batch and a reply alike."""
    async with town(tmp_path) as here:
        await one(here)
        now, machine = await here.now(), here.machine
        (batch,) = await here.rows("select home, batch_id from batch where status = $1", int(BatchStatus.OPEN))
        reply_id = await inbox.store("bank:9992", "03_9992201111130000_20000920_001.txt", "statement", b"?", now, machine)
        assert reply_id is not None
        for tries in range(1, STUBBORN + 3):
            await inbox.put_off(reply_id, "STEP_FAILED: KeyError", now, machine + timedelta(hours=tries))
            await sending.put_off_batch(batch["home"], batch["batch_id"], "STEP_FAILED: KeyError", now, machine + timedelta(hours=tries))
            assert await here.exceptions() == ([] if tries < STUBBORN else ["STUCK", "STUCK"])
