"""Text on a carrier's label: cut, composed, guarded or refused; names of files; words for what happens."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.carrier_files import (
    ADDRESS_PIECES,
    CHARSET,
    GOODS_PIECES,
    KINDS,
    NAME_PIECES,
    PIECE,
    WORDS,
    Label,
    Party,
    Unwritable,
    answered_batch,
    answers,
    cells,
    event_of,
    faults,
    is_file,
    kind_of,
    pieces,
    request_name,
    sentence,
)
from domain.store.notices import TYPES

A_PARTY = Party("D社", "108-0014", "港区青山")


def label(**changes: object) -> Label:
    given = {"number": "4101", "sender": A_PARTY, "receiver": A_PARTY, "goods": [("プリンタ", "MM100", 1)], **changes}
    return Label(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text, cut",
    [
        ("", [""]),
        ("港区青山", ["港区青山"]),
        ("あ" * 16, ["あ" * 16]),
        ("あ" * 17, ["あ" * 16, "あ"]),
        ("a" + "あ" * 16, ["a" + "あ" * 15, "あ"]),  # 33 bytes: a character is never cut in two
        ("ｱ" * 33, ["ｱ" * 32, "ｱ"]),  # half-width kana are one byte
        ("=1+1", ["＝1+1"]),
        ("-1-2", ["－1-2"]),
        ("@a", ["＠a"]),
        ("a=b", ["a=b"]),
        ("あ" * 16 + "+1", ["あ" * 16, "＋1"]),  # each piece is a cell
        ("1−2〜3—4", ["1－2～3―4"]),
        ("か\u3099", ["が"]),
        ("髙﨑①㈱", ["髙﨑①㈱"]),  # NEC's and IBM's characters
        ('he said "x",\\', ['he said "x",\\']),
        ("東京都\u3000港区", ["東京都\u3000港区"]),
    ],
)
def test_pieces(text: str, cut: list[str]):
    assert pieces(text, len(cut) + 1) == [*cut, ""]
    assert all(len(piece.encode(CHARSET)) <= PIECE for piece in cut)


@pytest.mark.parametrize(
    "text, why",
    [
        ("𠮷野家", "holds 𠮷 (U+20BB7), which Shift_JIS does not have"),
        ("り😀", "holds 😀 (U+1F600), which Shift_JIS does not have"),
        ("a\tb", "holds a control character (U+0009), which Shift_JIS does not have"),
        ("a\u0080", "holds a control character (U+0080), which Shift_JIS does not have"),
        ("\ue000", "holds a control character (U+E000), which Shift_JIS does not have"),  # a private character is everybody's own
        ("é", "holds é (U+00E9), which Shift_JIS does not have"),
        ("か゚", "holds ゚ (U+309A), which Shift_JIS does not have"),
        ("あ" * 49, "is longer than 48 full-width characters"),
        ("a" * 97, "is longer than 48 full-width characters"),
    ],
)
def test_what_cannot_be_written(text: str, why: str):
    with pytest.raises(Unwritable) as raised:
        pieces(text, NAME_PIECES)
    assert raised.value.in_words == why


TWINS = "¢£¬‖−〜—"


@given(st.text(st.characters(codec="cp932", exclude_categories=["C", "Z"], exclude_characters=TWINS), max_size=60))
def test_what_is_cut_is_whole_again(text: str):
    found = pieces(text, 8)
    assert unicodedata.normalize("NFKC", "".join(found)) == unicodedata.normalize("NFKC", text)
    for piece in found:
        assert len(piece.encode(CHARSET)) <= PIECE
        assert piece.encode(CHARSET).decode(CHARSET) == piece
        assert piece[:1] not in ("=", "+", "-", "@")


@pytest.mark.parametrize(
    "goods, written",
    [
        ([("プリンタ", "MM100", 1)], ["プリンタ MM100 x1"]),
        ([("プリンタ", None, 999_999_999)], ["プリンタ x999999999"]),
        ([("あ" * 40, None, 12)], ["あ" * 14 + " x12"]),  # the name is cut, never how many there are
        ([("a" * 40, "M", 1)], ["a" * 29 + " x1"]),
        ([("=SUM(A1)", None, 1)], ["＝SUM(A1) x1"]),
        ([(f"品{n}", None, n) for n in range(1, 6)], ["品1 x1", "品2 x2", "品3 x3", "品4 x4", "品5 x5"]),
        ([(f"品{n}", None, n) for n in range(1, 9)], ["品1 x1", "品2 x2", "品3 x3", "品4 x4", "他4品"]),
    ],
)
def test_goods(goods: list[tuple[str, str | None, int]], written: list[str]):
    found = cells(label(goods=goods))["goods"]
    assert found == written
    assert len(found) <= GOODS_PIECES
    assert all(len(piece.encode(CHARSET)) <= PIECE for piece in found)


def test_every_text_that_cannot_be_written_is_named():
    found = faults(
        label(
            number="あ" * 33,
            sender=Party("😀", "1" * 17, "x" * (PIECE * ADDRESS_PIECES + 1)),
            receiver=Party("\t", None, "𠮷"),
            goods=[("ok", None, 1), ("ok", "é", 1), ("ok", None, 1), ("ok", None, 1), ("é", None, 1), ("é", None, 1)],
        )
    )
    assert [".".join(fault.path) for fault in found] == [
        "number",
        "seller.name",
        "seller.postalCode",
        "seller.address",
        "buyer.name",
        "buyer.address",
        "goods.1.model",  # the fifth and sixth line are not written
    ]
    assert "seller.address is longer than 64 full-width characters; buyer.name holds" in sentence(found)
    with pytest.raises(Unwritable):
        cells(label(number="😀"))


@pytest.mark.parametrize(
    "name, kind",
    [
        ("ship_057312345001000018.csv.result.csv", "shipped"),
        ("ship_057312345001000018.csv.result.2.csv", "shipped"),
        ("status_20000928_001.csv", "tracking"),
        ("status_20000928_000001.csv", "tracking"),
        ("ship_057312345001000018.csv", "other"),
        ("ship_57312345001000018.csv.result.csv", "other"),
        ("status_20000928.csv", "other"),
        ("status_20000928_001.CSV", "other"),
        ("letter.pdf", "other"),
    ],
)
def test_names(name: str, kind: str):
    assert kind_of(name) == kind


def test_a_request_is_found_from_its_answers():
    name = request_name(57312345001000018)
    assert is_file(name)
    assert not is_file("057312345001000018")
    assert {answered_batch(answer) for answer in answers(name)} == {57312345001000018}
    with pytest.raises(ValueError, match="is not the name of a result"):
        answered_batch(name)


@pytest.mark.parametrize(
    "word, own, kind",
    [
        ("配達完了", {}, "delivered"),
        (" 配達完了 ", {}, "delivered"),
        ("ご不在（持戻）", {}, "attempt_failed"),  # full-width brackets
        ("配達済", {}, None),
        ("配達済", {"配達済": "delivered"}, "delivered"),
        ("保管中", {"保管中": "attempt_failed"}, "attempt_failed"),  # its own word counts before ours
        ("", {}, None),
    ],
)
def test_words(word: str, own: dict[str, str], kind: str | None):
    assert event_of(word, own) == kind


def test_the_words_say_what_notices_say():
    assert set(KINDS) == set(WORDS.values()) == set(TYPES)
