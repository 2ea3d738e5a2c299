"""Comparing what was found with what must be: each comparison is counted, and a failing one says both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kessai.screen import plain


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison."""

    name: str
    expected: Any
    found: Any

    @property
    def passed(self) -> bool:
        """Whether they are equal."""
        return bool(self.expected == self.found)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"name": self.name, "passed": self.passed, "expected": plain(self.expected), "found": plain(self.found)}


@dataclass(slots=True)
class Checks:
    """All comparisons of a run."""

    done: list[Check] = field(default_factory=list)

    def equal(self, name: str, found: Any, expected: Any) -> None:
        """Counts one."""
        self.done.append(Check(name, expected, found))

    def equal_each(self, name: str, found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> None:
        """Counts one for each key that either side has."""
        for key in [*expected, *(key for key in found if key not in expected)]:
            self.equal(f"{name}: {_words(key)}", found.get(key), expected.get(key))

    @property
    def failed(self) -> list[Check]:
        """Those that did not agree."""
        return [check for check in self.done if not check.passed]


def _words(key: Any) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
