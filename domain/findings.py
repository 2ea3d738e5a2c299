"""Where in a file something is wrong, and what was expected there: what an exception tells beside its reason.

A place is kept with the exception, so that a person sees at once what to compare. No account number is ever in one: whoever makes a place
masks before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

MOST_PLACES = 20
"""Of a file in which everything is wrong the first few lines tell as much as all."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place in a file. `record` counts from 1, `byte` from 0 as hex editors count, `column` from 1 as the standard's tables; None: not known.

    `field` is the name of the field, `label` its Japanese one. `contract_id` names the contract whose line it is, if it is one of ours.
    """

    record: int | None
    byte: int | None
    column: int | None
    field: str
    label: str
    expected: str
    found: str
    contract_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)


def stored(places: Iterable[Place]) -> list[dict[str, Any]]:
    """The first places, as they are stored with an exception."""
    some = [place.as_dict() for place, _ in zip(places, range(MOST_PLACES), strict=False)]
    return [{name: _text(value) if isinstance(value, str) else value for name, value in place.items()} for place in some]


def _text(value: str) -> str:
    """A stranger's characters that neither a database nor a terminal takes for text become `?`."""
    return value if value.isprintable() else "".join(char if char.isprintable() else "?" for char in value)


def where(place: Mapping[str, Any]) -> str:
    """`record 3, byte 244, column 81, amount 引落金額`: as far as it is known."""
    parts = [f"{name} {place[name]}" for name in ("record", "byte", "column") if place.get(name) is not None]
    named = " ".join(word for word in (place.get("field"), place.get("label")) if word)
    return ", ".join([*parts, named] if named else parts)
