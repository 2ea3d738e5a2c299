"""The house's rules for keys, tried on the catalogue of a migrated database (docs/decisions/0005): what makes it possible to spread the
tables over many machines by `home`, one day, without touching them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.store.connection import reading, transaction
from domain.store.partitions import BY_CONTRACT, BY_DAY, FILLFACTOR, ensure_partitions

REFERENCE = {"business_clock", "carrier", "carrier_poll", "site", "site_route", "fee_schedule", "bank", "bank_poll"}
HOME = {
    "id_head", "party", "party_account", "account", "mandate", "contract_number", "contract", "delivery_record", "contract_state", "event",
    "contract_date", "standing", "settlement_sum", "sum_place",
    "batch", "work", "batch_fact", "parked", "line", "sweep", "sweep_part", "posting", "stream_head", "stream", "statement", "statement_line",
    "credit_notice", "delivery_stop",
    "hook", "hook_head", "hook_wake", "hook_delivery", "hook_work", "hook_attempt",
}  # fmt: skip
PARTY = {  # people and programs: they belong to no site
    "firm", "person", "invitation", "claim_release", "oauth_client", "oauth_key", "oauth_family", "oauth_code", "oauth_refresh", "oauth_revocation",
    "oauth_assertion", "browser_session", "consent", "throttle",
}  # fmt: skip
LOCAL = {"reply", "reply_body", "reply_line", "exception", "outbox", "lease"}
CLASSES = (REFERENCE, HOME, PARTY, LOCAL)

# A file's name is one at its bank, whichever site sent it. The day the tables are spread, this one needs a table of its own.
ACROSS_HOMES = {"batch_one_name"}
SMALL = {"site", "bank", "carrier", "firm", "person", "oauth_client", "oauth_family", "reply"}  # what a foreign key may point at


async def rows(sql: str, *args: Any) -> list[Any]:
    async with reading() as tx:
        return list(await tx.rows(sql, *args))


async def test_each_table_is_of_one_class(store: Any):
    there = await rows(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition "
        "and relname <> 'tortoise_migrations'"
    )
    assert sorted(name for tables in CLASSES for name in tables) == sorted(row["relname"] for row in there)


async def test_every_unique_key_of_a_home_table_begins_with_home(store: Any):
    keys = await rows(
        "select t.relname as table, c.relname as key, pg_get_indexdef(i.indexrelid, 1, false) as first, i.indpred is not null as partial "
        "from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid "
        "where i.indisunique and t.relname = any($1::text[])",
        sorted(HOME),
    )
    assert len(keys) > len(HOME)
    assert {row["key"] for row in keys if row["first"] != "home"} == ACROSS_HOMES


async def test_home_is_a_smallint_and_never_missing_in_a_home_table(store: Any):
    columns = await rows(
        "select table_name, data_type, is_nullable from information_schema.columns where column_name = 'home' and table_schema = 'public' "
        "and table_name = any($1::text[])",
        sorted(HOME),
    )
    assert {row["table_name"] for row in columns} == HOME
    assert {(row["data_type"], row["is_nullable"]) for row in columns} == {("smallint", "NO")}


async def test_foreign_keys_point_at_small_tables_only(store: Any):
    keys = await rows(
        "select conrelid::regclass::text as from_table, confrelid::regclass::text as to_table, conname from pg_constraint "
        "where contype = 'f' and connamespace = 'public'::regnamespace"
    )
    assert {row["to_table"] for row in keys} == SMALL
    assert [row["conname"] for row in keys if row["from_table"] in {*BY_CONTRACT, *BY_DAY}] == []
    assert [row["conname"] for row in keys if row["to_table"] == "reply" and row["from_table"] not in LOCAL] == []


async def test_nothing_happens_behind_our_back(store: Any):
    assert await rows("select tgname from pg_trigger where not tgisinternal") == []
    assert await rows("select evtname from pg_event_trigger") == []
    assert await rows("select rulename from pg_rules where schemaname = 'public'") == []


async def test_no_identity_decides_anything_in_a_home(store: Any):
    found = await rows(
        "select table_name from information_schema.columns where table_schema = 'public' and (is_identity = 'YES' or column_default like 'nextval%')"
    )
    assert {row["table_name"] for row in found} <= LOCAL | {"tortoise_migrations"}


async def test_large_tables_are_cut_by_birth_or_day(store: Any):
    cut = await rows("select partrelid::regclass::text as name, pg_get_partkeydef(partrelid) as by, partdefid from pg_partitioned_table")
    assert {row["name"]: row["by"] for row in cut} == {
        **dict.fromkeys(BY_CONTRACT, "RANGE (contract_id)"),
        **dict.fromkeys(BY_DAY, "RANGE (day)"),
    }
    assert {row["partdefid"] for row in cut} == {0}, "a default partition hides that one is missing"


async def test_partitions_are_there_a_year_ahead_with_room_for_changes(store: Any):
    year = datetime.now(UTC).year
    found = await rows("select relname, coalesce(reloptions, '{}') as options from pg_class where relispartition and relkind = 'r'")
    options = {row["relname"]: row["options"] for row in found}
    assert set(options) >= {f"{table}_{y}" for table in (*BY_CONTRACT, *BY_DAY) for y in (year, year + 1)}
    for table, percent in FILLFACTOR.items():
        assert options[f"{table}_{year}"] == [f"fillfactor={percent}"]
    async with transaction() as tx:
        assert await ensure_partitions(tx, datetime.now(UTC)) == []
        made = await ensure_partitions(tx, datetime(year + 2, 1, 1, tzinfo=UTC))
    assert made == [f"{table}_{y}" for y in (year + 2, year + 3) for table in (*BY_CONTRACT, *BY_DAY)]


CHANGING = {  # columns that change in the life of a row, by table
    "contract_state": {
        "debit", "delivery", "payout", "event_count", "held", "reserved", "settled", "refunded", "funded", "held_up", "debit_batch", "debit_part",
        "payout_batch", "scheduled_on", "debited_on", "failure", "failed_on", "retry_on", "instructed_on", "delivery_instructed_on", "shipped_on",
        "delivered_on", "tracking_number", "result_on", "settled_on", "credited_on", "debit_attempt", "delivery_attempt", "payout_attempt",
    },
    "line": {"outcome", "code", "outcome_on", "part"},  # and `blocking`, once, when it has failed
    "stream_head": {"day", "pos", "chain"},
    "id_head": {"next"},
    "account": {"booked", "reserved", "overdraft_break"},
    "hook": {"due_at", "failures", "failing_since", "lease_holder", "lease_until", "status", "rate_count", "rate_from"},
    "hook_head": {"day", "pos"},
    "hook_wake": {"after_day", "after_pos", "after_index", "upto_day", "upto_pos", "lease_holder", "lease_until"},
    "hook_work": {"tries", "next_try_at"},
}  # fmt: skip


@pytest.mark.parametrize("table", CHANGING)
async def test_nothing_that_changes_is_in_an_index(store: Any, table: str):
    """One indexed column that changes, and every update writes every index of the row (five times as slow)."""
    indexes = await rows("select pg_get_indexdef(indexrelid) as text from pg_index where indrelid = $1::text::regclass", table)
    columns = {row["column_name"] for row in await rows("select column_name from information_schema.columns where table_name = $1", table)}
    assert CHANGING[table] <= columns
    for index in indexes:
        words = set(index["text"].replace("(", " ").replace(")", " ").replace(",", " ").split(" USING ")[1].split())
        assert words & CHANGING[table] == set(), index["text"]
