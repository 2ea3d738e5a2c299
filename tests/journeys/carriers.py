"""A town with a second carrier, one that is given CSV files, over a directory or SFTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from domain.statuses import CalendarKind
from domain.store import site_rules
from domain.store.administration import Carrier, create_carrier
from sandbox.scenario import scenario
from tests.journeys.town import Over, Town, town

CSV = "paper"


@contextlib.asynccontextmanager
async def csv_town(
    directory: Path, *, connector: str = "directory", words: dict[str, str] | None = None, at_once: bool = True, **how: Any
) -> AsyncIterator[Town]:
    """The scenario's world with that carrier.

    Args:
        directory: Of the world.
        connector: How the carrier is reached; by sftp the banks are, too.
        words: Its own words, as we know them.
        at_once: It carries for every site from the beginning; else the site's carrier stays the one that is called.
        how: What the sandbox is told of it (docs/sandbox.md).
    """
    config = scenario()
    config["carriers"].append({"id": CSV, "format": "csv", "calendar": "EVERY_DAY", "ship_days": 3, "ships_at": "09:00", **how})
    async with town(directory, config=config, over=Over(connector)) as here:
        await create_carrier(
            Carrier(
                CSV,
                "紙運輸",
                connector=connector,
                address=_address(here, directory),
                calendar=int(CalendarKind.EVERY_DAY),
                deduplicates=how.get("kind") != "plain",
                billing_code=how.get("billing_code"),
                status_words=words or {},
            )
        )
        if at_once:
            await here.say("update site set carrier_id = $1", CSV)
        site_rules.forget()
        yield here


def _address(here: Town, directory: Path) -> dict[str, Any]:
    if here.gate is None:
        return {"path": str(directory / "sandbox" / "carriers" / CSV)}
    said = here.gate.describe()
    return {
        "host": said["host"],
        "port": said["port"],
        "user": CSV,
        "key_file": said["users"][CSV]["key_file"],
        "known_host": said["host_key"],
    }


def rows_of(path: Path) -> list[list[str]]:
    """What stands in a file, read as plainly as can be: every field is quoted."""
    lines = path.read_bytes().decode("cp932").split("\r\n")
    assert lines.pop() == ""
    return [line.removeprefix('"').removesuffix('"').split('","') for line in lines]
