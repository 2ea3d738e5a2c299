"""Tables in tests: one line per case, columns apart by two spaces or more, a free-standing `#` begins a remark."""

import re


def grid(text: str) -> list[tuple[str, ...]]:
    """The rows of a table; every row must have as many columns as the first."""
    lines = [re.split(r"\s#\s", line)[0].strip() for line in text.splitlines()]
    rows = [tuple(re.split(r"\s{2,}", line)) for line in lines if line]
    widths = {len(row) for row in rows}
    assert len(widths) == 1, f"rows of {sorted(widths)} columns"
    return rows


def cross(text: str) -> dict[tuple[str, str], str]:
    """A table with a head: (row, column) -> cell."""
    head, *rows = grid(text)
    return {(row[0], column): cell for row in rows for column, cell in zip(head[1:], row[1:], strict=True)}
