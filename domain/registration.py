"""One registration (契約登録) as the house understands it: normalised, checked, and with its content fixed for ever.

The site's words come in as decoded JSON. Out comes a `NormalContract`, or every mistake at once. Content is the input
after normalisation and before defaults (R11, I13): the same content under the same number is the same contract, for ever.
Site and bank data are not looked at here; that is `domain.acceptance`.

A batch brings a hundred thousand of these, so the common case is straight: no mistake, a holder already in bank kana,
parties that come again and again.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from itertools import zip_longest
from operator import itemgetter
from typing import Any, TypeVar
from unicodedata import normalize

from domain.accounts import DEBITABLE_TYPES, NOT_DEBITABLE_BANK, BankAccount
from domain.money import MAX_LINE
from domain.problems import InputProblem, ProblemCode
from domain.shape import ACCOUNT_TYPES, CURRENCIES, MODES, RELEASES, TRIGGERS, Path, missing, shape_problems
from domain.statuses import AccountType, Currency, DeliveryTrigger, Mode, Release

__all__ = [
    "CONTENT_VERSION",
    "GoodsLine",
    "InputProblem",
    "NormalContract",
    "NormalParty",
    "ProblemCode",
    "content_hash",
    "differing_paths",
    "normalise",
    "normalise_party",
    "shape_problems",
]

CONTENT_VERSION = 1
"""The version of the rules below. It is stored with each hash, so that rules can change without a false conflict."""

MAX_NUMBER = 64
MAX_CODE = 64
MAX_NAME = 140
MAX_ADDRESS = 300
MAX_POSTAL_CODE = 16
MAX_GOODS_NAME = 200
MAX_MODEL = 100
MAX_GOODS_LINES = 100
MAX_QUANTITY = 999_999_999
MAX_HOLDER = 30  # the width of a name in debit and credit records
_MAX_AMOUNT_DIGITS = 16  # of 2^53 - 1, the largest Amount

_VISIBLE_ASCII = re.compile(r"[!-~]{1,64}")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# The banks' strict set for names: kana without ｦ and small kana, capitals, digits, space ( ) - .
_BANK_KANA = re.compile(r"[ｱ-ﾝﾞﾟA-Z0-9 ().\-]{1,30}")
# Control characters, line and paragraph separators, what turns the direction of writing round, halves of characters.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_NOT_A_BANK = frozenset({"0000", "9999"})

_NOTHING: Mapping[str, Any] = {}
_VERSION_BYTE = bytes((CONTENT_VERSION,))
_quoted = json.encoder.encode_basestring  # a JSON string, with nothing escaped that need not be


@dataclass(frozen=True, slots=True)
class NormalParty:
    """A buyer or seller as the contract names it."""

    code: str
    name: str
    postal_code: str | None
    address: str
    account: BankAccount


@dataclass(frozen=True, slots=True)
class GoodsLine:
    """One line of goods (商品明細). The quantity is the site's own figure, copied, never counted (S46)."""

    name: str
    model: str | None
    quantity: int


@dataclass(frozen=True, slots=True)
class NormalContract:
    """A registration after normalisation. None means that the site left it out."""

    site_id: str | None
    number: str
    amount: int
    currency: Currency
    due_on: date | None
    seller: NormalParty
    buyer: NormalParty
    goods: tuple[GoodsLine, ...]
    mode: Mode | None
    release: Release | None
    delivery_trigger: DeliveryTrigger | None
    ship_before_acceptance: bool | None
    canonical: bytes  # the content as UTF-8 JSON with sorted keys; what a conflict is explained from


def _invalid(message_en: str, message_ja: str, path: Path, code: ProblemCode = ProblemCode.INPUT_INVALID) -> InputProblem:
    return InputProblem(code, message_en, message_ja, path)


# -- single values ---------------------------------------------------------------------------------
# Each gives the normal value; what it gives beside a problem is never used. `at` and `name` make the path, which is put
# together only where something is wrong.


def _text(given: str, maximum: int, at: Path, name: str, problems: list[InputProblem]) -> str:
    if 0 < len(given) <= maximum and given.isprintable() and given[0] != " " != given[-1]:
        return given
    value = given.strip()
    if not value:
        problems.append(missing((*at, name)))
    elif len(value) > maximum:
        problems.append(_invalid(f"At most {maximum} characters.", f"{maximum} 文字以内で入力してください。", (*at, name)))
    elif _UNPRINTABLE.search(value):
        problems.append(_invalid("Holds a control character.", "制御文字は使えません。", (*at, name)))
    return value


def _optional(given: str | None, maximum: int, at: Path, name: str, problems: list[InputProblem]) -> str | None:
    if given is None or not given.strip():
        return None
    return _text(given, maximum, at, name, problems)


def _code(given: str) -> str:
    """Codes are compared after NFKC: １３０ and 130 are one code."""
    return given if given.isascii() else normalize("NFKC", given)


def _digits(given: str, width: int, at: Path, name: str, problems: list[InputProblem]) -> str:
    if len(given) == width and given.isascii() and given.isdigit():
        return given
    value = _code(given).strip()
    if not value:
        problems.append(missing((*at, name)))
    elif not (len(value) == width and value.isascii() and value.isdigit()):
        problems.append(_invalid(f"Must be {width} digits.", f"{width} 桁の数字で入力してください。", (*at, name)))
    return value


def _number(given: str, at: Path, problems: list[InputProblem]) -> str:
    if _VISIBLE_ASCII.fullmatch(given):
        return given
    value, path = normalize("NFC", given), (*at, "number")
    if not value:
        problems.append(missing(path))
    elif len(value) > MAX_NUMBER or " " in value or not value.isprintable():
        problems.append(_invalid("1 to 64 visible characters, without spaces.", "空白を含まない 1〜64 文字で入力してください。", path))
    return value


def _amount(given: object, at: Path, problems: list[InputProblem]) -> int:
    if type(given) is int:
        value = given
    elif isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= _MAX_AMOUNT_DIGITS:
        value = int(given)
    else:
        message = "The amount is whole yen: an integer, or a text of digits."
        message_ja = "金額は円単位の整数（または数字だけの文字列）で入力してください。"
        problems.append(_invalid(message, message_ja, (*at, "amount")))
        return 0
    if value > MAX_LINE:
        code = ProblemCode.AMOUNT_TOO_LARGE
        message_ja = f"金額は {MAX_LINE:,} 円以下にしてください。"
        problems.append(_invalid(f"At most {MAX_LINE:,} yen.", message_ja, (*at, "amount"), code))
    elif value < 1:
        problems.append(_invalid("At least 1 yen.", "金額は 1 円以上にしてください。", (*at, "amount")))
    return value


def _date(given: object, at: Path, problems: list[InputProblem]) -> date | None:
    if given is None:
        return None
    path = (*at, "dueOn")
    if not (isinstance(given, str) and _ISO_DATE.fullmatch(given)):
        problems.append(_invalid("A date is written YYYY-MM-DD.", "日付は YYYY-MM-DD の形で入力してください。", path))
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        code = ProblemCode.DATE_NOT_POSSIBLE
        problems.append(_invalid("There is no such date.", "存在しない日付です。", path, code))
        return None


def _holder(given: str, to_kana: Callable[[str], str], at: Path, problems: list[InputProblem]) -> str:
    value = given.strip()
    if _BANK_KANA.fullmatch(value):
        return value
    path = (*at, "holder")
    if not value:
        problems.append(missing(path))
        return value
    try:
        value = to_kana(value).strip()
    except ValueError as error:
        character = getattr(error, "character", None)
        if character is None:
            raise
        problems.append(_unsupported(character, path))
        return value
    if _BANK_KANA.fullmatch(value):
        return value
    strange = next((c for c in value if not _BANK_KANA.fullmatch(c)), None)
    if strange is not None:
        problems.append(_unsupported(strange, path))
    else:
        problems.append(
            _invalid(
                f"At most {MAX_HOLDER} half-width characters, a voiced mark counting as one.",
                f"半角カナで {MAX_HOLDER} 文字以内（濁点・半濁点も 1 文字）で入力してください。",
                path,
            )
        )
    return value


def _unsupported(character: str, path: Path) -> InputProblem:
    shown = character if character.isprintable() else f"U+{ord(character[0]):04X}"
    return InputProblem(
        ProblemCode.UNSUPPORTED_CHARACTER,
        f"“{shown}” cannot be written in the banks' data. Please write the name in kana.",
        f"「{shown}」は銀行のデータに書けません。カナで入力してください。",
        path,
    )


# -- parts that come again and again ---------------------------------------------------------------
# A part is remembered together with its piece of canonical JSON. Only what had no mistake is remembered, and when there
# is too much of it, all is forgotten at once: a bound on memory, nothing more.

_MAX_KNOWN = 20_000
_Part = TypeVar("_Part")
_Known = dict[tuple[object, ...], tuple[_Part, str]]

_known_parties: _Known[NormalParty] = {}
_known_goods: _Known[GoodsLine] = {}
_party_values = itemgetter("code", "name", "address")
_account_values = itemgetter("bankCode", "branchCode", "type", "number", "holder")


def _remember(known: _Known[_Part], key: tuple[object, ...], part: tuple[_Part, str]) -> None:
    if len(known) >= _MAX_KNOWN:
        known.clear()
    known[key] = part


def _party(
    raw: Mapping[str, Any], side: str, to_kana: Callable[[str], str], path: Path, problems: list[InputProblem]
) -> tuple[NormalParty, str]:
    key = (side, to_kana, raw.get("postalCode"), *_party_values(raw), *_account_values(raw["account"]))
    known = _known_parties.get(key)
    if known is None:
        before = len(problems)
        known = _party_afresh(raw, side, to_kana, (*path, side), problems)
        if len(problems) == before:
            _remember(_known_parties, key, known)
    return known


def normalise_party(raw: Mapping[str, Any], to_kana: Callable[[str], str]) -> NormalParty | list[InputProblem]:
    """A party as its site makes it known before any contract (records section 1), or every mistake at once.

    What only a buyer's account must be is not asked here: the party may sell.
    """
    problems: list[InputProblem] = []
    party, _ = _party_afresh(raw, "", to_kana, (), problems)
    return problems or party


def _party_afresh(
    raw: Mapping[str, Any], side: str, to_kana: Callable[[str], str], path: Path, problems: list[InputProblem]
) -> tuple[NormalParty, str]:
    given = raw["account"]
    at = (*path, "account")
    account = BankAccount(
        _digits(given["bankCode"], 4, at, "bankCode", problems),
        _digits(given["branchCode"], 3, at, "branchCode", problems),
        ACCOUNT_TYPES[given["type"]],
        _digits(given["number"], 7, at, "number", problems),
        _holder(given["holder"], to_kana, at, problems),
    )
    if account.bank_code in _NOT_A_BANK:
        problems.append(_invalid("There is no such bank.", "存在しない銀行です。", (*at, "bankCode")))
    if side == "buyer" and not account.debitable:
        problems += _debit_problems(account, at)
    postal_code = raw.get("postalCode")
    party = NormalParty(
        _text(_code(raw["code"]), MAX_CODE, path, "code", problems),
        _text(raw["name"], MAX_NAME, path, "name", problems),
        _optional(_code(postal_code), MAX_POSTAL_CODE, path, "postalCode", problems) if postal_code else None,
        _text(raw["address"], MAX_ADDRESS, path, "address", problems),
        account,
    )
    # The keys stand sorted, as canonical JSON wants them.
    canonical = (
        f'{{"account":{{"bankCode":"{account.bank_code}","branchCode":"{account.branch_code}",'
        f'"holder":{_quoted(account.holder)},"number":"{account.number}","type":"{given["type"]}"}},'
        f'"address":{_quoted(party.address)},"code":{_quoted(party.code)},"name":{_quoted(party.name)}'
        + (f',"postalCode":{_quoted(party.postal_code)}}}' if party.postal_code else "}")
    )
    return party, canonical


def _debit_problems(account: BankAccount, at: Path) -> list[InputProblem]:
    found: list[InputProblem] = []
    if account.type not in DEBITABLE_TYPES:
        names = " or ".join(member.name for member in AccountType if member in DEBITABLE_TYPES)
        found.append(
            _invalid(
                f"A buyer's account is debited and must be {names}.",
                "買主の口座は普通預金か当座預金に限ります。",
                (*at, "type"),
            )
        )
    if account.bank_code == NOT_DEBITABLE_BANK:
        found.append(
            _invalid(
                "Accounts at this bank cannot be debited yet.",
                "この金融機関の口座からの振替にはまだ対応していません。",
                (*at, "bankCode"),
                ProblemCode.NOT_ROUTABLE,
            )
        )
    return found


def _goods(raw: list[Mapping[str, Any]], path: Path, problems: list[InputProblem]) -> tuple[tuple[GoodsLine, ...], str]:
    if not 1 <= len(raw) <= MAX_GOODS_LINES:
        at = (*path, "goods")
        message_ja = f"{MAX_GOODS_LINES} 行以内にしてください。"
        problems.append(_invalid(f"At most {MAX_GOODS_LINES} lines.", message_ja, at) if raw else missing(at))
        return (), "[]"
    lines = [_goods_line(line, index, path, problems) for index, line in enumerate(raw)]
    return tuple([line for line, _ in lines]), f"[{','.join([piece for _, piece in lines])}]"


def _goods_line(raw: Mapping[str, Any], index: int, path: Path, problems: list[InputProblem]) -> tuple[GoodsLine, str]:
    given, model, quantity = raw["name"], raw.get("model"), raw["quantity"]
    key = (given, model, quantity)
    known = _known_goods.get(key)
    if known is not None:
        return known
    before = len(problems)
    at = (*path, "goods", str(index))
    if not 1 <= quantity <= MAX_QUANTITY:
        problems.append(_invalid(f"From 1 to {MAX_QUANTITY:,}.", f"1 から {MAX_QUANTITY:,} までです。", (*at, "quantity")))
    line = GoodsLine(
        _text(given, MAX_GOODS_NAME, at, "name", problems),
        _optional(model, MAX_MODEL, at, "model", problems),
        quantity,
    )
    first = f'"model":{_quoted(line.model)},' if line.model else ""
    made = line, f'{{{first}"name":{_quoted(line.name)},"quantity":{quantity}}}'
    if len(problems) == before:
        _remember(_known_goods, key, made)
    return made


_Terms = tuple[Mode | None, Release | None, DeliveryTrigger | None, bool | None]


@cache
def _terms(
    mode: str | None,
    release: str | None,
    trigger: str | None,
    at_once: bool | None,  # noqa: FBT001
) -> tuple[_Terms, str]:
    # GraphQL fills `mode` in before anybody here sees whether it was written, so the schema's own default is no content.
    chosen = {"deliveryTrigger": trigger, "mode": None if mode == "ESCROW" else mode, "release": release}
    content = {name: value for name, value in {**chosen, "shipBeforeAcceptance": at_once}.items() if value is not None}
    members = (
        None if mode is None else MODES[mode],
        None if release is None else RELEASES[release],
        None if trigger is None else TRIGGERS[trigger],
        at_once,
    )
    return members, f',"terms":{json.dumps(content, separators=(",", ":"))}' if content else ""


# -- the whole -------------------------------------------------------------------------------------


def normalise(item: Mapping[str, Any], to_kana: Callable[[str], str], path: Path = ()) -> NormalContract | list[InputProblem]:
    """The normal form of a registration, or every mistake in it.

    Args:
        item: Decoded JSON whose shape is right (`shape_problems` found nothing); camelCase keys.
        to_kana: Converts a name to the banks' half-width kana; on a character that has no such form it raises a
            ValueError with the attribute `character`. Not asked when the name is already clean.
        path: Where the item stands in the input; goes before each problem's own path.
    """
    problems: list[InputProblem] = []
    number = _number(item["number"], path, problems)
    amount = _amount(item["amount"], path, problems)
    due_on = _date(item.get("dueOn"), path, problems)
    seller, seller_content = _party(item["seller"], "seller", to_kana, path, problems)
    buyer, buyer_content = _party(item["buyer"], "buyer", to_kana, path, problems)
    goods, goods_content = _goods(item["goods"], path, problems)
    if problems:
        return problems
    chosen = item.get("terms") or _NOTHING
    (mode, release, trigger, at_once), terms_content = _terms(
        chosen.get("mode"), chosen.get("release"), chosen.get("deliveryTrigger"), chosen.get("shipBeforeAcceptance")
    )
    # `siteId` repeats what the token says and `currency` has one value, the default: neither is content.
    site_id = item.get("siteId")
    canonical = (
        f'{{"amount":{amount},"buyer":{buyer_content}'
        + (f',"dueOn":"{due_on}"' if due_on else "")
        + f',"goods":{goods_content},"number":{_quoted(number)},"seller":{seller_content}{terms_content}}}'
    )
    return NormalContract(
        None if site_id is None else _code(site_id).strip(),
        number,
        amount,
        CURRENCIES[item.get("currency") or "JPY"],
        due_on,
        seller,
        buyer,
        goods,
        mode,
        release,
        trigger,
        at_once,
        canonical.encode(),
    )


def content_hash(normal: NormalContract) -> bytes:
    """33 bytes: the version of the rules, then SHA-256 of the canonical content."""
    return _VERSION_BYTE + sha256(normal.canonical).digest()


def differing_paths(old_canonical: bytes, new_canonical: bytes) -> list[tuple[str, ...]]:
    """The input paths at which two contents differ, keys in sorted order, lines in theirs; empty if they agree."""
    found: list[tuple[str, ...]] = []
    _differ(json.loads(old_canonical), json.loads(new_canonical), (), found)
    return found


def _differ(old: Any, new: Any, path: Path, found: list[tuple[str, ...]]) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            before, after = old.get(name), new.get(name)
            nested = isinstance(before, dict) or isinstance(after, dict)  # left out whole: its fields are what differs
            _differ({} if nested and before is None else before, {} if nested and after is None else after, (*path, name), found)
    elif isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip_longest(old, new)):
            _differ(before, after, (*path, str(index)), found)
    elif old != new:
        found.append(path)
