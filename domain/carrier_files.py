"""What a carrier is given as CSV (出荷データ) and gives back: names of files, words for what happens, and how text fits a label (docs/wire.md section 6).

One table says which texts of a contract stand on a label and how wide each is. Registration refuses by it, sealing writes by it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

CHARSET = "cp932"  # Shift_JIS as Windows writes it
PIECE = 32  # bytes: 16 full-width characters
ADDRESS_PIECES, NAME_PIECES, GOODS_PIECES = 4, 3, 5
MAX_NUMBER, MAX_POSTAL_CODE = 64, 16  # bytes of 注文番号 and 郵便番号
MAX_SHIPMENTS = 1_000  # rows of a file of ours
MAX_ROWS = 20_000  # of a file of the carrier's
MAX_WORD = 40  # characters of a word for what has happened
MAX_STRANGE_WORDS = 20  # in one file; with more of them the column is no column of words

WORDS: Mapping[str, str] = MappingProxyType(
    {
        word: kind
        for kind, words in {
            "accepted": "受付 荷物受付",
            "rejected": "引受不可",
            "picked_up": "集荷 発送 発送済み 出荷",
            "in_transit": "輸送中 中継 作業店通過 配達中 持出中 保管中",
            "delivered": "配達完了 お届け済み",
            "attempt_failed": "ご不在 不在 持戻 持戻り ご不在(持戻)",
            "returned": "返品 返送",
            "lost": "紛失",
            "cancelled": "出荷中止 キャンセル 取消",
        }.items()
        for word in words.split()
    }
)
"""状況 of a status file: which notice of docs/wire.md section 2 it is. A carrier's own words stand beside these."""

KINDS: tuple[str, ...] = tuple(dict.fromkeys(WORDS.values()))
"""What can happen to a shipment, in the words of docs/wire.md section 2."""


# -- names ------------------------------------------------------------------------------------------

_REQUEST = r"ship_[0-9]{18}\.csv"
_ANSWER = re.compile(rf"({_REQUEST})\.result(?:\.[0-9]{{1,3}})?\.csv")
_STATUS = re.compile(r"status_[0-9]{8}_[0-9]{3,6}\.csv")


def request_name(batch_id: int) -> str:
    """The name of what goes out."""
    return f"ship_{batch_id:018d}.csv"


def is_file(name: str) -> bool:
    """Whether a batch was sealed as a file; what goes as a call has its bare ID for a name."""
    return re.fullmatch(_REQUEST, name) is not None


def first_answers(request: str) -> list[str]:
    """The names of what a carrier may say first to a request."""
    return [f"{request}.result.csv"]


def answers(request: str) -> list[str]:
    """The names of all that it may say to it."""
    return first_answers(request) + [f"{request}.result.{n}.csv" for n in range(2, 1_000)]


def answered_batch(name: str) -> int:
    """The batch that a result answers. Raises ValueError for another name."""
    found = _ANSWER.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r:.80} is not the name of a result")
    return int(found[1][len("ship_") : -len(".csv")])


def kind_of(name: str) -> str:
    """What a file in out/ is, by its name: `shipped` (a result), `tracking` (statuses), or `other`."""
    if _ANSWER.fullmatch(name):
        return "shipped"
    return "tracking" if _STATUS.fullmatch(name) else "other"


# -- words ------------------------------------------------------------------------------------------


def is_word(text: str) -> bool:
    """Whether it may be a carrier's word for what has happened, and so can be made known as one of its own."""
    return 1 <= len(text) <= MAX_WORD and text.isprintable() and text == text.strip() and not set(text) & set(",\"'")


def event_of(word: str, own: Mapping[str, str]) -> str | None:
    """What a carrier's word says has happened; None for a word that is in no table. Its own words come first."""
    plain = unicodedata.normalize("NFKC", word).strip()
    return own.get(word.strip()) or own.get(plain) or WORDS.get(plain)


# -- text on a label --------------------------------------------------------------------------------

# One byte pair, two Unicode characters: Japanese keyboards make the left one on some systems, code page 932 knows the right one.
_TWINS = str.maketrans("〜−‖—¢£¬Å", "～－∥―￠￡￢\u212b")
_FORMULA = str.maketrans("=+-@", "＝＋－＠")  # a spreadsheet would run what begins so


class Unwritable(ValueError):
    """A text that cannot stand on a label: `character` is what the character set lacks; None: it is too long."""

    def __init__(self, character: str | None, limit: int) -> None:
        super().__init__(f"U+{ord(character[0]):04X} is not in the character set" if character else f"longer than {limit} bytes")
        self.character = character
        self.limit = limit  # bytes

    @property
    def in_words(self) -> str:
        """For a carrier's or an operator's eyes: which character, or how long it may be."""
        if self.character is None:
            return f"is longer than {self.limit // 2} full-width characters"
        shown = self.character if self.character.isprintable() else "a control character"
        return f"holds {shown} (U+{ord(self.character[0]):04X}), which Shift_JIS does not have"


@dataclass(frozen=True, slots=True)
class Party:
    """Who sends or receives, as a contract has it."""

    name: str
    postal_code: str | None
    address: str


@dataclass(frozen=True, slots=True)
class Label:
    """What of a contract stands on a label. `goods`: name, model, quantity."""

    number: str
    sender: Party
    receiver: Party
    goods: Sequence[tuple[str, str | None, int]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One text of a contract that cannot be written, by its place in a registration."""

    path: tuple[str, ...]
    why: Unwritable


def faults(label: Label) -> list[Fault]:
    """Every text of a contract that cannot be written on a label. Empty: it goes."""
    return [Fault(path, why) for path, why in _each(label) if isinstance(why, Unwritable)]


def cells(label: Label) -> dict[str, list[str]]:
    """The cells of a label by what they are: `number`, `buyer.address` (several pieces) and so on. Raises Unwritable."""
    found: dict[str, list[str]] = {"goods": []}
    for path, cell in _each(label):
        if isinstance(cell, Unwritable):
            raise cell
        if path[0] == "goods":
            found["goods"] += cell
        else:
            found[".".join(path)] = cell
    return found


def _each(label: Label) -> Iterator[tuple[tuple[str, ...], list[str] | Unwritable]]:
    yield ("number",), _fitted(label.number, 1, MAX_NUMBER)
    for who, party in (("seller", label.sender), ("buyer", label.receiver)):
        yield (who, "name"), _fitted(party.name, NAME_PIECES)
        yield (who, "postalCode"), _fitted(party.postal_code or "", 1, MAX_POSTAL_CODE)
        yield (who, "address"), _fitted(party.address, ADDRESS_PIECES)
    rest = len(label.goods) - GOODS_PIECES + 1 if len(label.goods) > GOODS_PIECES else 0
    for index, (name, model, quantity) in enumerate(label.goods[: len(label.goods) - rest]):
        for field, text in (("name", name), ("model", model or "")):
            try:
                _writable(text)
            except Unwritable as why:
                yield ("goods", str(index), field), why
                break
        else:
            yield ("goods", str(index)), [_goods(" ".join(filter(None, (name, model))), f" x{quantity}")]
    if rest:
        yield ("goods", str(len(label.goods) - rest)), [f"他{rest}品"]


def _fitted(text: str, count: int, width: int = PIECE) -> list[str] | Unwritable:
    try:
        return pieces(text, count, width)
    except Unwritable as why:
        return why


def pieces(text: str, count: int, width: int = PIECE) -> list[str]:
    """A text cut into exactly `count` pieces of at most `width` bytes, the last ones empty. Raises Unwritable."""
    found, piece, used = [], "", 0
    for character in _writable(text):
        size = _size(character)
        if piece and used + size > width:
            found.append(piece)
            piece, used = "", 0
        if not piece:
            character = character.translate(_FORMULA)  # noqa: PLW2901 - as it stands at the beginning of a cell
            size = _size(character)
        piece, used = piece + character, used + size
    found.append(piece)
    if len(found) > count:
        raise Unwritable(None, count * width)
    return found + [""] * (count - len(found))


def _goods(called: str, count: str) -> str:
    """One line of goods in one piece: what it is called is cut at its end, how many there are never is."""
    room, kept = PIECE - len(count), ""
    for character in _writable(called):
        character = character if kept else character.translate(_FORMULA)  # noqa: PLW2901 - the beginning of a cell
        if _width(kept) + _size(character) > room:
            break
        kept += character
    return kept.rstrip() + count


def _writable(text: str) -> str:
    """The text as it is written. Raises Unwritable for the first character that is none of the set.

    Marks that stand alone are composed (NFC) where they must be; what can be written is left as it is, for a name's own form (神, not 神) is
    one of the set and NFC would take it away.
    """
    composed = text.translate(_TWINS)
    if not all(map(_size, composed)):
        composed = unicodedata.normalize("NFC", text).translate(_TWINS)
    for character in composed:
        # Code page 932 also has control and private characters, which are nobody's signs.
        if not (character.isprintable() or character == "\u3000") or _size(character) == 0:
            raise Unwritable(character, 0)
    return composed


def _size(character: str) -> int:
    """Bytes of a character; 0 for one that the set does not have."""
    return len(character.encode(CHARSET, errors="ignore"))


def _width(text: str) -> int:
    return len(text.encode(CHARSET, errors="ignore"))


def sentence(found: Iterable[Fault]) -> str:
    """Faults for an operator or a site: every place and what is wrong with it, no text of the contract itself but the one character."""
    return "; ".join(f"{'.'.join(fault.path)} {fault.why.in_words}" for fault in found)
