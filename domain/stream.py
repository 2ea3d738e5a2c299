"""Cursors: a place in the event log, opaque and signed. Interface first."""

from dataclasses import dataclass

START = "0"  # the first event one may see


class CursorInvalid(ValueError):
    """Not ours, altered, or of another version."""


@dataclass(frozen=True, order=True, slots=True)
class Place:
    epoch: int
    home: int
    day: int
    pos: int
    index: int = 0


def encode(places: tuple[Place, ...], key: bytes) -> str:
    raise NotImplementedError


def decode(cursor: str, key: bytes) -> tuple[Place, ...]:
    raise NotImplementedError
