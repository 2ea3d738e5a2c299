"""Whether a decoded JSON value has the shape of `RegisterContractInput`: fields, JSON types, enum names.

A fault here refuses the whole call, with every faulty place named; what a value says is the business of
`domain.registration`. It stands apart from GraphQL's own coercion because that costs forty times as much for a batch. The
house's own scalars, `amount` and `dueOn`, are handed on as they are: a wrong one refuses its item, not the call.
"""

from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from domain.problems import InputProblem, ProblemCode
from domain.statuses import AccountType, Currency, DeliveryTrigger, Mode, Release

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Enum:
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Object:
    fields: dict[str, "tuple[Any, bool]"]  # name -> (kind, required)


@dataclass(frozen=True, slots=True)
class _List:
    of: _Object


_RAW = object()  # an own scalar: checked later, item by item

RELEASES = {member.name: member for member in Release if member is not Release.NONE}
MODES = {member.name: member for member in Mode}
TRIGGERS = {member.name: member for member in DeliveryTrigger}
ACCOUNT_TYPES = {member.name: member for member in AccountType}
CURRENCIES = {member.name: member for member in Currency}

_ACCOUNT = _Object(
    {
        "bankCode": (str, True),
        "branchCode": (str, True),
        "type": (_Enum(frozenset(ACCOUNT_TYPES)), True),
        "number": (str, True),
        "holder": (str, True),
    }
)
_PARTY = _Object(
    {
        "code": (str, True),
        "name": (str, True),
        "postalCode": (str, False),
        "address": (str, True),
        "account": (_ACCOUNT, True),
    }
)
_GOODS_LINE = _Object({"name": (str, True), "model": (str, False), "quantity": (int, True)})
_TERMS = _Object(
    {
        "mode": (_Enum(frozenset(MODES)), False),
        "release": (_Enum(frozenset(RELEASES)), False),
        "deliveryTrigger": (_Enum(frozenset(TRIGGERS)), False),
        "shipBeforeAcceptance": (bool, False),
    }
)
_CONTRACT = _Object(
    {
        "siteId": (str, False),
        "number": (str, True),
        "amount": (_RAW, True),
        "currency": (_Enum(frozenset(CURRENCIES)), False),
        "dueOn": (_RAW, False),
        "seller": (_PARTY, True),
        "buyer": (_PARTY, True),
        "goods": (_List(_GOODS_LINE), True),
        "terms": (_TERMS, False),
    }
)

_NAMES = {
    str: ("a text", "文字列"),
    int: ("a whole number", "整数"),
    bool: ("true or false", "true または false"),
    dict: ("an object", "オブジェクト"),
    list: ("a list", "リスト"),
}


_party_values = itemgetter("code", "name", "address", "account")
_account_values = itemgetter("bankCode", "branchCode", "number", "holder", "type")
_PARTY_TYPES = (str, str, str, dict)
_ACCOUNT_TYPES = (str, str, str, str, str)
_TEXT_OR_NONE = frozenset({str, type(None)})


def _party_fits(value: Any) -> bool:
    if tuple(map(type, _party_values(value))) != _PARTY_TYPES or type(value.get("postalCode")) not in _TEXT_OR_NONE:
        return False
    account = value["account"]
    return (
        tuple(map(type, _account_values(account))) == _ACCOUNT_TYPES
        and account["type"] in ACCOUNT_TYPES
        and account.keys() <= _ACCOUNT.fields.keys()
        and value.keys() <= _PARTY.fields.keys()
    )


def _goods_line_fits(value: Any) -> bool:
    return (
        type(value["name"]) is str
        and type(value["quantity"]) is int
        and type(value.get("model")) in _TEXT_OR_NONE
        and value.keys() <= _GOODS_LINE.fields.keys()
    )


def _fits(item: Any) -> bool:
    """Whether the shape is right, quickly: True is sure, False means "look closely"."""
    try:
        terms = item.get("terms")
        return (
            type(item["number"]) is str
            and item["amount"] is not None
            and type(item.get("siteId")) in _TEXT_OR_NONE
            and item.get("currency") in _CURRENCY_OR_NONE
            and type(item["goods"]) is list
            and item.keys() <= _CONTRACT.fields.keys()
            and _party_fits(item["seller"])
            and _party_fits(item["buyer"])
            and all(map(_goods_line_fits, item["goods"]))
            and (
                terms is None
                or (
                    terms.get("mode") in _MODE_OR_NONE
                    and terms.get("release") in _RELEASE_OR_NONE
                    and terms.get("deliveryTrigger") in _TRIGGER_OR_NONE
                    and type(terms.get("shipBeforeAcceptance")) in _BOOL_OR_NONE
                    and terms.keys() <= _TERMS.fields.keys()
                )
            )
        )
    except (AttributeError, KeyError, TypeError):
        return False


_MODE_OR_NONE: frozenset[object] = frozenset({*MODES, None})
_RELEASE_OR_NONE: frozenset[object] = frozenset({*RELEASES, None})
_TRIGGER_OR_NONE: frozenset[object] = frozenset({*TRIGGERS, None})
_CURRENCY_OR_NONE: frozenset[object] = frozenset({*CURRENCIES, None})
_BOOL_OR_NONE = frozenset({bool, type(None)})


def shape_problems(item: object, path: Path = ()) -> list[InputProblem]:
    """Every place where `item` does not have the shape of a registration; empty if it has."""
    if _fits(item):
        return []
    problems: list[InputProblem] = []
    _object(item, _CONTRACT, path, problems)
    return problems


def _object(value: object, shape: _Object, path: Path, problems: list[InputProblem]) -> None:
    if not isinstance(value, dict):
        problems.append(_wrong_type(dict, path))
        return
    fields = shape.fields
    for name, (kind, required) in fields.items():
        given = value.get(name)
        if given is None:
            if required:
                problems.append(missing((*path, name)))
        elif kind is str:
            if type(given) is not str:
                problems.append(_wrong_type(str, (*path, name)))
        elif kind is not _RAW:
            _other(given, kind, (*path, name), problems)
    if not value.keys() <= fields.keys():
        problems += [_unknown((*path, str(name))) for name in value if name not in fields]


def _other(given: object, kind: Any, path: Path, problems: list[InputProblem]) -> None:
    if isinstance(kind, _Enum):
        if type(given) is not str or given not in kind.names:
            problems.append(_not_one_of(kind, path))
    elif isinstance(kind, _Object):
        _object(given, kind, path, problems)
    elif isinstance(kind, _List):
        if isinstance(given, list):
            for index, line in enumerate(given):
                _object(line, kind.of, (*path, str(index)), problems)
        else:
            problems.append(_wrong_type(list, path))
    elif type(given) is not kind:  # not isinstance: true is no whole number
        problems.append(_wrong_type(kind, path))


def missing(path: Path) -> InputProblem:
    """A field that must be there is left out, null, or empty."""
    return InputProblem(ProblemCode.REQUIRED, f"{path[-1]} is required.", f"{path[-1]} を入力してください。", path)


def _wrong_type(kind: type, path: Path) -> InputProblem:
    english, japanese = _NAMES[kind]
    return InputProblem(ProblemCode.INPUT_INVALID, f"Must be {english}.", f"{japanese}で入力してください。", path)


def _not_one_of(kind: _Enum, path: Path) -> InputProblem:
    names = ", ".join(sorted(kind.names))
    return InputProblem(ProblemCode.INPUT_INVALID, f"Must be one of {names}.", f"{names} のいずれかにしてください。", path)


def _unknown(path: Path) -> InputProblem:
    return InputProblem(ProblemCode.INPUT_INVALID, "There is no such field.", "このような項目はありません。", path)
