"""EBCDIC: the same files in IBM's bytes, told apart from JIS and never mixed with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.zengin.examples import FORMATS, HEADER, SAMPLES, line, request
from tests.zengin.test_goldens import rewritten
from zengin import (
    DEBIT_REQUEST,
    EBCDIC,
    JIS,
    Code,
    Framing,
    ZenginReadError,
    character_set,
    check,
    detect_characters,
    load,
    read,
    write_debit_request,
)
from zengin.charset import EDI, FREE_TEXT, undefined_byte

# Code page 290 as IBM documents it: first byte, and the characters from there on.
PLACES = [
    (0x40, " ｡｢｣､･ｦ"),
    (0x4B, ".<(+"),
    (0x50, "&"),
    (0x5B, "\\*);"),
    (0x60, "-/"),
    (0x81, "ｱｲｳｴｵｶｷｸｹｺ"),
    (0x8C, "ｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉ"),
    (0x9D, "ﾊﾋﾌ"),
    (0xA2, "ﾍﾎﾏﾐﾑﾒﾓﾔﾕ"),
    (0xAC, "ﾖﾗﾘﾙ"),
    (0xBA, "ﾚﾛﾜﾝﾞﾟ"),
    (0xC1, "ABCDEFGHI"),
    (0xD1, "JKLMNOPQR"),
    (0xE2, "STUVWXYZ"),
    (0xF0, "0123456789"),
]


@pytest.mark.parametrize("first, chars", PLACES, ids=[f"{first:02X}" for first, _ in PLACES])
def test_a_character_has_its_byte(first: int, chars: str):
    codes = bytes(range(first, first + len(chars)))
    assert EBCDIC.encode(chars) == codes
    assert EBCDIC.decode(codes) == chars


def test_every_character_of_every_class_has_a_byte_in_both_sets():
    for characters in (JIS, EBCDIC):
        for char in sorted(EDI.writable | EDI.readable | FREE_TEXT.readable):
            assert characters.decode(characters.encode(char)) == char


def test_a_byte_has_one_character_and_back():
    for characters in (JIS, EBCDIC):
        text = characters.decode(bytes(range(256)))
        assert len(set(text)) == 256
        assert characters.encode(text) == bytes(range(256))
    assert undefined_byte(EBCDIC.decode(b"\x00")) == 0


def test_the_first_byte_tells_the_set():
    assert detect_characters(request([])) is JIS
    assert detect_characters(b"\xf1\xf9\xf1") is EBCDIC is character_set("1")
    assert detect_characters(b"") is detect_characters(b"\xef\xbb\xbf1") is None


@pytest.mark.parametrize("framing", [Framing.NONE, Framing.CRLF, Framing.INSIDE_CR])
@pytest.mark.parametrize("name", [name for name in FORMATS if "failed" not in name])
def test_a_sample_goes_through_ebcdic_and_back(name: str, framing: Framing):
    file_format: Any = FORMATS[name]
    (block,) = load((SAMPLES / name).read_bytes(), file_format)
    data = rewritten(block, framing, block.lines, EBCDIC)
    assert data[:4] == EBCDIC.encode(f"1{name[:2]}1")
    assert load(data, file_format, characters=EBCDIC) == [block]
    text = EBCDIC.decode(data)
    assert JIS.encode(text[:3] + "0" + text[4:]) == rewritten(block, framing, block.lines)


HOST = b"".join(write_debit_request(HEADER, [line(1)], framing=Framing.NONE, characters=EBCDIC))


@pytest.mark.parametrize(
    "data, characters, at, shown",
    [
        (HOST, JIS, 0, "1 EBCDIC (IBM 290)"),
        (request([line(1)]), EBCDIC, 0, "0 JIS X 0201"),
        (HOST[:3] + b"\xf0" + HOST[4:], EBCDIC, 3, "'0'"),
        (HOST[:3] + b"\xf2" + HOST[4:], EBCDIC, 3, "'2'"),
    ],
)
def test_the_other_set_is_an_error_with_its_name(data: bytes, characters: Any, at: int, shown: str):
    finding = check(data, DEBIT_REQUEST, characters=characters)[0]
    assert (finding.code, finding.record, finding.byte, finding.found) == (Code.CHARACTER_SET, 1, at, shown)
    assert finding.expected == f"{characters.code_kind} {characters.name}"
    with pytest.raises(ZenginReadError):
        list(read(data, DEBIT_REQUEST, characters=characters))


def test_a_byte_without_a_character_is_named():
    damaged = HOST[:170] + b"\x04" + HOST[171:]
    (finding,) = check(damaged, DEBIT_REQUEST, characters=EBCDIC)
    assert (finding.code, finding.byte, finding.found) == (Code.CHARACTER, 170, "byte 0x04")
    assert "バイト 0x04" in finding.message_ja
