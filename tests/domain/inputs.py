"""Registrations as a site sends them: the first one of the demo, and ways to change it."""

from copy import deepcopy
from typing import Any

LEFT_OUT = object()


def to_kana(text: str) -> str:
    """A stand-in for the banks' converter: it knows a few letters and refuses the rest."""
    table = {"ｱ": "ｱ", "ア": "ｱ", "サ": "ｻ", "ヒ": "ﾋ", "a": "A", "Ａ": "A", "シ": "ｼ", "ャ": "ﾔ", "ガ": "ｶﾞ", "ー": "-", "\u3000": " "}
    for character in text:
        if character not in table:
            error = ValueError("no such letter")
            error.character = character  # type: ignore[attr-defined]
            raise error
    return "".join(table[character] for character in text)


def party(code: str, bank: str, number: str, holder: str) -> dict[str, Any]:
    return {
        "code": code,
        "name": f"{code}社",
        "address": "千代田区丸の内",
        "account": {"bankCode": bank, "branchCode": "101", "type": "ORDINARY", "number": number, "holder": holder},
    }


FIRST = {
    "number": "4100",
    "amount": 25_000,
    "seller": party("A", "9990", "9000001", "Aｼﾔ"),
    "buyer": party("B", "9991", "9000002", "Bｼﾔ"),
    "goods": [{"name": "コピー用紙", "model": "A4-W", "quantity": 500}],
}


def registration(**changes: object) -> dict[str, Any]:
    """The first registration with places changed: `seller__account__number="9"`, `goods__0__quantity=LEFT_OUT`."""
    item: dict[str, Any] = deepcopy(FIRST)
    for name, value in changes.items():
        *way, last = name.split("__")
        place: Any = item
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        if value is LEFT_OUT:
            del place[last]
        elif isinstance(place, list):
            place[int(last)] = value
        else:
            place[last] = value
    return item
