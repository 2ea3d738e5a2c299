"""Our side of the sandbox's world: what a settlement server knows of the four banks, the carriers, two sites and eight
firms.

The strangers' side (balances, when a bank answers late, what the sites sell) is the sandbox's own. What both sides
would know in reality
stands on both: codes, accounts, consents. The patent names the firms and the money; banks, codes and account numbers
are invented.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, timezone

TOKYO = timezone(timedelta(hours=9), "JST")
START = datetime(2000, 9, 20, 9, tzinfo=TOKYO)
CARRIER_ID = "sandbox-carrier"
CARRIER_NAME = "サンドボックス運輸"
CSV_CARRIER_ID = "sandbox-csv"  # no site uses it until a rule says so
CSV_CARRIER_NAME = "サンドボックス急便"


@dataclass(frozen=True, slots=True)
class BankOfTheWorld:
    """One bank: all of them work every day, take a 91 until noon four days ahead and a 21 until noon of the day
    before.
    """

    code: str
    branch: str
    name: str
    kana: str
    deduplicates: bool
    main: bool = False  # the sites' main accounts are here
    result_time: time = time(10)


@dataclass(frozen=True, slots=True)
class FirmOfTheWorld:
    """One firm of the patent's figures: a party with the same code at both sites, and one account."""

    code: str
    name: str
    address: str
    kana: str = field(repr=False)
    bank_code: str
    branch: str
    number: str = field(repr=False)
    buys: bool = False  # has consented to debits


BANKS = (
    BankOfTheWorld("9990", "001", "C銀行", "ｼ-ｷﾞﾝｺｳ", deduplicates=True, main=True),
    BankOfTheWorld("9991", "101", "B銀行", "ﾋﾞ-ｷﾞﾝｺｳ", deduplicates=False),
    BankOfTheWorld("9992", "201", "C信用金庫", "ｼ-ｼﾝﾖｳｷﾝｺ", deduplicates=True),
    BankOfTheWorld("9993", "301", "D銀行", "ﾃﾞｲ-ｷﾞﾝｺｳ", deduplicates=False),
)

SITES = {130: 1, 320: 2}  # site -> home
SITE_NAMES = {130: "電子マーケットサイト130", 320: "電子マーケットサイト320"}
SITE_HOLDER = {130: "ｻｲﾄ 130", 320: "ｻｲﾄ 320"}

FIRMS = (
    FirmOfTheWorld("A", "A社", "千代田区丸の内", "Aｼﾔ", "9990", "001", "9000001"),
    FirmOfTheWorld("B", "B社", "港区新橋", "Bｼﾔ", "9991", "101", "9000002", buys=True),
    FirmOfTheWorld("C", "C社", "渋谷区恵比寿", "Cｼﾔ", "9990", "001", "9000003"),
    FirmOfTheWorld("D", "D社", "港区青山", "Dｼﾔ", "9992", "201", "9000004", buys=True),
    FirmOfTheWorld("E", "E社", "浦和市白幡", "Eｼﾔ", "9990", "001", "9000005"),
    FirmOfTheWorld("F", "F社", "中央区銀座", "Fｼﾔ", "9993", "301", "9000006", buys=True),
    FirmOfTheWorld("G", "G社", "甲府市中央", "Gｼﾔ", "9990", "001", "9000007"),
    FirmOfTheWorld("H", "H社", "中央区京橋", "Hｼﾔ", "9991", "101", "9000008", buys=True),
)


def site_account(site_id: int, place: int) -> str:
    """The number of a site's account at the bank in that place of `BANKS`: 9130000 to 9130003, 9320000 to 9320003."""
    return f"9{site_id:03d}{place:03d}"


def consignor_code(site_id: int) -> str:
    """How each bank knows the site in a debit file (委託者コード)."""
    return f"{site_id:010d}"


def firm(name: str) -> FirmOfTheWorld:
    """The firm called so (A or A社). Raises KeyError."""
    return {entry.code: entry for entry in FIRMS}[name.strip().upper().removesuffix("社")]


def example_contract(number: str) -> dict[str, object]:
    """A registration that is accepted: B社 sells a printer to D社, whose bank has D社's consent."""
    seller, buyer = firm("B"), firm("D")
    return {
        "number": number,
        "amount": 30_000,
        "seller": party_input(seller),
        "buyer": party_input(buyer),
        "goods": [{"name": "プリンタ", "model": "MM100", "quantity": 1}],
    }


def party_input(entry: FirmOfTheWorld) -> dict[str, object]:
    """A firm as a site names it in a registration."""
    return {
        "code": entry.code,
        "name": entry.name,
        "address": entry.address,
        "account": {
            "bankCode": entry.bank_code,
            "branchCode": entry.branch,
            "type": "ORDINARY",
            "number": entry.number,
            "holder": entry.kana,
        },
    }
