"""CSV to and from carriers (docs/wire.md section 6): shipments to bytes, and a carrier's results and statuses back to rows.

What is written is fixed to the byte. What comes is read by the names of its columns, because every shipper's carrier exports them in an
order of its own; bytes that are no Shift_JIS, a torn quote or a missing column hold the whole file.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain import carrier_files, contract_id
from domain.carrier_files import ADDRESS_PIECES, CHARSET, GOODS_PIECES, MAX_ROWS, NAME_PIECES, Label, Party, event_of
from domain.findings import Place
from workers.formats.shapes import Unreadable

OURS = "お客様管理番号"
TRACKING = "伝票番号"
_RESULT, _REASON = "結果", "理由"
_WORD, _DAY, _TIME, _NOTE = "状況", "日付", "時刻", "備考"
_TAKEN = {"受付": True, "エラー": False}
_MAX_CELL = 500  # characters of a carrier's cell that are kept
_SHIPMENT = 20  # digits of our reference


def _columns(who: str, what: str, count: int) -> tuple[str, ...]:
    return tuple(f"{who}{what}{n}" for n in range(1, count + 1))


COLUMNS: tuple[str, ...] = (
    OURS,
    "送り状種別",
    "クール区分",
    TRACKING,
    "出荷予定日",
    "お届け予定日",
    "配達時間帯",
    "お届け先郵便番号",
    *_columns("お届け先", "住所", ADDRESS_PIECES),
    *_columns("お届け先", "名称", NAME_PIECES),
    "敬称",
    "ご依頼主郵便番号",
    *_columns("ご依頼主", "住所", ADDRESS_PIECES),
    *_columns("ご依頼主", "名称", NAME_PIECES),
    *_columns("", "品名", GOODS_PIECES),
    "出荷個数",
    "代引金額",
    "注文番号",
    "請求先顧客コード",
)
"""Of a file of ours, in this order."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A shipment that cannot be written: its ID, and which texts are why."""

    shipment_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """A file and what could not go into it."""

    content: bytes
    shipment_ids: list[str]
    left_out: list[LeftOut]


def write(shipments: Sequence[Mapping[str, Any]], day: date, billing_code: str | None) -> Written:
    """The file for these shipments (as `store.outgoing.shipments` gives them), the same bytes for the same shipments.

    Args:
        shipments: In their order.
        day: 出荷予定日.
        billing_code: The carrier's code for us.
    """
    text = io.StringIO(newline="")
    out = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    out.writerow(COLUMNS)
    written: list[str] = []
    left_out: list[LeftOut] = []
    for shipment in shipments:
        label = _label(shipment)
        faults = carrier_files.faults(label)
        if faults:
            left_out.append(LeftOut(shipment["shipment_id"], carrier_files.sentence(faults)))
            continue
        written.append(shipment["shipment_id"])
        out.writerow(_row(shipment["shipment_id"], label, day, billing_code))
    return Written(text.getvalue().encode(CHARSET), written, left_out)


def _label(shipment: Mapping[str, Any]) -> Label:
    sender, receiver = (
        Party(party["name"], party["postal_code"], party["address"]) for party in (shipment["ship_from"], shipment["ship_to"])
    )
    goods = [(line["name"], line["model"], line["quantity"]) for line in shipment["goods"]]
    return Label(shipment["number"], sender, receiver, goods)


def writable(shipment: Mapping[str, Any]) -> bool:
    """Whether a shipment is in the file: the same question gives the same answer when the file is answered."""
    return not carrier_files.faults(_label(shipment))


def _row(shipment_id: str, label: Label, day: date, billing_code: str | None) -> list[str]:
    cells = carrier_files.cells(label)
    return [
        shipment_id,
        "0",
        "0",
        "",
        f"{day:%Y/%m/%d}",
        "",
        "",
        *cells["buyer.postalCode"],
        *cells["buyer.address"],
        *cells["buyer.name"],
        "様",
        *cells["seller.postalCode"],
        *cells["seller.address"],
        *cells["seller.name"],
        *(cells["goods"] + [""] * GOODS_PIECES)[:GOODS_PIECES],
        "1",
        "0",
        *cells["number"],
        billing_code or "",
    ]


# -- what comes back --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """One row of a result: whether the carrier takes the shipment."""

    row: int  # of the file, the names of the columns being the first
    shipment_id: str
    taken: bool
    tracking_number: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Happened:
    """One row of a status file that says something."""

    row: int
    shipment_id: str
    kind: str  # in the words of docs/wire.md section 2
    on: date
    tracking_number: str | None
    reason: str | None
    event_id: str  # the same row told again is the same event
    time: str  # 時刻 as it stands there; often empty


@dataclass(frozen=True, slots=True)
class Unheard:
    """A row of a status file that says nothing to us."""

    row: int
    column: str
    expected: str
    found: str

    def place(self) -> Place:
        """For the exceptions list."""
        return Place(self.row, None, None, self.column, "", self.expected, self.found)


@dataclass(frozen=True, slots=True)
class Statuses:
    """A status file: what it says, words that are in no table (with the rows), and rows that cannot be meant."""

    happened: list[Happened]
    words: dict[str, list[Unheard]]
    unheard: list[Unheard]


def read_results(data: bytes) -> list[Taken]:
    """The rows of a result. Raises Unreadable: a file with one bad row is taken in no part."""
    found: list[Taken] = []
    for row, cells in _rows(data, (OURS, TRACKING, _RESULT, _REASON)):
        taken = _TAKEN.get(cells[_RESULT])
        if taken is None:
            raise _wrong(row, _RESULT, " or ".join(_TAKEN), cells[_RESULT])
        if not is_shipment(cells[OURS]):
            raise _wrong(row, OURS, "a reference of ours", cells[OURS])
        found.append(Taken(row, cells[OURS], taken, cells[TRACKING] or None, cells[_REASON] or None))
    return found


def read_statuses(data: bytes, own_words: Mapping[str, str]) -> Statuses:
    """The rows of a status file, each for itself. Raises Unreadable for bytes that are no such file.

    Args:
        data: The file.
        own_words: The carrier's own words, beside the common ones.
    """
    found = Statuses([], {}, [])
    for row, cells in _rows(data, (OURS, TRACKING, _WORD, _DAY), (_TIME, _NOTE)):
        word, day = cells[_WORD], _date(cells[_DAY])
        kind = event_of(word, own_words)
        if not is_shipment(cells[OURS]):
            found.unheard.append(Unheard(row, OURS, "a reference of ours", _short(cells[OURS])))
        elif day is None:
            found.unheard.append(Unheard(row, _DAY, "YYYY/MM/DD", _short(cells[_DAY])))
        elif kind is None and not carrier_files.is_word(word):
            found.unheard.append(Unheard(row, _WORD, f"a word of 1 to {carrier_files.MAX_WORD} characters", _short(word)))
        elif kind is None:
            found.words.setdefault(word, []).append(Unheard(row, _WORD, "a word that is known", _short(word)))
        else:
            time, note = cells.get(_TIME, ""), cells.get(_NOTE) or None
            name = "/".join((cells[OURS], kind, f"{day:%Y%m%d}", time))
            found.happened.append(Happened(row, cells[OURS], kind, day, cells[TRACKING] or None, note, name, time))
        if len(found.words) > carrier_files.MAX_STRANGE_WORDS:
            raise Unreadable("MALFORMED", f"more than {carrier_files.MAX_STRANGE_WORDS} words of {_WORD} that are in no table")
    return found


def is_shipment(text: str) -> bool:
    """Whether it may be a reference of ours: twenty digits, of which the first eighteen carry their check digit."""
    if not (len(text) == _SHIPMENT and text.isascii() and text.isdigit()):
        return False
    try:
        contract_id.parse(text[:18])
    except contract_id.BadContractId:
        return False
    return True


def _rows(data: bytes, wanted: tuple[str, ...], more: tuple[str, ...] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows by the names of their columns, counted from 1 with the names being the first; empty lines are passed over."""
    if data.count(b"\n") > MAX_ROWS + 1:
        raise Unreadable("TOO_LARGE", f"more than {MAX_ROWS:,} rows")
    lines = csv.reader(io.StringIO(_text(data), newline=""), strict=True)
    names: dict[str, int] = {}
    kept: list[tuple[str, int]] = []
    row = width = 0
    try:
        for row, cells in enumerate(lines, 1):
            if row > MAX_ROWS + 1:
                raise Unreadable("TOO_LARGE", f"more than {MAX_ROWS:,} rows")
            if not names:
                names = _names(cells, wanted)
                kept = [(name, at) for name, at in names.items() if name in (*wanted, *more)]
                width = 1 + max(names[name] for name in wanted)
            elif any(cells):
                if len(cells) < width:
                    raise Unreadable("MALFORMED", f"row {row} has {len(cells)} cells, too few for its columns")
                yield row, {name: cells[at].strip()[:_MAX_CELL] for name, at in kept if at < len(cells)}
    except csv.Error as error:
        raise Unreadable("MALFORMED", f"row {row + 1} is no CSV: {error}") from error
    if not names:
        raise Unreadable("MALFORMED", "the file is empty")


def _names(cells: list[str], wanted: tuple[str, ...]) -> dict[str, int]:
    names = [cell.strip() for cell in cells]
    missing = [name for name in wanted if names.count(name) != 1]
    if missing:
        raise Unreadable("MALFORMED", f"the first row does not name {', '.join(missing)} exactly once")
    return {name: at for at, name in enumerate(names) if name}


def _text(data: bytes) -> str:
    try:
        # Some carriers' new systems write UTF-8 and say so by its mark; without the mark it is Shift_JIS.
        return data.decode("utf-8-sig") if data.startswith(b"\xef\xbb\xbf") else data.decode(CHARSET)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable("MALFORMED", f"row {line}, byte {error.start + 1} of the file is no Shift_JIS") from error


def _date(text: str) -> date | None:
    year, _, rest = text.partition("/")
    month, _, day = rest.partition("/")
    if not (len(year) == 4 and all(part.isascii() and part.isdigit() and 0 < len(part) <= 4 for part in (year, month, day))):
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _wrong(row: int, column: str, expected: str, found: str) -> Unreadable:
    return Unreadable("MALFORMED", f"row {row}: {column} is not {expected}", [Unheard(row, column, expected, _short(found)).place()])


def _short(text: str) -> str:
    return text[:40]
