"""The lists for those who watch over the runs: what they show, what they leave out, and that numbers are masked."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.statuses import BatchStatus, Kind
from domain.store import exceptions, lists
from domain.store.administration import Bank, Carrier, Site, create_bank, create_carrier, create_site
from domain.store.connection import transaction

NOW = datetime(2000, 9, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def market(store: None) -> None:
    for code in ("9990", "9991"):
        await create_bank(Bank(code, f"bank {code}", "ｷﾞﾝｺｳ", "directory", {"path": "/srv"}))
    await create_carrier(Carrier("carrier", "運輸", "https://carrier.test", "whsec_" + "QUJD" * 12))
    await create_site(Site(130, 1, "130", "carrier"))


async def batch(number: int, kind: Kind, status: BatchStatus, *, bank: str | None = "9990", overdue: timedelta | None = None) -> None:
    sealed = status is not BatchStatus.OPEN
    async with transaction() as tx:
        await tx.run(
            "insert into batch (home, batch_id, kind, site_id, bank_code, carrier_id, value_on, number, status, seal_at, deadline_at, "
            "name, sha256, sent_at, overdue_at, amount, takes_from) "
            "values (1, $1, $2, 130, $3, $4, $5, $6, $7, $8, $8, $9, $10, $8, $11, 1000, $1)",
            number,
            int(kind),
            bank,
            None if bank else "carrier",
            date(2000, 9, 24),
            number if sealed else None,
            int(status),
            NOW - DAY,
            f"file {number}" if sealed else None,
            b"x" if sealed else None,
            None if overdue is None else NOW + overdue,
        )


async def test_exceptions_newest_first_and_open(market: None):
    async with transaction() as tx:
        for place, (code, channel) in enumerate([("NAME_REUSED", "bank:9990"), ("UNMATCHED", "bank:9991"), ("UNMATCHED", None)]):
            await exceptions.record(tx, code=code, reference=f"r{place}", reason="why", now=NOW, channel=channel, contract_id=17)
        await tx.run("update exception set closed_at = $1 where reference = 'r2'", NOW)

    async def seen(**wish: Any) -> list[str]:
        return [row["reference"] for row in await lists.list_exceptions(**wish)]

    assert await seen() == ["r1", "r0"]
    assert await seen(closed=True) == ["r2", "r1", "r0"]
    assert await seen(code="NAME_REUSED") == ["r0"]
    assert await seen(bank="9991") == ["r1"]
    assert await seen(limit=1) == ["r1"]
    assert (await lists.list_exceptions())[0]["contract_id"] == "000000000000000017"


async def test_batches_by_what_they_are_and_how_far_they_are(market: None):
    await batch(1, Kind.DEBIT, BatchStatus.ANSWERED)
    await batch(2, Kind.SWEEP, BatchStatus.SENT, bank="9991")
    await batch(3, Kind.DELIVERY, BatchStatus.OPEN, bank=None)

    async def seen(**wish: Any) -> list[int]:
        return [int(row["batch_id"]) for row in await lists.list_batches(**wish)]

    assert await seen() == [3, 2, 1]
    assert await seen(unfinished=True) == [3, 2]
    assert await seen(kind=Kind.DEBIT) == [1]
    assert await seen(status=BatchStatus.OPEN) == [3]
    assert await seen(bank="9991") == [2]
    assert await seen(site_id=320) == []
    assert await seen(value_on=date(2000, 9, 24), limit=2) == [3, 2]
    first = (await lists.list_batches())[0]
    assert (first["kind"], first["status"], first["carrier_id"]) == ("DELIVERY", "OPEN", "carrier")


async def test_unknown_is_what_was_not_answered_in_time(market: None):
    await batch(1, Kind.DEBIT, BatchStatus.SENT, overdue=DAY)  # still in time
    await batch(2, Kind.DEBIT, BatchStatus.RECEIPTED, bank="9991", overdue=-DAY)
    await batch(3, Kind.PAYOUT, BatchStatus.UNKNOWN)
    await batch(4, Kind.DEBIT, BatchStatus.CLOSED, overdue=-DAY)
    await batch(5, Kind.PAYOUT, BatchStatus.ANSWERED)

    async def seen(**wish: Any) -> list[tuple[str, int, str]]:
        return [(row["what"], int(row["batch_id"]), row["status"]) for row in await lists.list_unknown(now=NOW, **wish)]

    assert await seen() == [("batch", 2, "RECEIPTED"), ("batch", 3, "UNKNOWN")]
    assert await seen(bank="9991") == [("batch", 2, "RECEIPTED")]
    assert await seen(limit=1) == [("batch", 2, "RECEIPTED")]
