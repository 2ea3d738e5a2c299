"""Carriers in the store and by command: saved whole or not at all, secrets shown to nobody, a carrier looked over without sending anything."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest

from domain.statuses import BatchStatus, Kind
from domain.store.administration import Carrier, NotThere, Refused, Site, create_carrier, create_site, list_carriers
from domain.store.carrier_changes import change_carrier
from domain.store.connection import reading, transaction

START = datetime.fromisoformat("2000-09-20T09:00:00+09:00")
SECRET = "whsec_" + "QUJD" * 12
CALLED = Carrier("north", "北運輸", "https://north.example/api", SECRET)
FILES = Carrier("south", "南運輸", connector="directory", address={"path": "/srv/south"}, status_words={"配達済": "delivered"})


# -- in the store -------------------------------------------------------------------------------------------------------------------


async def columns(carrier_id: str) -> dict[str, Any]:
    async with reading() as tx:
        row = await tx.row("select * from carrier where carrier_id = $1", carrier_id)
    return {} if row is None else dict(row)


async def batch(number: int, status: BatchStatus, carrier: str = "north", home: int = 1) -> None:
    sealed = status is not BatchStatus.OPEN
    async with transaction() as tx:
        await tx.run(
            "insert into batch (home, batch_id, kind, site_id, carrier_id, value_on, number, status, seal_at, deadline_at, name, sha256, "
            "sent_at, overdue_at, takes_from) values ($1, $2, $3, 130, $4, $5, $6, $7, $8, $8, $9, $10, $8, $8, $2)",
            home,
            number,
            int(Kind.DELIVERY),
            carrier,
            date(2000, 9, 24),
            number if sealed else None,
            int(status),
            START,
            f"{number:018d}" if sealed else None,
            b"x" if sealed else None,
        )


async def test_a_carrier_is_kept_by_its_way_and_shown_without_its_secret(store: None):
    await create_carrier(CALLED)
    await create_carrier(FILES)
    called, files = await columns("north"), await columns("south")
    assert (called["url"], called["secret"], called["address"]) == ("https://north.example/api", SECRET, "{}")
    assert (files["url"], files["secret"], json.loads(files["address"])) == (None, None, {"path": "/srv/south"})
    shown = {row["carrier_id"]: row for row in await list_carriers()}
    assert shown["north"]["address"] == {"url": "https://north.example/api", "secret": "***"}
    assert shown["south"]["status_words"] == {"配達済": "delivered"}
    assert "url" not in shown["north"].keys() | shown["south"].keys()
    assert SECRET not in repr(shown)


async def test_what_cannot_be_so_is_refused_at_once_and_nothing_is_saved(store: None):
    with pytest.raises(Refused, match=r"address\.url.*address\.secret.*ship_days") as refused:
        await create_carrier(Carrier("north", "北運輸", "http://north.example", "whsec_QUJD", ship_days=61))
    assert refused.value.code == "CARRIER_SETTINGS"
    with pytest.raises(Refused, match=r"address\.url"):
        await create_carrier(Carrier("north", "北運輸", "https://north.example", connector="directory", address={"path": "/srv"}))
    assert await list_carriers() == []
    await create_carrier(CALLED)
    with pytest.raises(Refused, match="overdue_days"):
        await change_carrier("north", {"ship_days": 1, "overdue_days": 0}, now=START)
    assert (await columns("north"))["ship_days"] == 3
    with pytest.raises(NotThere):
        await change_carrier("east", {"ship_days": 1}, now=START)


async def test_what_is_changed_and_only_that(store: None):
    await create_carrier(FILES)
    before = await columns("south")
    changed = await change_carrier("south", {"ship_days": 1, "overdue_days": 7, "word.配達済": None, "word.持出": "in_transit"}, now=START)
    assert changed.settings == {"ship_days": (3, 1), "status_words": ({"配達済": "delivered"}, {"持出": "in_transit"})}
    after = await columns("south")
    assert json.loads(after["status_words"]) == {"持出": "in_transit"}
    assert {name for name in after if after[name] != before[name]} == {"ship_days", "status_words"}


@pytest.mark.parametrize("status", [BatchStatus.SEALED, BatchStatus.SENDING, BatchStatus.RELEASING])
async def test_a_carrier_keeps_its_way_while_something_is_sealed_for_it(store: None, status: BatchStatus):
    """What is sealed for a call is no file: it goes first."""
    await create_carrier(CALLED)
    await create_carrier(FILES)
    await create_site(Site(130, 1, "130", "north"))
    await batch(1, status)
    await batch(2, status, home=2)
    await batch(3, BatchStatus.OPEN)
    away = {"connector": "directory", "address.path": "/srv/north"}
    with pytest.raises(Refused, match="connector: 2 batches are sealed for http and not sent"):
        await change_carrier("north", away, now=START)
    with pytest.raises(Refused, match="2 batches are sealed"):  # nor by being made known once more
        await create_carrier(Carrier("north", "北運輸", connector="directory", address={"path": "/srv/north"}))
    assert (await columns("north"))["connector"] == "http"
    await change_carrier("north", {"address.url": "https://new.example"}, now=START)  # the same way, elsewhere
    await change_carrier(
        "south", {"connector": "http", "address.url": "https://south.example", "address.secret": SECRET}, now=START
    )  # none waits there
    async with transaction() as tx:
        await tx.run("update batch set status = $1 where home = 1 and batch_id = 1", int(BatchStatus.SENT))
        await tx.run("update batch set status = $1 where home = 2 and batch_id = 2", int(BatchStatus.ANSWERED))
    changed = await change_carrier("north", away, now=START)
    assert changed.unanswered == 1
    after = await columns("north")
    assert (after["connector"], after["url"], after["secret"], json.loads(after["address"])) == (
        "directory",
        None,
        None,
        {"path": "/srv/north"},
    )
    assert (await change_carrier("north", {"ship_days": 1}, now=START)).unanswered == 0
