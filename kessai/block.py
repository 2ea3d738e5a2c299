"""The block that `kessai up` and `kessai status` print: where everything is, and what to do next."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.text import Text

from domain.calendar import business_date
from kessai.places import Places
from kessai.screen import console, weekday


def print_block(running: Mapping[str, Any], places: Places) -> None:
    """Where everything is and what to do next, to standard output."""
    lines = [
        "",
        f"  GraphQL    {running['graphql']}    token: kessai token --as seller",
        f"  Explorer   {running['api']}/explorer    works offline; docs/api.md goes through it request by request",
        f"  Clock      {running['clock']}      moves business time: kessai sandbox clock +1d",
        f"  Secrets    {short(places.credentials)}    clients and addresses (yours alone, 0600)",
        f"  Logs       {short(places.log)}" + (f"    data {running['state']}" if running.get("state") else ""),
        "",
        "  Try        kessai contract register --example",
        "             kessai sandbox clock +1d",
        "             kessai batches",
        "  Ctrl-C stops it, data stays. `kessai up --reset` begins afresh. `kessai status` prints this again.",
    ]
    console().print(Text("\n".join(lines)))


def now_words(now: datetime, *, ticking: bool) -> str:
    """2000-09-20 09:00 水, and whether it ticks."""
    return f"{clock_words(now)}, {'ticking' if ticking else 'standing'}"


def clock_words(now: datetime) -> str:
    """2000-09-20 09:00 水."""
    return f"{now:%Y-%m-%d %H:%M} {weekday(business_date(now))}"


def short(path: Path) -> str:
    """A path as people write it from here."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
