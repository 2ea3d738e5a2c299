"""Records on their way: with line breaks behind, inside or none, in JIS and in EBCDIC, by the bytes that the standard's tables say."""

import pytest

from sandbox.bankfile import FileName, Unreadable, read_request
from sandbox.config import read_config
from sandbox.layouts import decode
from sandbox.wire import ENCODINGS, FRAMINGS, Wire
from tests.sandbox.test_goldens import NAME, REQUEST

ALL = [(framing, encoding) for framing in sorted(FRAMINGS) for encoding in sorted(ENCODINGS)]
STEP = {"crlf": 122, "none": 120, "inside_crlf": 120, "inside_cr": 120}
BREAK = {"crlf": {"jis": "0d0a", "ebcdic": "0d25"}, "none": {"jis": "", "ebcdic": ""}}
BREAK |= {"inside_crlf": BREAK["crlf"], "inside_cr": {"jis": "0d", "ebcdic": "0d"}}


@pytest.mark.parametrize("framing, encoding", ALL)
def test_there_and_back(framing: str, encoding: str):
    wire = Wire(framing, encoding)
    sent = wire.write(REQUEST, 120)
    assert len(sent) == 6 * STEP[framing]
    assert wire.read(sent, 120) == REQUEST
    assert read_request(NAME, wire.read(sent, 120)).amount == 189_800
    breaks = bytes.fromhex(BREAK[framing][encoding])
    assert all(sent[: n * STEP[framing]].endswith(breaks) for n in range(1, 7))


def test_the_bytes_of_ebcdic():
    """By the page's table: 1 is F1, ｴ is 84, ( is 4D; and the header says by its code kind what it is written in."""
    sent = Wire("none", "ebcdic").write(REQUEST, 120)
    assert sent[:4].hex() == "f1f9f1f1"
    name = decode(REQUEST[14:26])
    assert name.startswith("ｴｲﾄﾞｳｹﾂｻｲ(ｶ")
    assert sent[14:25].hex() == "848295be8389938c824d86"


@pytest.mark.parametrize(
    "framing, encoding, change",
    [
        ("none", "ebcdic", lambda data: data[:-1]),
        ("none", "ebcdic", lambda data: data[:3] + b"\xf0" + data[4:]),
        ("crlf", "ebcdic", lambda data: data.replace(b"\x0d\x25", b"\x25\x0d", 1)),
        ("inside_crlf", "jis", lambda data: data.replace(b"\r\n", b"  ", 1)),
        ("inside_cr", "jis", lambda _: REQUEST),
        ("none", "jis", lambda _: b""),
        ("none", "ebcdic", lambda data: data[:200] + b"\x3f" + data[201:]),
        ("none", "ebcdic", lambda _: REQUEST.replace(b"\r\n", b"")),
    ],
)
def test_what_is_written_another_way_is_refused(framing: str, encoding: str, change):
    wire = Wire(framing, encoding)
    with pytest.raises(Unreadable) as caught:
        read_request(FileName.parse("91_0000012345_20261207_001.txt"), wire.read(change(wire.write(REQUEST, 120)), 120))
    assert caught.value.code == "FORMAT"


def test_what_has_no_room_is_said():
    with pytest.raises(ValueError, match="does not fit"):
        Wire("inside_crlf").write(b"2" * 119 + b" \r\n", 120)


@pytest.mark.parametrize("what", [{"framing": "lf"}, {"encoding": "utf-8"}])
def test_settings_that_there_are_not(what: dict[str, str]):
    with pytest.raises(ValueError, match="framing is one of"):
        read_config({"clock": {"now": "2000-09-24T09:00:00+09:00"}, "banks": [{"code": "9991", "kana": "ﾋﾞ-", **what}]})
