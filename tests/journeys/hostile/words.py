"""Registrations as nobody should send them, seeded: texts that break files, tables, terminals and eyes, in every field."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

KANA = [
    "カ）アオゾラショウジ", "ｶ)ｱｵｿﾞﾗｼﾖｳｼﾞ", "ゆうげんがいしゃ", "か\u3099き\u309a", "カ゛ハ゜", "ヴァイオリン", "ｳﾞｧｲｵﾘﾝ",
    "ァィゥェォャュョッヮヵヶ", "ヰヱヸヹヷヺヲ",
    "ｦｰ", "ーｰ‐‑‒–—―−－", "・･", "ＡＢＣ１２３", "abc-XYZ.9", "ｱ ｲ　ｳ", "ﾞﾟ", "ア" * 30, "ガ" * 15, "ガ" * 16, "ｱ" * 31,
    "（カ）", "｢A/B｣", "ゎゐゑゕゖ", "ﾝ", "．",
    "㈱アオゾラ", "㌔", "ｱ､ｲ", "ア、イ", "¥100", "\\", "ヽヾゝゞ", "〆切", "𛀀", "ㇰㇱ",
]  # fmt: skip
TEXTS = [
    "", " ", "\x00", "a\x00b", "\r\n", "a\r\n2", "\t", "\x1a", "\x1b[2J\x1b]0;x\x07", "\x7f", "\x85", "\u2028", "a,b", '"', "'", '","', "a;b|c", "\\n",
    "\\u0000",
    "' OR 1=1 --", "'); DROP TABLE contract; --", "$1", "%s%n{0}", "${jndi:ldap://x}", "{{7*7}}", "$(reboot)", "`id`", "../../etc/passwd",
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1:A9)", '=HYPERLINK("http://x")', "<script>alert(1)</script>", "]]>", "<!ENTITY x>", "&amp;",
    "\u202eabc", "abc\u202c", "\u2066x\u2069", "\u200f", "\u061c", "\u200b", "\u2060", "\ufeffx", "e\u0301", "é", "e" + "\u0301" * 200, "\u0e49" * 50,
    "🍣", "👩\u200d👩\u200d👧", "🇯🇵", "\ufe0f", "髙﨑", "辻\U000e0100", "鷗", "𠮷野家", "Ａ", "ﾊﾟ", "①", "㍻", "ﬀ", "ß", "İ", "ı", "ẞ",
    "שלום", "مرحبا", "١٢٣", "１２３",
    "\ufffd", "\ufffe", "\uffff", "\uf7a1", "\uf741", "\ue000", "\U0010ffff", "\xa0", "\u3000", "\u3000あ\u3000", "\xad", "null", "true", "NaN", "1e9",
    "\ud800", "\udc00x", "\ud83d", "x" * 10_000, "ア" * 10_000, "あ" * 141, "あ" * 140, "🍣" * 140, "\n" * 300, "0", "9" * 64, "9" * 65, "ｱ" * 140,
]  # fmt: skip
NUMBERS: list[Any] = [
    0,
    -1,
    1,
    2,
    9_999_999,
    10_000_000_000,
    2**31,
    2**53,
    2**63,
    10**30,
    1.5,
    -0.0,
    1e308,
    None,
    True,
    "1",
    "１",
    "1.0",
    "+1",
    " 1",
    [],
]
CODES = ["9990", "0000", "9999", "999", "99901", "９９９０", "999\x00", "١٢٣٤", "", " 9990 ", "-999", "9000", "9998"]
ACCOUNTS = ["9110001", "0000000", "９１１０００１", "911000", "91100011", "911-001", "x", "", "９１１０00١"]
DATES = [
    "2000-09-26",
    "2000-02-30",
    "0000-00-00",
    "9999-12-31",
    "2000-9-26",
    "２０００-09-26",
    "1999-01-01",
    "",
    "\x00",
    "2000-09-26T00:00:00Z",
]
PLACES = [
    ("number",), ("seller", "code"), ("seller", "name"), ("seller", "address"), ("seller", "postalCode"), ("seller", "account", "holder"),
    ("buyer", "code"), ("buyer", "name"), ("buyer", "address"), ("buyer", "postalCode"), ("buyer", "account", "holder"),
    ("goods", 0, "name"), ("goods", 0, "model"),
]  # fmt: skip
HOLDERS = [place for place in PLACES if place[-1] == "holder"]
RARE: list[tuple[tuple[str | int, ...], list[Any]]] = [
    (("amount",), NUMBERS),
    (("goods", 0, "quantity"), NUMBERS),
    (("dueOn",), DATES),
    (("seller", "account", "bankCode"), CODES),
    (("buyer", "account", "bankCode"), CODES),
    (("seller", "account", "branchCode"), CODES),
    (("seller", "account", "number"), ACCOUNTS),
    (("buyer", "account", "number"), ACCOUNTS),
    (("buyer", "account", "type"), ["ORDINARY", "CURRENT", "SAVINGS", "NOTHING", "", "\x00"]),
]

LARGEST_AT = 3
"""Which of them has the largest amount that there is: one fills a file, so that many would be debited one a day."""


class Maker:
    """Makes them; the same seed makes the same ones."""

    def __init__(self, seed: int, sound: dict[str, Any]) -> None:
        self.random = random.Random(seed)
        self.sound = sound

    def contract(self, number: int) -> dict[str, Any]:
        """The sound registration with one to three odd values, under a number of its own (unless that is what is odd)."""
        made = copy.deepcopy(self.sound)
        made["number"] = f"H{number}"
        for side in ("seller", "buyer"):
            made[side]["code"] = f"{side[0]}{number}"  # a party of its own: the words of a known one are not read again
        if number == LARGEST_AT:
            made["amount"] = 9_999_999_999
            return made
        for _ in range(self.random.choice([1, 1, 2, 3])):
            if self.random.random() < 0.15:
                place, values = self.random.choice(RARE)
                put(made, place, self.random.choice(values))
            elif self.random.random() < 0.4:
                put(made, self.random.choice(HOLDERS), self.kana())
            else:
                place = self.random.choice(PLACES)
                text = self.text()
                put(made, place, f"{text}{number}" if place[-1] in ("number", "code") and text and self.random.random() < 0.8 else text)
        return made

    def kana(self) -> str:
        """A name of which most can be written."""
        kinds = [
            lambda: self.random.choice(KANA),
            lambda: self.random.choice(KANA) + self.random.choice(KANA),
            lambda: "".join(chr(self.random.randint(0x30A1, 0x30FC)) for _ in range(self.random.randint(1, 20))),
            lambda: "".join(chr(self.random.randint(0x3041, 0x3096)) for _ in range(self.random.randint(1, 20))),
            lambda: "".join(chr(self.random.randint(0xFF61, 0xFF9F)) for _ in range(self.random.randint(1, 32))),
            lambda: "".join(chr(self.random.randint(0xFF01, 0xFF5E)) for _ in range(self.random.randint(1, 6))),
            lambda: self.random.choice(KANA) + self.random.choice(TEXTS),
        ]
        return self.random.choice(kinds)()

    def text(self) -> str:
        """Anything."""
        kinds = [
            lambda: self.random.choice(TEXTS),
            lambda: "商店" + self.random.choice(TEXTS),
            lambda: self.random.choice(TEXTS) + "商店",
            lambda: self.random.choice(TEXTS) + self.random.choice(KANA),
            lambda: "".join(chr(self.random.choice([self.random.randrange(0x250), self.random.randrange(0x110000)])) for _ in range(8)),
        ]
        return self.random.choice(kinds)()


def put(made: Any, place: tuple[str | int, ...], value: Any) -> None:
    """Sets one value deep inside."""
    for step in place[:-1]:
        made = made[step]
    made[place[-1]] = value


def body(query: str, raw: dict[str, Any]) -> bytes:
    """The request as bytes: lone surrogates as JSON escapes, which is the only way that they can be sent."""
    return json.dumps({"query": query, "variables": {"input": raw}}).encode()
