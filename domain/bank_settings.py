"""A bank is settings (金融機関の設定): every one of them once, with its meaning, how people write it, and what it may be.

No two banks agree on anything, so nothing about a bank stands in the code. `kessai bank show` and `bank set`, the check before a bank is
saved and docs/banks.md all come from this table; the names are the columns of table `bank`. What two settings mean together is checked by
`problems`; the database holds the same limits once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import time
from enum import IntEnum
from typing import Any
from urllib.parse import urlsplit

from domain import signing
from domain.bank_names import Format
from domain.money import MAX_BATCH_AMOUNT, MAX_BATCH_LINES, MAX_LINE
from domain.statuses import CalendarKind, FilesPerDate, ShiftRule

CONNECTORS: Mapping[str, frozenset[str]] = {
    "directory": frozenset({"path"}),
    "sftp": frozenset({"host", "port", "user", "key_file", "known_host"}),
    "http": frozenset({"url", "secret"}),
}
"""The transports, and what an address of each must say."""

SECRET_PARTS = frozenset({"secret"})
"""Parts of an address that are shown to nobody."""

MAX_CALL_LINES = 10_000
"""Instructions in one call to a bank (docs/bank-api.yaml)."""

FRAMINGS = ("crlf", "none", "inside_crlf", "inside_cr")
"""How records follow each other in what we write; what comes is recognised by itself."""

ENCODINGS = ("jis", "ebcdic")
"""コード区分 0 and 1."""

KANA = re.compile("[0-9A-Zｱ-ﾝﾞﾟ-]{1,15}")
"""A bank's name as bank files hold it (銀行名): half-width, 15 bytes."""

MIN_KEY = 24  # bytes of a signing key
MAX_DAYS = 60
MAX_MINUTES = 24 * 60 - 1


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
    """Something about a bank that cannot be so: which setting, and why, in a sentence."""

    name: str
    reason: str

    def __str__(self) -> str:
        """Both, for people."""
        return f"{self.name}: {self.reason}"


# -- how values are written ---------------------------------------------------------------------------------------------------------


def _number(text: str) -> int:
    plain = text.replace(",", "").replace("_", "")
    if not (plain.isascii() and plain.isdecimal()):
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


def _one_of(words: Mapping[str, Any]) -> tuple[str, Callable[[str], Any], Callable[[Any], str]]:
    back = {value: word for word, value in words.items()}

    def read(text: str) -> Any:
        if text.lower() not in words:
            raise NotASetting(f"{text!r} is none of {', '.join(words)}")
        return words[text.lower()]

    return " | ".join(words), read, lambda value: back.get(value, str(value))


def _members(kind: type[IntEnum]) -> tuple[str, Callable[[str], Any], Callable[[Any], str]]:
    return _one_of({member.name.lower(): int(member) for member in kind})


_DAYS = (f"0 to {MAX_DAYS}", _number, str)
_AT = ("a time of day, Asia/Tokyo", _time, lambda value: f"{value:%H:%M}")
_SWITCH = ("yes | no", _yes, lambda value: "yes" if value else "no")


def _upto(most: int) -> tuple[str, Callable[[str], Any], Callable[[Any], str]]:
    return f"1 to {most:,}", _number, lambda value: f"{value:,}"


def _shape(group: str, rows: Iterable[tuple[str, str, str, tuple[str, Callable[[str], Any], Callable[[Any], str]]]]) -> list[Setting]:
    return [Setting(name, group, japanese, words, *written) for name, japanese, words, written in rows]


SETTINGS: tuple[Setting, ...] = (
    *_shape(
        "who it is",
        (
            ("name", "名称", "Its name, as people read it.", ("text", _plain, str)),
            ("kana", "カナ名称", "Its name in bank files.", ("half-width kana, 15 at most", _plain, str)),
        ),
    ),
    *_shape(
        "how it is reached",
        (
            ("connector", "接続方式", "The transport; `address.<part>=...` says where.", _one_of({name: name for name in CONNECTORS})),
            (
                "format",
                "ファイル形式",
                "What it is written to in: Zengin records, ISO 20022 messages, or (exactly where it is called over HTTP) JSON.",
                _one_of({name.value: name.value for name in Format}),
            ),
            ("deduplicates", "再送識別", "It answers a known name with the first receipt: the same bytes may go again.", _SWITCH),
        ),
    ),
    *_shape(
        "when",
        (
            ("calendar", "営業日", "The days on which it works, and in which days are counted.", _members(CalendarKind)),
            ("shift_rule", "休日シフト", "What becomes of a due date on a day on which it does not work.", _members(ShiftRule)),
            ("debit_deadline", "口座振替の締切", "When a debit file (91) must be there.", _AT),
            ("debit_lead_days", "口座振替のリード日数", "So many days before the debit date, that day not counted.", _DAYS),
            ("credit_deadline", "総合振込の締切", "When a file of credits (21) must be there.", _AT),
            ("credit_lead_days", "総合振込のリード日数", "So many days before its execution date.", _DAYS),
            ("seal_before_minutes", "締切前の余裕", "Minutes before a deadline at which we seal.", (f"0 to {MAX_MINUTES}", _number, str)),
            ("result_days", "結果の日数", "Days after the debit date on which its result comes.", _DAYS),
            ("result_time", "結果の時刻", "When on that day.", _AT),
            ("statement_time", "明細の時刻", "When a day's statement (03) comes, on the next day.", _AT),
            ("overdue_days", "不明とする日数", "Days after an answer was due, before silence is UNKNOWN.", _DAYS),
            ("files_per_debit_date", "振替日ごとのファイル数", "Debit files it takes for one date.", _members(FilesPerDate)),
            ("accepts_ahead_days", "受付開始の日数", "With SEVERAL: how many days before the date it takes files at the earliest.", _DAYS),
            ("payout_days", "清算の標準日数", "As main bank: standard days of a payout.", _DAYS),
        ),
    ),
    *_shape(
        "its files",
        (
            ("framing", "改行", "How records follow each other in what we write.", _one_of({name: name for name in FRAMINGS})),
            ("encoding", "文字コード", "The characters of its files: JIS (0) or EBCDIC (1).", _one_of({name: name for name in ENCODINGS})),
            (
                "tolerant",
                "読取りの厳格さ",
                "How its files are read: to the byte, or with LF, CR and stripped spaces forgiven.",
                _one_of({"strict": False, "tolerant": True}),
            ),
            (
                "failed_only",
                "結果明細データ作成区分",
                "Lines of its results: all of them, or only those that failed (then a missing line was debited).",
                _one_of({"all": False, "failed_only": True}),
            ),
        ),
    ),
    *_shape(
        "limits",
        (
            ("max_lines", "件数の上限", "Lines a file.", _upto(MAX_BATCH_LINES)),
            ("max_yen", "合計金額の上限", "Yen a file.", _upto(MAX_BATCH_AMOUNT)),
            ("max_line_yen", "明細金額の上限", "Yen a line.", _upto(MAX_LINE)),
        ),
    ),
    *_shape(
        "what it can do",
        (
            ("scheduled_debits", "期日振替", "It takes debits for a due date.", _SWITCH),
            ("direct_debits", "直接決済", "It can credit a seller's own account (direct mode).", _SWITCH),
            ("splits_fees", "手数料の分割", "It can split the fees off a direct settlement.", _SWITCH),
            ("recalls", "組戻・取下げ", "It can give an instruction back that it has accepted.", _SWITCH),
            ("statements", "入出金明細", "It sends statements (03); without them no main account can be here.", _SWITCH),
        ),
    ),
    *_shape(
        "before sending",
        (("approves_totals", "送信前の承認", "A person approves count, amount and hash of each file before it goes.", _SWITCH),),
    ),
)

ALIASES: Mapping[str, str] = {"reader": "tolerant", "result_shape": "failed_only"}
"""Words that people use for settings whose column is a yes or no."""
WORDS_FOR: Mapping[str, str] = {column: word for word, column in ALIASES.items()}
_BY_NAME = {setting.name: setting for setting in SETTINGS}
ADDRESS = "address."


def read_change(text: str) -> tuple[str, Any]:
    """`name=value` as a person writes it: the column and its value; an address part comes as (`address.path`, text).

    Raises `NotASetting` for a name or a value that there is not.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    name = ALIASES.get(name, name)
    if not equals:
        raise NotASetting(f"{text!r} is not name=value")
    if name.startswith(ADDRESS):
        part = name.removeprefix(ADDRESS)
        if part not in frozenset().union(*CONNECTORS.values()):
            raise NotASetting(f"no address has a part {part!r}")
        return name, _number(value) if part == "port" else value
    setting = _BY_NAME.get(name)
    if setting is None:
        near = [word for word in (*_BY_NAME, *ALIASES) if word.startswith(name[:3])]
        raise NotASetting(f"there is no setting {name!r}" + (f"; there is {', '.join(near)}" if near else ""))
    try:
        return name, setting.read(value)
    except NotASetting as error:
        raise NotASetting(f"{shown_name(name)}: {error}") from None


def shown_address(address: Mapping[str, Any]) -> dict[str, Any]:
    """An address as it may be shown: without its secrets."""
    return {part: "***" if part in SECRET_PARTS else value for part, value in address.items()}


def shown_name(column: str) -> str:
    """The name under which people know a column."""
    return WORDS_FOR.get(column, column)


# -- what may be --------------------------------------------------------------------------------------------------------------------

_DAY_SETTINGS = (
    "debit_lead_days", "credit_lead_days", "result_days", "overdue_days", "accepts_ahead_days", "payout_days",
)  # fmt: skip
_LIMITS = {"max_lines": MAX_BATCH_LINES, "max_yen": MAX_BATCH_AMOUNT, "max_line_yen": MAX_LINE}


def problems(bank: Mapping[str, Any]) -> list[Mistake]:
    """Everything that cannot be so about a bank, by its columns (`address` as a mapping, times as times). Empty: it may be saved."""
    found = [*_who(bank), *_where(bank), *_format(bank), *_when(bank), *_files(bank)]
    if bank["splits_fees"] and not bank["direct_debits"]:
        found.append(Mistake("splits_fees", "fees are split off direct settlements, and direct_debits is no"))
    return found


def _who(bank: Mapping[str, Any]) -> Iterable[Mistake]:
    code = bank["bank_code"]
    if not (len(code) == 4 and code.isascii() and code.isdecimal()) or code in ("0000", "9999"):
        yield Mistake("bank_code", "a bank code has four digits, and is not 0000 or 9999")
    if not bank["name"].strip() or not bank["name"].isprintable() or len(bank["name"]) > 100:
        yield Mistake("name", "a name has 1 to 100 printable characters")
    if not KANA.fullmatch(bank["kana"]):
        yield Mistake("kana", "a bank's name in files has 1 to 15 of ｱ-ﾝ (large), ﾞ, ﾟ, A-Z, 0-9 and -; kessai zengin kana NAME converts")


def _where(bank: Mapping[str, Any]) -> Iterable[Mistake]:
    wanted = CONNECTORS.get(bank["connector"])
    if wanted is None:
        yield Mistake("connector", f"a bank is reached by {' or '.join(CONNECTORS)}, not by {bank['connector']}")
        return
    address = bank["address"]
    if missing := wanted - {part for part, value in address.items() if value not in ("", None)}:
        yield Mistake("address", f"the address of a {bank['connector']} bank lacks {', '.join(sorted(missing))}")
    elif bank["connector"] == "sftp" and not 0 < int(address["port"]) < 65536:
        yield Mistake("address.port", "a port is 1 to 65535")
    elif bank["connector"] == "http":
        yield from _called(address)


def _called(address: Mapping[str, Any]) -> Iterable[Mistake]:
    where = urlsplit(str(address["url"]))
    if where.scheme not in ("http", "https") or not where.hostname or where.query or where.fragment or where.username:
        yield Mistake("address.url", "a bank's API has an address such as https://bank.example/kessai, without a name or a question in it")
    elif where.scheme == "http" and where.hostname not in ("127.0.0.1", "::1", "localhost"):
        yield Mistake("address.url", "calls leave this machine by https only")
    try:
        short = any(len(signing.key_of(secret)) < MIN_KEY for secret in str(address["secret"]).split())
    except ValueError:
        short = True
    if short:
        yield Mistake(
            "address.secret", f"a secret is whsec_ and the base64 of {MIN_KEY} bytes or more; two stand side by side while one is changed"
        )


def _when(bank: Mapping[str, Any]) -> Iterable[Mistake]:
    for name in _DAY_SETTINGS:
        if not 0 <= bank[name] <= MAX_DAYS:
            yield Mistake(name, f"days are 0 to {MAX_DAYS}")
    if not 0 <= bank["seal_before_minutes"] <= MAX_MINUTES:
        yield Mistake("seal_before_minutes", f"minutes are 0 to {MAX_MINUTES}")
    for name, kind in (("calendar", CalendarKind), ("shift_rule", ShiftRule), ("files_per_debit_date", FilesPerDate)):
        if bank[name] not in set(kind):
            yield Mistake(name, f"is one of {', '.join(member.name.lower() for member in kind)}")
    if bank["overdue_days"] == 0 and bank["result_days"] == 0:
        yield Mistake("overdue_days", "a result of the same day that is UNKNOWN at once would never be waited for")
    if bank["files_per_debit_date"] == FilesPerDate.SEVERAL and bank["accepts_ahead_days"] < bank["debit_lead_days"]:
        yield Mistake("accepts_ahead_days", "a bank that takes files later than its own deadline takes none: not below debit_lead_days")


def _format(bank: Mapping[str, Any]) -> Iterable[Mistake]:
    if bank["format"] not in set(Format):
        yield Mistake("format", f"is one of {', '.join(Format)}")
        return
    if (bank["connector"] == "http") != (bank["format"] == Format.JSON):
        yield Mistake("format", "json is what goes over http, and nothing else goes over it")
    if bank["format"] != Format.ZENGIN and bank["failed_only"]:
        yield Mistake("failed_only", f"a result in {bank['format']} has all lines")
    if bank["format"] != Format.ZENGIN and bank["encoding"] != "jis":
        yield Mistake("encoding", f"{bank['format']} is written in UTF-8; ebcdic is for Zengin records")
    if bank["format"] == Format.JSON and bank["max_lines"] > MAX_CALL_LINES:
        yield Mistake("max_lines", f"a call has at most {MAX_CALL_LINES:,} instructions")


def _files(bank: Mapping[str, Any]) -> Iterable[Mistake]:
    if bank["framing"] not in FRAMINGS:
        yield Mistake("framing", f"is one of {', '.join(FRAMINGS)}; LF and CR alone are read, never written")
    if bank["encoding"] not in ENCODINGS:
        yield Mistake("encoding", f"is one of {', '.join(ENCODINGS)}")
    for name, most in _LIMITS.items():
        if not 1 <= bank[name] <= most:
            yield Mistake(name, f"is 1 to {most:,}")
    if bank["max_line_yen"] > bank["max_yen"]:
        yield Mistake("max_line_yen", "a line cannot hold more than its file (max_yen)")
