"""One setting of a bank or a carrier (設定項目): its meaning, and how people write its value.

Nothing about a bank or a carrier stands in the code: each is a table of settings (`bank_settings`, `carrier_settings`). What is shown can be
written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import time
from enum import IntEnum
from typing import Any

MAX_DAYS = 60


class NotASetting(ValueError):
    """A value that a setting cannot take; the sentence says what it may be."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name (and column), what it means, and how it is read from and shown as a word."""

    name: str
    group: str
    japanese: str
    words: str
    may_be: str
    read: Callable[[str], Any]
    show: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that cannot be so: which setting, and why, in a sentence."""

    name: str
    reason: str

    def __str__(self) -> str:
        """Both, for people."""
        return f"{self.name}: {self.reason}"


Written = tuple[str, Callable[[str], Any], Callable[[Any], str]]
"""What a value may be, how it is read, how it is shown."""


def number(text: str) -> int:
    """A whole number, with commas or without. Raises NotASetting."""
    plain = text.replace(",", "").replace("_", "")
    if not (plain.isascii() and plain.isdecimal() and len(plain) <= 18):
        raise NotASetting(f"{text!r} is not a whole number")
    return int(plain)


def _time(text: str) -> time:
    try:
        found = time.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or len(text) not in (5, 8):
        raise NotASetting(f"{text!r} is not a time of day; write 12:00")
    return found


def _yes(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise NotASetting(f"{text!r} is neither yes nor no")
    return text.lower() == "yes"


def _plain(text: str) -> str:
    return text


def text(may_be: str = "text") -> Written:
    """A text as it stands."""
    return may_be, _plain, str


def one_of(words: Mapping[str, Any]) -> Written:
    """One of some words, each for a value."""
    back = {value: word for word, value in words.items()}

    def read(text: str) -> Any:
        if text.lower() not in words:
            raise NotASetting(f"{text!r} is none of {', '.join(words)}")
        return words[text.lower()]

    return " | ".join(words), read, lambda value: back.get(value, str(value))


def members(kind: type[IntEnum]) -> Written:
    """One member of an enumeration, by its name."""
    return one_of({member.name.lower(): int(member) for member in kind})


def count(least: int, most: int) -> Written:
    """A number of days or minutes, as it stands."""
    return f"{least} to {most}", number, str


def upto(most: int) -> Written:
    """A limit, shown in threes."""
    return f"1 to {most:,}", number, lambda value: f"{value:,}"


DAYS: Written = count(0, MAX_DAYS)
AT: Written = ("a time of day, Asia/Tokyo", _time, lambda value: f"{value:%H:%M}")
SWITCH: Written = ("yes | no", _yes, lambda value: "yes" if value else "no")


def group(name: str, rows: Iterable[tuple[str, str, str, Written]]) -> list[Setting]:
    """Settings that belong together: (name, Japanese, meaning, how it is written)."""
    return [Setting(column, name, japanese, words, *written) for column, japanese, words, written in rows]


def split(text: str) -> tuple[str, str]:
    """`name=value` in its two parts. Raises NotASetting."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise NotASetting(f"{text!r} is not name=value")
    return name, value


def value_of(settings: Mapping[str, Setting], name: str, value: str, shown: str, words: Iterable[str] = ()) -> Any:
    """A setting's value as a person writes it. Raises NotASetting for a name or a value that there is not.

    Args:
        settings: Those that there are, by name.
        name: The setting.
        value: What was written.
        shown: The name under which people know it.
        words: Other names by which people know settings, to be offered when there is no such name.
    """
    setting = settings.get(name)
    if setting is None:
        near = [word for word in (*settings, *words) if word.startswith(name[:3])]
        raise NotASetting(f"there is no setting {name!r}" + (f"; there is {', '.join(near)}" if near else ""))
    try:
        return setting.read(value)
    except NotASetting as error:
        raise NotASetting(f"{shown}: {error}") from None


def name_mistakes(name: str) -> Iterable[Mistake]:
    """What cannot be so about a name that people read (名称)."""
    if not name.strip() or not name.isprintable() or len(name) > 100:
        yield Mistake("name", "a name has 1 to 100 printable characters")
