"""A carrier is settings (運送会社の設定): every one of them once, with its meaning, how people write it, and what it may be.

`kessai carrier show` and `carrier set`, the check before a carrier is saved and docs/carriers.md all come from this table; the names are the
columns of table `carrier`. Whatever the connector, `address` here is one mapping: a carrier that is called has `url` and `secret` in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from domain import connectors
from domain.carrier_files import CHARSET, KINDS, MAX_WORD, is_word
from domain.setting import SWITCH, Mistake, NotASetting, Setting, count, group, members, name_mistakes, split, text, value_of
from domain.statuses import CalendarKind

MAX_WORDS = 200  # of one carrier
MAX_SHIP_DAYS, MAX_OVERDUE_DAYS = 60, 60
WORD = "word."
"""What a carrier's own word begins with where it stands among settings: `word.配達済=delivered`."""

_CARRIER_ID = re.compile("[a-z0-9-]{1,40}")
_BILLING_CODE = re.compile("[0-9A-Z][0-9A-Z-]{0,19}")  # a sign in front would open a formula


def _or_none(text: str) -> str | None:
    return text or None


SETTINGS: tuple[Setting, ...] = (
    *group("who it is", (("name", "名称", "Its name, as people read it.", text()),)),
    *group(
        "how it is reached",
        (
            (
                "connector",
                "接続方式",
                "The transport; `address.<part>=...` says where. Calls (http) are JSON, files are CSV.",
                connectors.CONNECTOR,
            ),
            (
                "deduplicates",
                "再送識別",
                "It answers a known key or file name with the first answer: the same bytes may go again by themselves.",
                SWITCH,
            ),
            (
                "billing_code",
                "請求先顧客コード",
                "The carrier's code for us, in every row of our files; empty: it has given us none.",
                ("1 to 20 of 0-9 A-Z -, or empty", _or_none, lambda value: value or ""),
            ),
        ),
    ),
    *group(
        "when",
        (
            ("calendar", "営業日", "The days on which it works, and in which shipping days are counted.", members(CalendarKind)),
            (
                "ship_days",
                "発送の標準日数",
                "Standard days from the delivery instruction until the goods have left: planned dates rest on it.",
                count(0, MAX_SHIP_DAYS),
            ),
            (
                "overdue_days",
                "不明とする日数",
                "Days, every day counted, after an instruction was sealed, before silence is UNKNOWN.",
                count(1, MAX_OVERDUE_DAYS),
            ),
        ),
    ),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def read_change(written: str) -> tuple[str, Any]:
    """`name=value` as a person writes it: the column and its value; (`address.path`, text) and (`word.配達済`, kind or None) stand for parts.

    Raises `NotASetting` for a name or a value that there is not.
    """
    if written.strip().startswith(WORD):
        return read_word(written.strip().removeprefix(WORD))
    name, value = split(written)
    if name.startswith(connectors.ADDRESS):
        return name, connectors.read_part(name, value)
    return name, value_of(_BY_NAME, name, value, name, (WORD,))


def read_word(written: str) -> tuple[str, str | None]:
    """`配達済=delivered` as a person writes it: (`word.配達済`, kind). `配達済=` takes the word away: None. Raises `NotASetting`."""
    word, equals, kind = (part.strip() for part in written.rpartition("="))
    if not equals:
        raise NotASetting(f"{written!r} is not word=event")
    if kind and kind not in KINDS:
        raise NotASetting(f"{kind!r} is none of {', '.join(KINDS)}")
    return f"{WORD}{word}", kind or None


def changed(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A carrier after changes, as `read_change` reads them."""
    words = dict(before["status_words"])
    for name, kind in changes.items():
        if name.startswith(WORD):
            words[name.removeprefix(WORD)] = kind
    rest = {name: value for name, value in changes.items() if not name.startswith(WORD)}
    return connectors.changed(before, rest) | {"status_words": {word: kind for word, kind in words.items() if kind is not None}}


def problems(carrier: Mapping[str, Any]) -> list[Mistake]:
    """Everything that cannot be so about a carrier, by its columns. Empty: it may be saved."""
    return [*_who(carrier), *connectors.mistakes("carrier", carrier["connector"], carrier["address"]), *_when(carrier), *_words(carrier)]


def _who(carrier: Mapping[str, Any]) -> Iterable[Mistake]:
    if not _CARRIER_ID.fullmatch(carrier["carrier_id"]):
        yield Mistake("carrier_id", "a carrier's ID has 1 to 40 of a-z, 0-9 and -")
    yield from name_mistakes(carrier["name"])
    if carrier["billing_code"] is not None and not _BILLING_CODE.fullmatch(carrier["billing_code"]):
        yield Mistake("billing_code", "has 1 to 20 of 0-9, A-Z and -, and no - in front")


def _when(carrier: Mapping[str, Any]) -> Iterable[Mistake]:
    if carrier["calendar"] not in set(CalendarKind):
        yield Mistake("calendar", f"is one of {', '.join(member.name.lower() for member in CalendarKind)}")
    if not 0 <= carrier["ship_days"] <= MAX_SHIP_DAYS:
        yield Mistake("ship_days", f"days are 0 to {MAX_SHIP_DAYS}")
    if not 1 <= carrier["overdue_days"] <= MAX_OVERDUE_DAYS:
        yield Mistake("overdue_days", f"days are 1 to {MAX_OVERDUE_DAYS}")


def _words(carrier: Mapping[str, Any]) -> Iterable[Mistake]:
    words = carrier["status_words"]
    if len(words) > MAX_WORDS:
        yield Mistake("word", f"a carrier has at most {MAX_WORDS} words of its own")
    for word, kind in words.items():
        name = f"{WORD}{word:.{MAX_WORD}}"
        if kind not in KINDS:
            yield Mistake(name, f"is one of {', '.join(KINDS)}")
        if not is_word(word):
            yield Mistake(name, f"a word has 1 to {MAX_WORD} visible characters, no comma and no quote among them")
        elif not _arrives(word):
            yield Mistake(name, "no file in Shift_JIS can hold this word; copy it from one of the carrier's")


def _arrives(word: str) -> bool:
    try:
        word.encode(CHARSET)
    except UnicodeEncodeError:
        return False
    return True
