"""Replies as no bank and no carrier should send them, seeded: bytes, records, fields and JSON values changed, lost, doubled and moved."""

from __future__ import annotations

import gzip
import json
import random
import re
from typing import Any

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 10**30, 1.5, -0.0, 1e308, "", " ", "\x00", "\ud800", "accepted", "refused", "rejected", "delivered",
    "lost", "returned", "picked_up", "0" * 20, "9" * 20, "１" * 20, "x" * 100_000, "2000-02-30", "2000-09-25", "9999-12-31", "0001-01-01", "２０００-09-25",
    [], {}, [[]], [None], {"a": []}, "' OR 1=1 --", "\u202e", "🍣", "NaN",
]  # fmt: skip
DIGITS = b"0123456789"
BYTES = [b"\x00", b"\xff", b"\r", b"\n", b"\r\n", b"\x1a", b" ", b"0", b"9", b"\x81\x40", b"\xe3\x82\xa2", b"-", b"\xb1", b"a", b"\x1b[2J"]

XML = [
    b"<a/>",
    b"&amp;",
    b"&#0;",
    b"&a;",
    b"<!--x-->",
    b"<![CDATA[<a>]]>",
    b"<?x?>",
    b"<!DOCTYPE a>",
    b"<a>" * 500,
    b"&#x10FFFF;",
    b"1.00",
    b"1e9",
    b"-1",
    b"+1",
]
CELLS = [
    b"", b'""', b'"', b'"""', b"'", b'"' + b"9" * 20 + b'"', b'"' + b"0" * 20 + b'"', b'"2000/02/30"', b'"2000/09/28"', b'"9999/12/31"', b'"0001/01/01"',
    b"\x00",
    *(f'"{word}"'.encode("cp932") for word in ("受付", "エラー", "配達完了", "返品", "紛失", "出荷中止", "発送済み", "調査中", "２０００/09/25", "25:61")),
    b'"' + b"x" * 100_000 + b'"', b"\x81", b'"\x81\x40"', b'"=cmd|x"', b'"\r\n"', '"🍣"'.encode(),
]  # fmt: skip
"""Cells of a carrier's file."""

LARGEST = 8 << 20
"""Bytes of a reply here: more than is read of anything but a result."""


class Mutator:
    """Changes a sound reply; the same seed makes the same changes."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def changed(self, content: bytes) -> bytes:
        """Another content, or by chance the same."""
        if content[:1] == b"1":
            kinds = [self._bytes, self._field, self._field, self._records, self._whole]
        elif content[:1] == b"<":
            kinds = [self._bytes, self._xml, self._xml, self._xml, self._whole]
        elif content[:1] == b'"':
            kinds = [self._bytes, self._cell, self._cell, self._rows, self._whole]
        else:
            kinds = [self._bytes, self._json, self._json, self._json, self._whole]
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            content = self.random.choice(kinds)(content)[:LARGEST]
        return content

    def name(self, name: str) -> str:
        """A name that is nearly the right one."""
        return self.random.choice(
            [
                name,
                name + ".1",
                name.replace("_001", "_002"),
                name.replace("2000", "2001"),
                name[1:],
                name.upper(),
                name.replace(".", ".2.", 1),
                "x",
            ]
        )

    # -- bytes ----------------------------------------------------------------------------------------------------------
    def _bytes(self, content: bytes) -> bytes:
        made = bytearray(content)
        for _ in range(self.random.choice([1, 1, 2, 8])):
            at = self.random.randrange(len(made) + 1)
            match self.random.randrange(5):
                case 0:
                    made[at : at + 1] = self.random.choice(BYTES)
                case 1:
                    made[at : at + self.random.choice([1, 2, 120, 122, 500])] = b""
                case 2:
                    made[at:at] = self.random.choice(BYTES) * self.random.choice([1, 1, 2, 120])
                case 3:
                    made[at : at + 1] = bytes([self.random.choice(DIGITS)])
                case _:
                    made[at:at] = made[at : at + self.random.choice([1, 61, 122])]
        return bytes(made)

    def _whole(self, content: bytes) -> bytes:
        return self.random.choice(
            [
                lambda: content[: self.random.randrange(len(content) + 1)],
                lambda: content + content,
                lambda: content * 40,
                lambda: b"",
                lambda: content[::-1],
                lambda: content.replace(b"\r\n", b"\n"),
                lambda: content.replace(b"\r\n", b""),
                lambda: b"\xef\xbb\xbf" + content,
                lambda: content.decode("cp932", "replace").encode("utf-16"),
                lambda: gzip.compress(content, mtime=0),
                lambda: content + b"\x00" * self.random.choice([1, 500, 5 << 20]),
                lambda: b"[" * 200_000,
                lambda: b'{"a":' * 20_000,
                lambda: b'{"events":[' + b"{}," * 30_000 + b"{}]}",
                lambda: b"1" * self.random.choice([119, 121, 240, 5 << 20]),
                lambda: (content[:122] * 5_000) + content,
                lambda: self.random.randbytes(self.random.randrange(2_000)),
            ]
        )()

    # -- records of a bank file -------------------------------------------------------------------------------------------
    def _records(self, content: bytes) -> bytes:
        records = content.split(b"\r\n")
        at, other = self.random.randrange(len(records)), self.random.randrange(len(records))
        match self.random.randrange(5):
            case 0:
                del records[at]
            case 1:
                records.insert(other, records[at])
            case 2:
                records[at], records[other] = records[other], records[at]
            case 3:
                records[at] = records[at][:-1] if self.random.random() < 0.5 else records[at] + b" "
            case _:
                records[at] = self.random.choice(b"12389").to_bytes() + records[at][1:]
        return self._totalled(records) if self.random.random() < 0.5 else b"\r\n".join(records)

    def _field(self, content: bytes) -> bytes:
        """Good digits for others: a code, an amount, a number, an account; with a trailer that fits as often as not."""
        records = content.split(b"\r\n")
        at = self.random.randrange(len(records))
        record = records[at]
        if len(record) < 120:
            return content
        width = self.random.choice([1, 2, 3, 4, 7, 10, 20])
        place = self.random.choice([111, 80, 91, 43, 1, 20, 50, 4, 54, 22, 24, self.random.randrange(len(record))])
        if place == 111:
            width = 1
        piece = record[place : place + width]
        new = self.random.choice(
            [
                bytes(self.random.choice(DIGITS) for _ in range(width)),
                records[self.random.randrange(len(records))][place : place + width],
                b"0" * width,
                b"9" * width,
                b" " * width,
            ]
        )
        records[at] = record[:place] + new[: len(piece)].ljust(len(piece), b"0") + record[place + width :]
        return self._totalled(records) if self.random.random() < 0.6 else b"\r\n".join(records)

    def _totalled(self, records: list[bytes]) -> bytes:
        """The records with the trailer that they give, if they are a debit result's."""
        lines = [record for record in records if record[:1] == b"2" and len(record) == 120 and record[80:90].isdigit()]
        place = next((n for n, record in enumerate(records) if record[:1] == b"8" and len(record) == 120), None)
        if place is not None and records[0][1:3] == b"91":
            good = [record for record in lines if record[111:112] == b"0"]
            bad = [record for record in lines if record[111:112] != b"0"]
            figures = [(len(part), sum(int(record[80:90]) for record in part)) for part in (lines, good, bad)]
            records[place] = (b"8" + b"".join(b"%06d%012d" % pair for pair in figures)).ljust(120)[:120]
        return b"\r\n".join(records)

    # -- XML --------------------------------------------------------------------------------------------------------------
    def _xml(self, content: bytes) -> bytes:
        """An element lost, doubled, moved, renamed, or with another text: of another element, a digit changed, or odd."""
        found = list(re.finditer(rb"<([A-Za-z]+)[^<>]*>([^<>]*)</\1>|<(Ntry|TxInfAndSts|Bal|TxsSummry)>.*?</\3>", content, re.DOTALL))
        if not found:
            return content
        one, other = self.random.choice(found), self.random.choice(found)
        match self.random.randrange(7):
            case 0:
                return content[: one.start()] + content[one.end() :]
            case 1:
                return content[: one.end()] + one[0] + content[one.end() :]
            case 2:
                return content[: other.start()] + one[0] + content[other.start() :]
            case 3:
                new = one[0].replace(one[1] or one[3], other[1] or other[3])
            case 4 if one[1]:
                new = one[0].replace(b">" + one[2] + b"<", b">" + (other[2] or b"") + b"<")
            case 5 if one[1] and any(c in DIGITS for c in one[2]):
                at = self.random.choice([n for n, c in enumerate(one[0]) if c in DIGITS])
                new = one[0][:at] + bytes([self.random.choice(DIGITS)]) + one[0][at + 1 :]
            case _:
                odd = self.random.choice([*XML, *(str(x).encode("utf-8", "replace") for x in ODD)])
                new = one[0].replace(b">" + one[2] + b"<", b">" + odd + b"<") if one[1] else odd
        return content[: one.start()] + new + content[one.end() :]

    # -- CSV --------------------------------------------------------------------------------------------------------------
    def _cell(self, content: bytes) -> bytes:
        """One cell for another: of the same file, of nobody's, of no sense."""
        rows = content.split(b"\r\n")
        row, other = self.random.choice(rows), self.random.choice(rows)
        cells, others = row.split(b","), other.split(b",")
        cells[self.random.randrange(len(cells))] = self.random.choice([self.random.choice(others), *CELLS])
        rows[rows.index(row)] = b",".join(cells)
        return b"\r\n".join(rows)

    def _rows(self, content: bytes) -> bytes:
        """Rows taken away, doubled, moved, lengthened, shortened; columns, too."""
        rows = content.split(b"\r\n")
        at, other = self.random.randrange(len(rows)), self.random.randrange(len(rows))
        match self.random.randrange(6):
            case 0:
                del rows[at]
            case 1:
                rows[other:other] = [rows[at]] * self.random.choice([1, 1, 30_000])
            case 2:
                rows[at], rows[other] = rows[other], rows[at]
            case 3:
                rows[at] += b',"x"'
            case 4:
                rows[at] = rows[at].rpartition(b",")[0]
            case _:
                rows = [b",".join(reversed(row.split(b","))) for row in rows]
        return b"\r\n".join(rows)

    # -- JSON -------------------------------------------------------------------------------------------------------------
    def _json(self, content: bytes) -> bytes:
        try:
            tree = json.loads(content)
        except (ValueError, RecursionError):
            return content
        places = list(_places(tree))
        if not places:
            return json.dumps(self.random.choice(ODD)).encode()
        for _ in range(self.random.choice([1, 1, 2])):
            inside, key = self.random.choice(places)
            self._change(inside, key, places)
        return json.dumps(tree).encode()

    def _change(self, inside: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
        if isinstance(inside, list):
            if key >= len(inside):
                return
            match self.random.randrange(4):
                case 0:
                    del inside[key]
                case 1:
                    inside.insert(key, inside[key])
                case 2:
                    inside[:] = inside * (self.random.choice([2, 10, 1_200]) if len(inside) < 100 else 1)
                case _:
                    inside[key] = self.random.choice(ODD)
        elif key in inside:
            other, there = self.random.choice(places)
            match self.random.randrange(4):
                case 0:
                    del inside[key]
                case 1 if isinstance(other, dict) and there in other and not isinstance(other[there], (dict, list)):
                    inside[key] = other[there]
                case 2:
                    inside[str(self.random.choice(ODD))] = inside.pop(key)
                case _:
                    inside[key] = self.random.choice(ODD)


def _places(tree: Any) -> Any:
    """(container, key) of every value."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(pairs):
        yield tree, key
        yield from _places(value)
