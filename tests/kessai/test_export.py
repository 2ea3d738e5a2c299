"""`kessai export` writes the file that the API sends."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from api import exporting
from domain.store.connection import reading
from kessai import cli_export
from kessai.trouble import Trouble
from tests.api.market import Market

FIRST, LAST = date(2000, 9, 1), date(2000, 9, 30)


async def test_the_same_file(store: Any, tmp_path: Path):
    market = await Market().build()
    await market.contract("130/1", "A", "B", 10_000, debit=4, debited_on="09-25")
    await market.contract("320/2", "A", "B", 20_000, debit=4, debited_on="09-25")
    for site, rows in ((None, 2), (320, 1), (999, 0)):
        wanted = exporting.Wanted(site, FIRST, LAST)
        written = await cli_export._write(wanted, tmp_path / f"{site}.csv")
        async with reading() as tx:
            sent = b"".join([piece async for piece in exporting.export(tx, market.context("operator"), wanted)])
        assert (tmp_path / f"{site}.csv").read_bytes() == sent
        assert (written, sent.count(b"\r\n")) == (len(sent), 1 + rows)


def test_nothing_is_written_over(tmp_path: Path):
    there = tmp_path / "there.csv"
    there.write_text("mine")
    with pytest.raises(Trouble, match="is there already"):
        cli_export.export(first=FIRST, last=LAST, out=there)
    with pytest.raises(Trouble, match="before"):
        cli_export.export(first=LAST, last=FIRST)
    assert there.read_text() == "mine"
