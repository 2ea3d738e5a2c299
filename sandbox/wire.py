"""How a bank's records travel: line breaks behind them, inside them or none, in JIS or in EBCDIC.

Behind its counter a bank knows one shape, records of JIS X 0201 with CRLF after each; here that shape is made of what comes in, and what goes
out is made of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.bankfile import Unreadable

# IBM's Japanese katakana page 290, as far as bank files go: where a run begins, and its characters. 0x5B is the yen sign, which JIS has at 0x5C.
_RUNS = (
    (0x40, " ｡｢｣､･ｦｧｨｩ"), (0x4B, ".<(+|"), (0x50, "&ｪｫｬｭｮｯ"), (0x58, "ｰ"), (0x5A, "!\\*);"), (0x60, "-/"), (0x6B, ",%_>?"),
    (0x7A, ":#@'=\""), (0x81, "ｱｲｳｴｵｶｷｸｹｺ"), (0x8C, "ｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉ"), (0x9D, "ﾊﾋﾌ"), (0xA2, "ﾍﾎﾏﾐﾑﾒﾓﾔﾕ"), (0xAC, "ﾖﾗﾘﾙ"),
    (0xBA, "ﾚﾛﾜﾝﾞﾟ"), (0xC1, "ABCDEFGHI"), (0xD1, "JKLMNOPQR"), (0xE0, "$"), (0xE2, "STUVWXYZ"), (0xF0, "0123456789"),
)  # fmt: skip
_PAIRS = [(start + n, char.encode("shift_jis")[0]) for start, run in _RUNS for n, char in enumerate(run)] + [(0x0D, 0x0D), (0x25, 0x0A)]
_NOWHERE = 0x00  # no character of a bank file, in either code
_FROM_EBCDIC = bytes(dict(_PAIRS).get(byte, _NOWHERE) for byte in range(256))
_TO_EBCDIC = bytes({jis: ebcdic for ebcdic, jis in _PAIRS}.get(byte, _NOWHERE) for byte in range(256))

_BREAKS = {"crlf": b"\r\n", "none": b"", "inside_crlf": b"\r\n", "inside_cr": b"\r"}
FRAMINGS = frozenset(_BREAKS)
ENCODINGS = frozenset({"jis", "ebcdic"})
_CODE_KIND_AT = 3  # コード区分 of a header: 0 JIS, 1 EBCDIC


@dataclass(frozen=True, slots=True)
class Wire:
    """One bank's way. `framing` is crlf, none, inside_crlf or inside_cr; `encoding` is jis or ebcdic."""

    framing: str = "crlf"
    encoding: str = "jis"

    def read(self, content: bytes, length: int) -> bytes:
        """Records with CRLF after each, in JIS. Raises Unreadable (FORMAT)."""
        if self == CRLF_IN_JIS:
            return content
        text = content.translate(_FROM_EBCDIC) if self.encoding == "ebcdic" else content
        brk = _BREAKS[self.framing]
        taken = len(brk) if self.framing.startswith("inside") else 0
        step = length - taken + len(brk)
        if not text or len(text) % step:
            raise Unreadable("FORMAT", f"the file is not made of {step} bytes a record")
        records = []
        for start in range(0, len(text), step):
            end = start + length - taken
            if text[end : start + step] != brk:
                raise Unreadable("FORMAT", f"no line break at byte {end + 1}")
            records.append(text[start:end] + b" " * taken)
        if self.encoding == "ebcdic":
            kind, head = records[0][_CODE_KIND_AT : _CODE_KIND_AT + 1], records[0]
            if kind != b"1":
                raise Unreadable("FORMAT", "the header does not say that the file is in EBCDIC")
            records[0] = head[:_CODE_KIND_AT] + b"0" + head[_CODE_KIND_AT + 1 :]
        return b"".join(record + b"\r\n" for record in records)

    def write(self, content: bytes, length: int) -> bytes:
        """Of such records what goes out. Raises ValueError for a record that has something where the line break would stand."""
        if self == CRLF_IN_JIS:
            return content
        brk = _BREAKS[self.framing]
        taken = len(brk) if self.framing.startswith("inside") else 0
        records = [content[start : start + length] for start in range(0, len(content), length + 2)]
        if any(record[length - taken :].strip(b" ") for record in records):
            raise ValueError("a line break does not fit inside these records")
        if self.encoding == "ebcdic":
            records[0] = records[0][:_CODE_KIND_AT] + b"1" + records[0][_CODE_KIND_AT + 1 :]
        text = b"".join(record[: length - taken] + brk for record in records)
        return text.translate(_TO_EBCDIC) if self.encoding == "ebcdic" else text


CRLF_IN_JIS = Wire()
"""As docs/wire.md section 1 has them, and as a bank keeps them."""
