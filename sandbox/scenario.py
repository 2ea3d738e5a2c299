"""The world of the demo: four banks, two carriers, sites 130 and 320 and their nine contracts, from 2000-09-20 on.

The contracts are those of the patent JP 2002-140645 A, figures 3, 8 and 9 and [0022]; what the figures leave out (banks of
some buyers, amounts of #100-#103, 1544 and 4662) is invented. Account numbers begin with 9, bank codes are 9990-9993.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.signing import new_secret

START = "2000-09-20T09:00:00+09:00"
CARRIER = "sandbox-carrier"
CARRIER_BY_FILE = "sandbox-csv"  # takes nothing until somebody routes to it
SITES = ("130", "320")

# code, name, kana, branch, last digit of the sites' accounts there, kind. Of each kind there are two.
_BANKS = (
    ("9990", "C銀行", "ｼ-ｷﾞﾝｺｳ", "001", "0", "deduplicating"),
    ("9991", "B銀行", "ﾋﾞ-ｷﾞﾝｺｳ", "101", "1", "plain"),
    ("9992", "C信用金庫", "ｼ-ｼﾝﾖｳｷﾝｺ", "201", "2", "deduplicating"),
    ("9993", "D銀行", "ﾃﾞｲ-ｷﾞﾝｺｳ", "301", "3", "plain"),
)
# letter: bank, branch, number, opening balance, address
_FIRMS: Mapping[str, tuple[str, str, str, int, str]] = {
    "A": ("9990", "001", "9000001", 0, "千代田区丸の内"),
    "B": ("9991", "101", "9000002", 10_000, "港区新橋"),
    "C": ("9990", "001", "9000003", 0, "渋谷区恵比寿"),
    "D": ("9992", "201", "9000004", 2_000_000, "港区青山"),
    "E": ("9990", "001", "9000005", 0, "浦和市白幡"),
    "F": ("9993", "301", "9000006", 1_000_000, "中央区銀座"),
    "G": ("9990", "001", "9000007", 0, "甲府市中央"),
    "H": ("9991", "101", "9000008", 500_000, "中央区京橋"),
}
# The bank of #103 answers a day late, which is why only #101 and #102 are delivered on 2000-09-25 [0026].
_RULES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "9991": ({"match": {"kind": "91", "date": "2000-09-24"}, "action": {"result_delay": {"days": 1}}},),
}
_PAPER = ("コピー用紙", "A4-W", 500)
_PRINTER = ("プリンタ", "MM100", 1)
_DESK = ("デスク", "AP55", 1)
_TONER = ("トナー", "TP10", 10)
# Figure 9 names no goods. The carrier ships model EXPRESS a day earlier and never says a word about model SILENT.
_PLAIN = ("雑貨", "ZK10", 1)
_SILENT = ("雑貨", "SILENT", 1)
_EXPRESS = ("雑貨", "EXPRESS", 1)
# day, site, number, yen, seller, buyer, goods: in the order of registration
_CONTRACTS = (
    ("2000-09-20", "130", "4100", 25_000, "A", "B", _PAPER),
    ("2000-09-20", "130", "4101", 198_000, "C", "D", _PRINTER),
    ("2000-09-20", "130", "4102", 90_000, "E", "F", _DESK),
    ("2000-09-20", "130", "4103", 12_000, "G", "H", _TONER),
    ("2000-09-21", "130", "4112", 30_000, "B", "D", _PLAIN),
    ("2000-09-22", "130", "4332", 100_000, "B", "F", _PLAIN),
    ("2000-09-22", "320", "1544", 45_000, "B", "H", _SILENT),
    ("2000-09-23", "320", "1566", 850_000, "B", "D", _EXPRESS),
    ("2000-09-24", "130", "4662", 60_000, "B", "F", _PLAIN),
)


def scenario(*, play: bool = False) -> dict[str, Any]:
    """The configuration; with `play` the sites register the nine contracts. The carrier's secret is made anew each time."""
    return {
        "clock": {"now": START, "ticking": False},
        "api": None,
        "credentials_file": None,
        "sftp": {"port": 0},
        "holidays": [],
        "banks": [_bank(*bank) for bank in _BANKS],
        "carriers": [
            {
                "id": CARRIER,
                "kind": "deduplicating",
                "calendar": "EVERY_DAY",
                "ship_days": 3,
                "ships_at": "09:00",
                "secrets": [new_secret()],
            },
            {
                "id": CARRIER_BY_FILE,
                "format": "csv",
                "kind": "deduplicating",
                "calendar": "EVERY_DAY",
                "ship_days": 3,
                "ships_at": "09:00",
            },
        ],
        "sites": [{"id": site, "agenda": _agenda(site) if play else []} for site in SITES],
    }


def party(letter: str) -> dict[str, Any]:
    """A firm as a site registers it."""
    bank, branch, number, _, address = _FIRMS[letter]
    return {
        "code": letter,
        "name": f"{letter}社",
        "address": address,
        "account": {
            "bankCode": bank,
            "branchCode": branch,
            "type": "ORDINARY",
            "number": number,
            "holder": f"{letter}ｼﾔ",
        },
    }


def registration(number: str) -> dict[str, Any]:
    """One of the nine contracts, as its site registers it."""
    found = next(contract for contract in _CONTRACTS if contract[2] == number)
    _, _, _, amount, seller, buyer, (goods, model, quantity) = found
    return {
        "number": number,
        "amount": amount,
        "currency": "JPY",
        "seller": party(seller),
        "buyer": party(buyer),
        "goods": [{"name": goods, "model": model, "quantity": quantity}],
    }


def _bank(code: str, name: str, kana: str, branch: str, digit: str, kind: str) -> dict[str, Any]:
    sites = [{"site": site, "branch": branch, "type": "1", "number": f"9{site}00{digit}"} for site in SITES]
    firms = [(letter, firm) for letter, firm in _FIRMS.items() if firm[0] == code]
    buyers = sorted({buyer for *_, buyer, _ in _CONTRACTS} & {letter for letter, _ in firms})
    return {
        "code": code,
        "name": name,
        "kana": kana,
        "branches": {branch: "ﾎﾝﾃﾝ"},
        "kind": kind,
        "calendar": "EVERY_DAY",
        "debit": {"deadline": "12:00", "lead_days": 4, "executes_at": "15:00"},
        "credit": {"deadline": "12:00", "lead_days": 1, "executes_at": "09:00"},
        "result_days": 1,
        "result_at": "10:00",
        "statement_days": 1,
        "statement_at": "06:00",
        "return_days": 1,
        "consignors": [{"code": f"{s['site']:0>10}", "branch": branch, "type": "1", "number": s["number"]} for s in sites],
        "accounts": [
            *({"branch": branch, "type": "1", "number": s["number"], "holder": f"ｻｲﾄ{s['site']}", "balance": 0} for s in sites),
            *({"branch": f[1], "type": "1", "number": f[2], "holder": f"{letter}ｼﾔ", "balance": f[3]} for letter, f in firms),
        ],
        "mandates": [
            {"consignor": f"{s['site']:0>10}", "branch": branch, "type": "1", "number": _FIRMS[buyer][2]} for s in sites for buyer in buyers
        ],
        "rules": list(_RULES.get(code, ())),
    }


def _agenda(site: str) -> list[dict[str, Any]]:
    days = sorted({day for day, of, *_ in _CONTRACTS if of == site})
    return [
        {
            "at": f"{day}T10:00:00+09:00",
            "contracts": [registration(number) for on, of, number, *_ in _CONTRACTS if (on, of) == (day, site)],
        }
        for day in days
    ]
