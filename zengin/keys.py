"""Remembering the keys of a million lines in a few megabytes, exactly.

A Python set of 999,999 numbers takes about a hundred megabytes. Here a key of up to 20 digits
takes nine bytes in a table that is between a third and two thirds full.
"""

from __future__ import annotations

from array import array
from typing import Final

_FIRST_BITS: Final = 10
_LOW: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: spreads keys that follow each other over the whole table."""
_DIGITS: Final = 20


class KeySet:
    """A set of texts of digits; other texts are kept as they are, for there are few."""

    __slots__ = ("_bits", "_count", "_high", "_low", "_others")

    def __init__(self) -> None:
        self._others: set[str] = set()
        self._count = 0
        self._make(_FIRST_BITS)

    def add(self, key: str) -> bool:
        """Remembers ``key``; False if it has been there before."""
        if not (len(key) == _DIGITS and key.isascii() and key.isdigit()):
            new = key not in self._others
            self._others.add(key)
            return new
        if not self._put(int(key)):
            return False
        self._count += 1
        if 3 * self._count > 2 << self._bits:
            self._grow()
        return True

    def _make(self, bits: int) -> None:
        self._bits = bits
        self._low = array("Q", [0]) * (1 << bits)
        self._high = bytearray(1 << bits)  # 0: the place is free; else 1 and what is above 64 bits

    def _put(self, number: int) -> bool:
        low, high = number & _LOW, 1 + (number >> 64)
        last = (1 << self._bits) - 1
        place = ((low * _GOLDEN) & _LOW) >> (64 - self._bits)
        lows, highs = self._low, self._high
        while highs[place]:
            if lows[place] == low and highs[place] == high:
                return False
            place = (place + 1) & last
        lows[place], highs[place] = low, high
        return True

    def _grow(self) -> None:
        lows, highs = self._low, self._high
        self._make(self._bits + 1)
        for low, high in zip(lows, highs, strict=True):
            if high:
                self._put(low + ((high - 1) << 64))
