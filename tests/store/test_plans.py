"""A day costs what the day's work costs, not what the years before it left behind (issue of scale: docs/decisions/0005).

Beside 20,000 finished contracts, with their batches, replies and statements, 50 contracts go from registration to payout through the
real runs. Every statement is explained as it is run: none reads a large table from end to end, none looks at many more rows than are due.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bench import filled
from domain.store.connection import open_store, transaction
from tests.conftest import a_database
from tests.journeys.town import Town, contract, town
from tests.store.explained import Explained, explaining

PAST, DUE, MANY = 20_000, 50, 300
LARGE = {
    "contract",
    "contract_number",
    "contract_state",
    "delivery_record",
    "event",
    "line",
    "posting",
    "stream",
    "statement_line",
    "reply_line",
}
MOST = 8 * DUE
"""Rows that one statement may look at: it joins a handful of tables, each with the rows of 50 contracts."""

OLD_DAYS = 1_000
BYGONE = f"""
create temporary table ranked on commit drop as select *, row_number() over (order by account_id) as rank from account;
insert into batch(home, batch_id, kind, site_id, bank_code, account_id, value_on, number, status, seal_at, deadline_at, closed_at, line_count, amount,
  name, sha256, sealed_at, sent_at, takes_from)
 select a.home, a.rank * 100000 + d * 10 + k, k, a.site_id, a.bank_code, a.account_id, date '1997-01-01' + d, 1, 7, now(), now(), now(), 1, 1,
        'old-' || a.account_id || '-' || d || '-' || k, 'x', now(), now(), a.rank * 100000 + d * 10 + k
   from ranked a, generate_series(1, {OLD_DAYS}) d, unnest(array[1, 3, 6]) k where a.home = 1;
insert into reply(channel, name, sha256, size, kind, status, at, machine_at)
 select 'bank:9990', 'old-' || d, 'x', 1, 'statement', 2, now(), now() from generate_series(1, {OLD_DAYS * 5}) d;
insert into reply_line(reply_id, line_no) select reply_id, 1 from reply;
insert into statement(home, account_id, booked_on, number, reply_id, opening, credits, debits, closing)
 select a.home, a.account_id, date '1997-01-01' + d, 1, 1, 0, 0, 0, 0 from ranked a, generate_series(1, {OLD_DAYS}) d where a.home = 1;
insert into statement_line(home, account_id, booked_on, number, line_no, incoming, category, amount, matched, batch_id)
 select a.home, a.account_id, date '1997-01-01' + d, 1, k, k = 1, 11, 1, 1, a.rank * 100000 + d * 10 + k
   from ranked a, generate_series(1, {OLD_DAYS}) d, unnest(array[1, 3, 6]) k where a.home = 1;
insert into exception(reference, at, code, reason, closed_at) select 'old-' || d, now(), 'X', 'x', now() from generate_series(1, {OLD_DAYS}) d;
insert into stream(home, day, pos, site_id, kind, machine_at, chain, contract_ids, nos)
 select 1, h.day, d - 5000, 130, 1, now(), '', '{{1}}', '{{1}}' from (select floor(extract(epoch from now()) / 86400)::int as day) h,
        generate_series(1, 2000) d;
analyze"""


@pytest.fixture(scope="module")
async def here(engines: Any, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    directory: Path = tmp_path_factory.mktemp("town")
    async with a_database(engines, template_database) as url, open_store(f"{url}?maxsize=1"), town(directory) as place:
        await filled.fill(PAST)
        async with transaction() as tx:
            await tx.script(BYGONE)
        yield place


@pytest.fixture(scope="module")
async def day(here: Town) -> Explained:
    """The whole way of 50 contracts, explained."""
    await here.walk("09-20 10:00")
    buyer, seller = await here.buyer("9777001", yen=10_000_000), await here.seller("9777002")
    with pytest.MonkeyPatch.context() as monkeypatch, explaining(monkeypatch) as found:
        outcomes = await here.register(130, *(contract(f"new-{n}", buyer=buyer, seller=seller, amount=1_000 + n) for n in range(DUE)))
        assert len(outcomes) == DUE
        await here.walk("10-05 07:00")
    assert {await here.stands(f"130/new-{n}") for n in (0, DUE - 1)} == {"DEBITED SHIPPED PAID"}
    return found


@pytest.mark.slow
async def test_no_statement_reads_a_large_table_from_end_to_end(day: Explained):
    assert len(day.worst()) > 80
    whole = {
        text[:400]: scan
        for text, scans in day.statements
        for scan in scans
        if scan.kind == "Seq Scan" and scan.table in LARGE and scan.rows > 0
    }
    assert whole == {}


@pytest.mark.slow
async def test_no_statement_looks_at_many_more_rows_than_are_due(day: Explained):
    dear = {text[:600]: (rows, scans) for text, (rows, scans) in day.worst().items() if rows > MOST}
    assert dear == {}


HOT = """
select split_part(relname, '_20', 1) as table, sum(n_tup_upd)::int as updated, sum(n_tup_hot_upd)::int as hot
  from pg_stat_user_tables where relname ~ '^(contract_state|line|account|stream_head|id_head)' group by 1"""


@pytest.mark.slow
async def test_updates_stay_in_their_page(here: Town, day: Explained):
    """HOT: at least 95 of 100 updates leave the indexes alone, whole pages of contracts changing at once as they do in a run."""
    counts = []
    for walk in (False, True):
        if walk:
            buyer, seller = await here.buyer("9777003", yen=100_000_000), await here.seller("9777004")
            await here.register(130, *(contract(f"hot-{n}", buyer=buyer, seller=seller) for n in range(MANY)))
            await here.walk("10-20 07:00")
            assert await here.stands("130/hot-7") == "DEBITED SHIPPED PAID"
        async with transaction() as tx:
            await tx.value("select pg_stat_force_next_flush()")
        counts.append({row["table"]: (row["updated"], row["hot"]) for row in await here.rows(HOT)})
    before, after = counts
    updated = {table: after[table][0] - before[table][0] for table in after}
    hot = {table: after[table][1] - before[table][1] for table in after}
    assert updated["contract_state"] >= 5 * MANY
    assert updated["line"] >= 3 * MANY
    assert {table: hot[table] / updated[table] for table in updated if hot[table] < 0.95 * updated[table]} == {}
