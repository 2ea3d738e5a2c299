"""What a command shows: tables and lines for people, JSON for programs, and every refusal in the same four parts.

Results go to standard output, progress and errors to standard error, so that `--json` can be piped. No colour and no
decoration when nobody looks, or NO_COLOR is set.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kessai.trouble import Trouble

WEEKDAYS = "月火水木金土日"
PIPED_WIDTH = 1000


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Common:
    """What every command takes."""

    json: Annotated[bool, Parameter(negative="", help="Print the result as JSON.")] = False
    debug: Annotated[bool, Parameter(negative="", help="Show a traceback when it breaks.")] = False


PLAIN = Common()


def console(*, error: bool = False) -> Console:
    """A console on standard output or error. When it is piped, lines are as long as they are: nothing is cut or
    wrapped.
    """
    stream = sys.stderr if error else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else PIPED_WIDTH, highlight=False, emoji=False)


def weekday(day: date) -> str:
    """月 to 日."""
    return WEEKDAYS[day.weekday()]


def yen(amount: int | None) -> str:
    """Figures in threes; nothing for nothing."""
    return "" if amount is None else f"{amount:,}"


def instant(value: datetime | str | None) -> str:
    """A business instant as people write it; instants come in Tokyo time."""
    if value is None:
        return ""
    from domain.store.clock import TOKYO

    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return when.astimezone(TOKYO).strftime("%Y-%m-%d %H:%M")


def plain(value: Any) -> Any:
    """The value in what JSON has."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(inner) for inner in value]
    if isinstance(value, (datetime, date)) or hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return str(value) if isinstance(value, Path) else value


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    print(json.dumps(plain(value), ensure_ascii=False, indent=1))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None, right: Sequence[str] = ()) -> Table:
    """A table; columns named in `right` hold figures. Japanese widths are counted."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


def show(
    common: Common,
    records: Sequence[Mapping[str, Any]],
    columns: Sequence[tuple[str, str]],
    *,
    right: Sequence[str] = (),
    empty: str = "none",
) -> None:
    """A list of records: JSON as they are, or the named columns (heading, key) as a table."""
    if common.json:
        print_json(records)
        return
    if not records:
        console().print(empty)
        return
    rows = [[_cell(record.get(key), figures=heading in right) for heading, key in columns] for record in records]
    console().print(table([heading for heading, _ in columns], rows, right=right))


def _cell(value: Any, *, figures: bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, int) and figures:
        return yen(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def print_trouble(trouble: Trouble, *, as_json: bool) -> None:
    """What, why, do, code; to standard error, and to standard output when JSON was asked for."""
    if as_json:
        print_json({"error": trouble.as_dict()})
        return
    err = console(error=True)
    err.print(Text(f"{trouble.what}.", style="bold red"))
    parts = [("why", trouble.why)] if trouble.why else []
    parts += [("do" if place == 0 else "", line) for place, line in enumerate(trouble.do)]
    for name, text in [*parts, ("code", trouble.code)]:
        err.print(Text(f"  {name:<5} {text}"))
