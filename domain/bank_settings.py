"""A bank is settings (金融機関の設定): every one of them once, with its meaning, how people write it, and what it may be.

No two banks agree on anything, so nothing about a bank stands in the code. `kessai bank show` and `bank set`, the check before a bank is
saved and docs/banks.md all come from this table; the names are the columns of table `bank`. What two settings mean together is checked by
`problems`; the database holds the same limits once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from domain import connectors
from domain.bank_names import Format
from domain.money import MAX_BATCH_AMOUNT, MAX_BATCH_LINES, MAX_LINE
from domain.setting import (
    AT,
    DAYS,
    MAX_DAYS,
    SWITCH,
    Mistake,
    Setting,
    count,
    group,
    members,
    name_mistakes,
    one_of,
    split,
    text,
    upto,
    value_of,
)
from domain.statuses import CalendarKind, FilesPerDate, ShiftRule

MAX_CALL_LINES = 10_000
"""Instructions in one call to a bank (docs/bank-api.yaml)."""

FRAMINGS = ("crlf", "none", "inside_crlf", "inside_cr")
"""How records follow each other in what we write; what comes is recognised by itself."""

ENCODINGS = ("jis", "ebcdic")
"""コード区分 0 and 1."""

KANA = re.compile("[0-9A-Zｱ-ﾝﾞﾟ-]{1,15}")
"""A bank's name as bank files hold it (銀行名): half-width, 15 bytes."""

MAX_MINUTES = 24 * 60 - 1


SETTINGS: tuple[Setting, ...] = (
    *group(
        "who it is",
        (
            ("name", "名称", "Its name, as people read it.", text()),
            ("kana", "カナ名称", "Its name in bank files.", text("half-width kana, 15 at most")),
        ),
    ),
    *group(
        "how it is reached",
        (
            ("connector", "接続方式", "The transport; `address.<part>=...` says where.", connectors.CONNECTOR),
            (
                "format",
                "ファイル形式",
                "What it is written to in: Zengin records, ISO 20022 messages, or (exactly where it is called over HTTP) JSON.",
                one_of({name.value: name.value for name in Format}),
            ),
            ("deduplicates", "再送識別", "It answers a known name with the first receipt: the same bytes may go again.", SWITCH),
        ),
    ),
    *group(
        "when",
        (
            ("calendar", "営業日", "The days on which it works, and in which days are counted.", members(CalendarKind)),
            ("shift_rule", "休日シフト", "What becomes of a due date on a day on which it does not work.", members(ShiftRule)),
            ("debit_deadline", "口座振替の締切", "When a debit file (91) must be there.", AT),
            ("debit_lead_days", "口座振替のリード日数", "So many days before the debit date, that day not counted.", DAYS),
            ("credit_deadline", "総合振込の締切", "When a file of credits (21) must be there.", AT),
            ("credit_lead_days", "総合振込のリード日数", "So many days before its execution date.", DAYS),
            ("seal_before_minutes", "締切前の余裕", "Minutes before a deadline at which we seal.", count(0, MAX_MINUTES)),
            ("result_days", "結果の日数", "Days after the debit date on which its result comes.", DAYS),
            ("result_time", "結果の時刻", "When on that day.", AT),
            ("statement_time", "明細の時刻", "When a day's statement (03) comes, on the next day.", AT),
            ("overdue_days", "不明とする日数", "Days after an answer was due, before silence is UNKNOWN.", DAYS),
            ("files_per_debit_date", "振替日ごとのファイル数", "Debit files it takes for one date.", members(FilesPerDate)),
            ("accepts_ahead_days", "受付開始の日数", "With SEVERAL: how many days before the date it takes files at the earliest.", DAYS),
            ("payout_days", "清算の標準日数", "As main bank: standard days of a payout.", DAYS),
        ),
    ),
    *group(
        "its files",
        (
            ("framing", "改行", "How records follow each other in what we write.", one_of({name: name for name in FRAMINGS})),
            ("encoding", "文字コード", "The characters of its files: JIS (0) or EBCDIC (1).", one_of({name: name for name in ENCODINGS})),
            (
                "tolerant",
                "読取りの厳格さ",
                "How its files are read: to the byte, or with LF, CR and stripped spaces forgiven.",
                one_of({"strict": False, "tolerant": True}),
            ),
            (
                "failed_only",
                "結果明細データ作成区分",
                "Lines of its results: all of them, or only those that failed (then a missing line was debited).",
                one_of({"all": False, "failed_only": True}),
            ),
        ),
    ),
    *group(
        "limits",
        (
            ("max_lines", "件数の上限", "Lines a file.", upto(MAX_BATCH_LINES)),
            ("max_yen", "合計金額の上限", "Yen a file.", upto(MAX_BATCH_AMOUNT)),
            ("max_line_yen", "明細金額の上限", "Yen a line.", upto(MAX_LINE)),
        ),
    ),
    *group(
        "what it can do",
        (
            ("scheduled_debits", "期日振替", "It takes debits for a due date.", SWITCH),
            ("direct_debits", "直接決済", "It can credit a seller's own account (direct mode).", SWITCH),
            ("splits_fees", "手数料の分割", "It can split the fees off a direct settlement.", SWITCH),
            (
                "recalls",
                "組戻・取下げ",
                "It can give an instruction back that it has accepted. Noted for people: nothing here asks for one yet.",
                SWITCH,
            ),
            ("statements", "入出金明細", "It sends statements (03); without them no main account can be here.", SWITCH),
        ),
    ),
    *group(
        "before sending",
        (("approves_totals", "送信前の承認", "A person approves count, amount and hash of each file before it goes.", SWITCH),),
    ),
)

ALIASES: Mapping[str, str] = {"reader": "tolerant", "result_shape": "failed_only"}
"""Words that people use for settings whose column is a yes or no."""
WORDS_FOR: Mapping[str, str] = {column: word for word, column in ALIASES.items()}
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def read_change(written: str) -> tuple[str, Any]:
    """`name=value` as a person writes it: the column and its value; an address part comes as (`address.path`, text).

    Raises `NotASetting` for a name or a value that there is not.
    """
    name, value = split(written)
    name = ALIASES.get(name, name)
    if name.startswith(connectors.ADDRESS):
        return name, connectors.read_part(name, value)
    return name, value_of(_BY_NAME, name, value, shown_name(name), ALIASES)


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
    found = [*_who(bank), *connectors.mistakes("bank", bank["connector"], bank["address"]), *_format(bank), *_when(bank), *_files(bank)]
    if bank["splits_fees"] and not bank["direct_debits"]:
        found.append(Mistake("splits_fees", "fees are split off direct settlements, and direct_debits is no"))
    return found


def _who(bank: Mapping[str, Any]) -> Iterable[Mistake]:
    code = bank["bank_code"]
    if not (len(code) == 4 and code.isascii() and code.isdecimal()) or code in ("0000", "9999"):
        yield Mistake("bank_code", "a bank code has four digits, and is not 0000 or 9999")
    yield from name_mistakes(bank["name"])
    if not KANA.fullmatch(bank["kana"]):
        yield Mistake("kana", "a bank's name in files has 1 to 15 of ｱ-ﾝ (large), ﾞ, ﾟ, A-Z, 0-9 and -; kessai zengin kana NAME converts")


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
