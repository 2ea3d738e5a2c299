"""Calls in a file, by the name they are written with."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from tests.house.sources import tree


@dataclass(frozen=True)
class Call:
    """One call: `a.b.c(x, y=1)` has name `a.b.c`, one positional argument, keyword `y`."""

    line: int
    name: str
    positional: tuple[ast.expr, ...]
    keywords: frozenset[str]

    @property
    def last(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]


def written(node: ast.expr) -> str:
    """A dotted name as it is written; `?` for what is not a name."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{written(value)}.{attribute}"
        case _:
            return "?"


def calls(path: PurePosixPath) -> Iterator[Call]:
    """Every call of a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield Call(
                line=node.lineno,
                name=written(node.func),
                positional=tuple(node.args),
                keywords=frozenset(keyword.arg or "**" for keyword in node.keywords),
            )
