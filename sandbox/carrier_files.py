"""CSV as carriers in Japan exchange it (docs/wire.md section 6): shipments in, results and statuses out.

Shift_JIS as Windows writes it, every field in quotes, CRLF after every row, columns found by their names. A file that cannot
be read as such is Unreadable as a whole; a row that can be read and not carried has its reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.plans import EVENT_TYPES

CODE_PAGE = "cp932"
MAX_SHIPMENTS = 1000
MAX_STATUS_ROWS = 20_000

REFERENCE, TRACKING = "お客様管理番号", "伝票番号"
RESULT_COLUMNS = (REFERENCE, TRACKING, "結果", "理由")
STATUS_COLUMNS = (REFERENCE, TRACKING, "状況", "日付", "時刻", "備考")
TAKEN, NOT_TAKEN = "受付", "エラー"
WORDS: Mapping[str, str] = dict(
    zip(EVENT_TYPES, ("荷物受付", "引受不可", "発送済み", "輸送中", "配達完了", "ご不在", "返品", "紛失", "出荷中止"), strict=True)
)
"""What this carrier calls the events, where its configuration has no words of its own."""
REASONS: Mapping[str, str] = {
    "not carried by this carrier": "取扱不可",
    "this shipment is known already": "二重登録",
    "damaged before pick-up": "集荷前破損",
    "cancelled by the sender": "ご依頼主取消",
    "refused by the receiver": "受取拒否",
    "not found": "所在不明",
    "nobody was there": "ご不在",
}
"""Reasons of the plans, as a row says them; any other is said as it is."""

_ADDRESSES, _NAMES, _GOODS = range(1, 5), range(1, 4), range(1, 6)
_PIECE, _ORDER, _POSTAL = 32, 64, 16  # bytes
_FORMULA = "=+-@"


def _columns() -> dict[str, int]:
    """What a shipment's row has, and how many bytes each may be."""
    widths = {REFERENCE: 20, "送り状種別": 1, "クール区分": 1, TRACKING: 12, "出荷予定日": 10, "お届け予定日": 10, "配達時間帯": 8}
    for party in ("お届け先", "ご依頼主"):
        widths[f"{party}郵便番号"] = _POSTAL
        widths |= {f"{party}住所{n}": _PIECE for n in _ADDRESSES} | {f"{party}名称{n}": _PIECE for n in _NAMES}
        if party == "お届け先":
            widths["敬称"] = 4
    widths |= {f"品名{n}": _PIECE for n in _GOODS}
    return widths | {"出荷個数": 4, "代引金額": 7, "注文番号": _ORDER, "請求先顧客コード": 20}


SHIPMENT_COLUMNS: Mapping[str, int] = _columns()
_FIXED = {
    "送り状種別": "0",
    "クール区分": "0",
    TRACKING: "",
    "お届け予定日": "",
    "配達時間帯": "",
    "敬称": "様",
    "出荷個数": "1",
    "代引金額": "0",
}
_NEEDED = ("お届け先住所1", "お届け先名称1", "ご依頼主住所1", "ご依頼主名称1", "品名1", "注文番号")
_DIGITS = re.compile(r"[0-9]{20}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FIELD = re.compile(r'"((?:[^"]|"")*)"(,|\r\n)')


def is_writable(text: Any, most: int) -> bool:
    """Is it text of 1 to `most` visible characters that the code page has?"""
    try:
        return isinstance(text, str) and 1 <= len(text) <= most and text.isprintable() and bool(text.encode(CODE_PAGE))
    except UnicodeEncodeError:
        return False


class Unreadable(Exception):
    """No file of this kind; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One shipment as its row has it. `mistakes`: why it cannot be carried; empty when it can."""

    reference: str
    number: str
    load: Mapping[str, Any] = field(repr=False)
    mistakes: Sequence[str]

    @property
    def words(self) -> list[str]:
        """The words of its goods, in order: among them the models."""
        return [word for goods in self.load["goods"] for word in goods.split()]


def read_table(content: bytes) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the rows. Raises Unreadable."""
    try:
        text = content.decode(CODE_PAGE)
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start} is not {CODE_PAGE}") from None
    rows: list[list[str]] = [[]]
    end = 0
    while end < len(text):
        found = _FIELD.match(text, end)
        if found is None:
            raise Unreadable(f"row {len(rows)}, field {len(rows[-1]) + 1}: not in quotes, or the row does not end with CRLF")
        rows[-1].append(found[1].replace('""', '"'))
        end = found.end()
        if found[2] != ",":
            rows.append([])
    if rows.pop():
        raise Unreadable("the last row does not end with CRLF")
    if not rows:
        raise Unreadable("there is nothing in it")
    header, *rest = rows
    for number, row in enumerate(rest, 2):
        if len(row) != len(header):
            raise Unreadable(f"row {number} has {len(row)} fields and not {len(header)}")
    return header, rest


def read_shipments(content: bytes, billing_code: str | None) -> list[Row]:
    """The shipments of a file, in order. `billing_code`: the sender's, when it is looked at. Raises Unreadable."""
    header, rows = read_table(content)
    if missing := [name for name in SHIPMENT_COLUMNS if header.count(name) != 1]:
        raise Unreadable(f"columns missing, or twice there: {', '.join(missing)}")
    if not 1 <= len(rows) <= MAX_SHIPMENTS:
        raise Unreadable(f"{len(rows)} shipments; there are 1 to {MAX_SHIPMENTS} in a file")
    return [_row(dict(zip(header, row, strict=True)), billing_code) for row in rows]


def _row(said: Mapping[str, str], billing_code: str | None) -> Row:
    def party(name: str) -> dict[str, str | None]:
        return {
            "name": "".join(said[f"{name}名称{n}"] for n in _NAMES),
            "postal_code": said[f"{name}郵便番号"] or None,
            "address": "".join(said[f"{name}住所{n}"] for n in _ADDRESSES),
        }

    goods = [said[f"品名{n}"] for n in _GOODS if said[f"品名{n}"]]
    load = {"ship_from": party("ご依頼主"), "ship_to": party("お届け先"), "goods": goods}
    return Row(said[REFERENCE], said["注文番号"], load, _mistakes(said, billing_code))


def _mistakes(said: Mapping[str, str], billing_code: str | None) -> list[str]:
    """Why a row cannot be carried: each reason with its column."""
    found: list[str] = []
    for name, width in SHIPMENT_COLUMNS.items():
        if value := said[name]:
            found += [f"{name}:{width}バイト超過"] if len(value.encode(CODE_PAGE)) > width else []
            found += [f"{name}:制御文字"] if _CONTROL.search(value) else []
            found += [f"{name}:数式"] if value[0] in _FORMULA else []
    found += [f"{name}:必須" for name in _NEEDED if not said[name]]
    found += [f"{name}:値不正" for name, value in _FIXED.items() if said[name] != value]
    if not _DIGITS.fullmatch(said[REFERENCE]):
        found.append(f"{REFERENCE}:20桁の数字")
    if not _is_date(said["出荷予定日"]):
        found.append("出荷予定日:日付不正")
    if billing_code is not None and said["請求先顧客コード"] != billing_code:
        found.append("請求先顧客コード:契約なし")
    return found


def _is_date(text: str) -> bool:
    try:
        return f"{datetime.strptime(text, '%Y/%m/%d'):%Y/%m/%d}" == text  # noqa: DTZ007 -- a date, and no instant
    except ValueError:
        return False


# -- what goes out ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """What is to be written: the columns, and the rows in order."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]] = field(repr=False)

    def write(self) -> bytes:
        """The file."""
        return b"".join(map(written_row, (self.columns, *self.rows)))


def written_row(fields: Iterable[str]) -> bytes:
    """One row with its CRLF. Raises UnicodeEncodeError for what the code page has not."""
    return (",".join('"' + value.replace('"', '""') + '"' for value in fields) + "\r\n").encode(CODE_PAGE)


def status_row(event: Mapping[str, Any], words: Mapping[str, str]) -> tuple[str, ...]:
    """One event as a row. The hour is told of a failed attempt: somebody may have waited for it."""
    kind, reason = event["type"], event["reason"]
    return (
        event["shipment_id"],
        event["tracking_number"],
        words.get(kind, WORDS[kind]),
        event["occurred_on"].replace("-", "/"),
        event["at"] if kind == "attempt_failed" else "",
        REASONS.get(reason, reason) if reason else "",
    )


_FOREIGN = "99999999999999999999"
_EXTRA = {"営業所コード": "099", "メモ": 'サンドボックス,"見本"'}


def shaped(table: Table, action: Mapping[str, Any]) -> bytes:
    """The file as rules of misbehaviour want it (docs/sandbox.md); what is changed in one row is changed in the first."""
    columns, rows = table.columns, list(table.rows)
    if "unknown_word" in action:
        rows[0] = _with(columns, rows[0], "状況", str(action["unknown_word"]))
    if action.get("missing_date"):
        rows[0] = _with(columns, rows[0], "日付", "")
    if action.get("unknown_line"):
        rows.append(_with(columns, rows[0], REFERENCE, _FOREIGN))
    if action.get("duplicate_line"):
        rows.append(rows[0])
    if action.get("missing_line"):
        del rows[0]
    if action.get("shuffled"):
        rows = [(*reversed(row), *_EXTRA.values()) for row in reversed(rows)]
        columns = (*reversed(columns), *_EXTRA)
    if action.get("garbage"):
        return b"\x00\xff<html>\r\n"
    lines = [written_row(row) for row in (columns, *rows)]
    if action.get("torn_line") and len(lines) > 1:
        lines[1] = lines[1][: len(lines[1]) // 2] + b"\r\n"
    if action.get("truncated"):
        lines[-1] = lines[-1][: len(lines[-1]) // 2]
    return b"".join(lines)


def _with(columns: Sequence[str], row: tuple[str, ...], name: str, value: str) -> tuple[str, ...]:
    """The row with another value in a column, where the table has it."""
    return tuple(value if column == name else old for column, old in zip(columns, row, strict=True))
