"""Each statement on a table of a home names its home: the day the tables are spread over machines, it goes to one of them (decision 0005).

The statements are those of a whole journey (registration, files, results, deliveries, payouts, statements), of lists, sums and of what keeps
watch beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from domain.store import sums, verify
from domain.store.connection import Tx
from tests.journeys.town import contract, town
from tests.store.test_forward import told
from tests.store.test_keys import HOME

TABLE = re.compile(r"\b(?:from|join|into|update|using)\s+(?:only\s+)?([a-z_]+)")
# Goes to its home: compared, joined by, written.
GOES = re.compile(r"\bhome\b\s*(?:=|\bin\b|is\b)|=\s*(?:[a-z]+\.)?home\b|using \([^)]*\bhome\b|insert into \w+(?: as \w+)? ?\(\s*home\b")
# Looks for work in every home, and says in which it has found some.
FINDS = re.compile(r"^select (?:distinct )?(?:coalesce\()?(?:[a-z]+\.)?home\b")
ACROSS = {
    "select min(at) from (select min(seal_at) as at from batch": "how far the clock may be walked: the earliest of all homes",
    "select count(*) from batch": "whether anything at all is left to do, before the clock is walked",
    "select count(*) from batch_fact": "the same",
}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every statement of every transaction, once."""
    texts: set[str] = set()
    for name in ("rows", "row", "value", "run"):
        original = getattr(Tx, name)

        async def listening(tx: Tx, sql: str, *args: Any, _original: Any = original) -> Any:
            texts.add(" ".join(sql.split()))
            return await _original(tx, sql, *args)

        monkeypatch.setattr(Tx, name, listening)
    return texts


async def test_a_journey_names_its_homes(store: Any, tmp_path: Path, heard: set[str]):
    async with town(tmp_path) as here:
        heard.clear()
        buyer, poor, seller = await here.buyer("9777001"), await here.buyer("9777002", yen=10), await here.seller("9777003")
        await here.register(130, contract("a", buyer=buyer, seller=seller), contract("b", buyer=poor, seller=seller))
        await here.walk("10-05 07:00")
        assert await here.stands("130/a") == "DEBITED SHIPPED PAID"
        await sums.fold(1, here.machine)
        await told(130)
        await verify.check()
    assert len(heard) > 150
    assert nameless(heard) == []


def nameless(texts: Iterable[str]) -> list[str]:
    """Statements on tables of a home that name none."""
    return sorted(
        text
        for text in texts
        if HOME & set(TABLE.findall(text.lower()))
        and not GOES.search(text.lower())
        and not FINDS.match(text.lower())
        and not any(text.startswith(start) for start in ACROSS)
    )


@pytest.mark.parametrize(
    "text, named",
    [
        ("select held from contract_state where home = $1 and contract_id = $2", True),
        ("select held from contract_state where contract_id = $1", False),
        ("update batch set status = 1 where batch_id = $1", False),
        ("insert into work(home, batch_id, contract_id) values ($1, $2, $3)", True),
        ("insert into work select $1, $2", False),
        ("select home, batch_id from batch where status = 0", True),
        ("select batch_id, home from batch where status = 0", False),
        ("select name from bank", True),
        ("select c.amount from contract c join contract_state s using (home, contract_id)", True),
    ],
)
def test_what_names_a_home(text: str, named: bool):
    assert (nameless([text]) == []) is named
