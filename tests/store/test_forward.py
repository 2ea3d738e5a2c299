"""A database of an earlier version, with contracts in it, migrates forward: its lists, counts and sums are right at once."""

from __future__ import annotations

import os
import secrets
from typing import Any

import asyncpg
import pytest

from domain.access import FieldGroup, Viewer, ViewerKind
from domain.statuses import PayoutStatus
from domain.store import pages, reading, sums, verify
from domain.store.connection import open_store, transaction
from domain.store.connection import reading as snapshot
from domain.store.migrate import drift, migrate, pending
from tests.conftest import on_database
from tests.journeys.town import Town, contract, town

BACK = """
drop table carrier_poll;
delete from carrier where url is null;
alter table carrier drop constraint carrier_connector_check, drop constraint carrier_is_called_or_given_files, drop constraint carrier_days,
  drop column connector, drop column address, drop column billing_code, drop column status_words,
  alter column url set not null, alter column secret set not null;
drop table claim_release, delivery_stop, site_route;
alter table bank drop constraint bank_calls_are_json, drop constraint bank_names_each_line, drop column format;
alter table reply_line drop column event_id;
alter table site alter column carrier_id set not null;
drop table contract_date, standing, settlement_sum, sum_place;
drop table hook, hook_head, hook_wake, hook_delivery, hook_work, hook_attempt;
drop index contract_site_registered, contract_buyer_registered, contract_seller_registered, contract_site_due, contract_buyer_due,
  contract_seller_due, contract_site_amount, contract_buyer_amount, contract_seller_amount, contract_site_planned, contract_seller_planned;
delete from tortoise_migrations where name >= '0005'"""
"""What 0005 and later have made, taken away again: what is left is a database of 0004 in which people have worked."""


async def told(site: int) -> dict[str, Any]:
    """What the lists say of a site."""
    async with snapshot() as tx:
        scope = await reading.scope_of(tx, Viewer(ViewerKind.SITE, site))
        found: dict[str, Any] = {}
        for key in pages.SortKey:
            listing = pages.Listing(scope, FieldGroup.SETTLEMENT, pages.Filter(), pages.Order(key, descending=False))
            found[key.name] = await pages.spots(tx, listing, 100)
        for status in PayoutStatus:
            listing = pages.Listing(scope, FieldGroup.SETTLEMENT, pages.Filter(payout=(int(status),)), listing.order)
            found[status.name] = await pages.spots(tx, listing, 100), await pages.count(tx, listing)
        found["sums"] = await sums.of_sites(tx, scope.sites)
    return found


@pytest.fixture
async def here(engines: Any, template_database: str, tmp_path: Any) -> Any:
    name = f"test_{os.getpid()}_{secrets.token_hex(6)}"  # the number says whose it is: what nobody owns is dropped
    url = on_database(engines.database_url, name)
    admin = await asyncpg.connect(engines.database_url)
    await admin.execute(f'create database "{name}" template "{template_database}"')
    try:
        async with open_store(url), town(tmp_path) as place:
            yield place, url
    finally:
        await admin.execute(f'drop database "{name}" with (force)')
        await admin.close()


async def test_contracts_of_an_earlier_version_are_in_the_lists(here: tuple[Town, str]):
    place, url = here
    await place.walk("09-20 10:00")
    buyer, poor, seller = await place.buyer("9777001", yen=1_000_000), await place.buyer("9777002", yen=10), await place.seller("9777003")
    items = [contract(f"n{n}", buyer=buyer, seller=seller, amount=1_000 + n) for n in range(5)]
    await place.register(130, *items, contract("poor", buyer=poor, seller=seller, amount=5_000))
    await place.walk("09-30 09:00")
    await place.register(130, contract("new", buyer=buyer, seller=seller, amount=9_000))
    before = await told(130)
    assert {row.status.name: row.rows for row in before["sums"]}.keys() >= {"PENDING", "WILL_NOT_SETTLE"}
    async with transaction() as tx:
        await tx.script(BACK)
    later = ["0005_lists", "0006_carriers", "0007_hooks", "0008_formats", "0009_releases", "0010_carrier_files"]
    assert await pending(url) == later
    assert await migrate(url) == later
    assert await drift(url) == []
    async with open_store(url):
        assert await told(130) == before
        assert await verify.check() == []
