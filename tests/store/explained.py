"""What a statement costs: every statement of a stretch of work is explained with its own arguments before it is run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from domain.store.connection import Tx

EXPLAINED = ("select", "insert", "update", "delete", "with")


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of one table (a partition counts as its table) in one run of a statement."""

    table: str
    kind: str
    rows: int  # looked at: answered, and filtered out


@dataclass(slots=True)
class Explained:
    """Every statement that was run, with its scans; the same text may come many times."""

    statements: list[tuple[str, list[Scan]]] = field(default_factory=list)

    def worst(self) -> dict[str, tuple[int, list[Scan]]]:
        """By statement: the run that looked at most rows."""
        found: dict[str, tuple[int, list[Scan]]] = {}
        for text, scans in self.statements:
            rows = sum(scan.rows for scan in scans)
            if text not in found or rows > found[text][0]:
                found[text] = rows, scans
        return found


def scans(node: dict[str, Any]) -> Iterator[Scan]:
    """The scans of a plan. Bitmaps count once, with the heap."""
    loops = node.get("Actual Loops", 1)
    if "Relation Name" in node and "Scan" in node["Node Type"]:
        looked = sum(node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"))
        yield Scan(node["Relation Name"].rsplit("_20", 1)[0], node["Node Type"], round(looked * loops))
    for child in node.get("Plans", ()):
        yield from scans(child)


@contextlib.contextmanager
def explaining(monkeypatch: pytest.MonkeyPatch) -> Iterator[Explained]:
    """While this lasts, every statement of every transaction is explained, undone, and run."""
    found = Explained()

    async def explain(tx: Tx, sql: str, args: tuple[Any, ...]) -> None:
        if not sql.lstrip().lower().startswith(EXPLAINED):
            return
        await tx.raw.execute("savepoint explained")
        plan = orjson.loads(await tx.raw.fetchval(f"explain (analyze, timing off, format json) {sql}", *args))
        await tx.raw.execute("rollback to savepoint explained")
        found.statements.append((" ".join(sql.split()), list(scans(plan[0]["Plan"]))))

    def wrapped(name: str) -> Any:
        original = getattr(Tx, name)

        async def call(tx: Tx, sql: str, *args: Any) -> Any:
            await explain(tx, sql, args)
            return await original(tx, sql, *args)

        return call

    with monkeypatch.context() as patch:
        for name in ("rows", "row", "value", "run"):
            patch.setattr(Tx, name, wrapped(name))
        yield found
