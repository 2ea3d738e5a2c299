"""The configuration: one JSON file that says which strangers there are (docs/sandbox.md lists every field).

Settings (deadlines, secrets, addresses) are read at every start. What makes up the world (accounts with their opening
balances, mandates, rules, the sites' agenda, the clock) is taken from the file once; afterwards the books hold it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sandbox.calendar import BANK_DAYS, Calendar
from sandbox.carrier_files import is_writable
from sandbox.instants import parse_instant
from sandbox.plans import EVENT_TYPES
from sandbox.wire import ENCODINGS, FRAMINGS

_T = TypeVar("_T")
DEDUPLICATING = "deduplicating"
PLAIN = "plain"
CSV = "csv"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)


class ConfigError(ValueError):
    """The file cannot be used; the message names the place in it."""


@dataclass(frozen=True, slots=True)
class FileTerms:
    """When a file of a kind must be there, and when it is carried out."""

    deadline: time
    lead_days: int
    executes_at: time


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """An account of the opening world; the number stays out of the repr."""

    key: str = field(repr=False)
    holder: str
    balance: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True)
class BankConfig:
    """One bank. Codes 9990-9998 belong to nobody."""

    code: str
    name: str
    kana: str
    branches: Mapping[str, str]
    deduplicates: bool
    format: str
    """zengin, iso20022 or json; json is spoken over HTTP."""
    framing: str
    """Of a Zengin bank: crlf, none, inside_crlf or inside_cr."""
    encoding: str
    """Of a Zengin bank: jis or ebcdic."""
    secrets: tuple[str, ...] = field(repr=False)
    """What calls to a JSON bank, and its messages, are signed with; several while a key is changed."""
    pushes: bool
    """A JSON bank sends its messages to the API's hook as well as listing them."""
    calendar: Calendar
    debit: FileTerms
    credit: FileTerms
    result_days: int
    result_at: time
    result_failed_only: bool
    statement_days: int
    statement_at: time
    notice_at: time | None  # of incoming credits, on their day; None: this bank writes none
    return_days: int
    charge_per_line: Mapping[str, int]
    max_lines: int
    max_amount: int
    accounts: tuple[AccountConfig, ...]
    consignors: tuple[tuple[str, str], ...] = field(repr=False)
    mandates: tuple[tuple[str, str], ...] = field(repr=False)
    rules: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class CarrierConfig:
    """One carrier. `secrets` sign what comes to it, `hook_secrets` (the same when left out) what it sends; several while a key is changed."""

    id: str
    format: str
    """json, by calls; or csv, by files in its directories: then it has no secrets."""
    deduplicates: bool
    secrets: tuple[str, ...] = field(repr=False)
    hook_secrets: tuple[str, ...] = field(repr=False)
    calendar: Calendar
    ship_days: int
    ships_at: time
    event_prefix: str
    models: Mapping[str, str]
    words: Mapping[str, str]
    """What a csv carrier calls the types of events, where it is not the usual word."""
    billing_code: str | None
    """請求先顧客コード that a csv carrier wants to see; None: it does not look."""

    @property
    def by_file(self) -> bool:
        return self.format == CSV


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """One market site; without a client it waits for the credentials file."""

    id: str
    client_id: str | None
    client_secret: str | None = field(repr=False)
    scope: str
    agenda: tuple[Mapping[str, Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """The world."""

    start: datetime
    ticking: bool
    api: str | None
    credentials_file: Path | None
    sftp_port: int | None
    """None: no SFTP server; 0: any free port."""
    banks: Mapping[str, BankConfig]
    carriers: Mapping[str, CarrierConfig]
    sites: Mapping[str, SiteConfig]


def account_key(data: Mapping[str, Any]) -> str:
    """Branch 3, type 1, number 7 in one; raises ValueError for anything else."""
    parts = str(data["branch"]), str(data.get("type", "1")), str(data["number"])
    if [len(part) for part in parts] != [3, 1, 7] or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError("an account is branch (3 digits), type (1), number (7)")
    return "".join(parts)


def load_config(path: Path) -> Config:
    """Raises ConfigError with the place of the first mistake."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return read_config(data, path.parent)


def read_config(data: Mapping[str, Any], base: Path = Path()) -> Config:
    """The configuration from its JSON; relative paths in it start at `base`."""
    holidays = _at("holidays", lambda: frozenset(date.fromisoformat(day) for day in data.get("holidays", ())))
    clock = data.get("clock", {})
    credentials = data.get("credentials_file")
    banks = {b.code: b for b in _every("banks", data, partial(_bank, holidays=holidays))}
    carriers = {c.id: c for c in _every("carriers", data, partial(_carrier, holidays=holidays))}
    _at("carriers", partial(_check_names, banks, [c.id for c in carriers.values() if c.by_file]))
    return Config(
        start=_at("clock", lambda: parse_instant(clock["now"])),
        ticking=bool(clock.get("ticking", False)),
        api=data.get("api"),
        credentials_file=None if credentials is None else base / credentials,
        sftp_port=_at("sftp", lambda: int(data["sftp"].get("port", 0)) if data.get("sftp") is not None else None),
        banks=banks,
        carriers=carriers,
        sites={s.id: s for s in _every("sites", data, _site)},
    )


def _at(place: str, read: Callable[[], _T]) -> _T:
    """Read a part, and name its place when it cannot be read."""
    try:
        return read()
    except ConfigError:
        raise
    except KeyError as error:
        raise ConfigError(f"{place}: {error.args[0]} is missing") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"{place}: {error}") from error


def _every(name: str, data: Mapping[str, Any], read: Callable[[Mapping[str, Any]], _T]) -> list[_T]:
    parts: list[_T] = []
    for index, part in enumerate(data.get(name, ())):
        parts.append(_at(f"{name}[{index}]", partial(read, part)))
    return parts


def _calendar(data: Mapping[str, Any], holidays: frozenset[date]) -> Calendar:
    return Calendar(data.get("calendar", BANK_DAYS), holidays)


def _deduplicates(data: Mapping[str, Any]) -> bool:
    kind = data.get("kind", DEDUPLICATING)
    if kind not in {DEDUPLICATING, PLAIN}:
        raise ValueError(f"kind is {DEDUPLICATING} or {PLAIN}, not {kind!r}")
    return bool(kind == DEDUPLICATING)


def _terms(data: Mapping[str, Any], lead_days: int, executes_at: str) -> FileTerms:
    return FileTerms(
        deadline=time.fromisoformat(data.get("deadline", "12:00")),
        lead_days=int(data.get("lead_days", lead_days)),
        executes_at=time.fromisoformat(data.get("executes_at", executes_at)),
    )


def _bank(data: Mapping[str, Any], holidays: frozenset[date]) -> BankConfig:
    shape = data.get("result_shape", "ALL")
    if shape not in {"ALL", "FAILED_ONLY"}:
        raise ValueError(f"result_shape is ALL or FAILED_ONLY, not {shape!r}")
    return_days = int(data.get("return_days", 1))
    if not 0 <= return_days <= 3:
        raise ValueError("return_days is 0 to 3")
    form = data.get("format", "zengin")
    if form not in {"zengin", "iso20022", "json"}:
        raise ValueError(f"format is zengin, iso20022 or json, not {form!r}")
    if form == "json" and not data.get("secrets"):
        raise ValueError("a bank of format json needs secrets")
    framing, encoding = data.get("framing", "crlf"), data.get("encoding", "jis")
    if framing not in FRAMINGS or encoding not in ENCODINGS:
        raise ValueError(f"framing is one of {sorted(FRAMINGS)}, encoding one of {sorted(ENCODINGS)}")
    return BankConfig(
        code=data["code"],
        name=data.get("name", data["code"]),
        kana=data["kana"],
        branches=dict(data.get("branches", {})),
        deduplicates=_deduplicates(data),
        format=form,
        framing=framing,
        encoding=encoding,
        secrets=tuple(data.get("secrets", ())),
        pushes=bool(data.get("pushes", False)),
        calendar=_calendar(data, holidays),
        debit=_terms(data.get("debit", {}), 4, "15:00"),
        credit=_terms(data.get("credit", {}), 1, "09:00"),
        result_days=int(data.get("result_days", 1)),
        result_at=time.fromisoformat(data.get("result_at", "10:00")),
        result_failed_only=shape == "FAILED_ONLY",
        statement_days=int(data.get("statement_days", 1)),
        statement_at=time.fromisoformat(data.get("statement_at", "06:00")),
        notice_at=time.fromisoformat(data["notice_at"]) if data.get("notice_at") else None,
        return_days=return_days,
        charge_per_line={kind: int(yen) for kind, yen in data.get("charge_per_line", {}).items()},
        max_lines=int(data.get("max_lines", 999_999)),
        max_amount=int(data.get("max_amount", 999_999_999_999)),
        accounts=tuple(
            AccountConfig(account_key(a), a["holder"], int(a.get("balance", 0)), bool(a.get("closed", False)))
            for a in data.get("accounts", ())
        ),
        consignors=tuple((c["code"], account_key(c)) for c in data.get("consignors", ())),
        mandates=tuple((m["consignor"], account_key(m)) for m in data.get("mandates", ())),
        rules=tuple(data.get("rules", ())),
    )


def _carrier(data: Mapping[str, Any], holidays: frozenset[date]) -> CarrierConfig:
    form = data.get("format", "json")
    if form not in {"json", CSV}:
        raise ValueError(f"format is json or {CSV}, not {form!r}")
    secrets = tuple(data["secrets"] if form == "json" else data.get("secrets", ()))
    words = dict(data.get("words", {}))
    if strange := words.keys() - set(EVENT_TYPES):
        raise ValueError(f"words: no such event: {', '.join(sorted(strange))}")
    if not all(is_writable(text, 20) for text in (*words.values(), data.get("billing_code", "x"))):
        raise ValueError("words and billing_code are 1 to 20 characters of code page 932 each")
    return CarrierConfig(
        id=data["id"],
        format=form,
        deduplicates=_deduplicates(data),
        secrets=secrets,
        hook_secrets=tuple(data.get("hook_secrets", secrets)),
        calendar=_calendar(data, holidays),
        ship_days=int(data.get("ship_days", 3)),
        ships_at=time.fromisoformat(data.get("ships_at", "09:00")),
        event_prefix=data.get("event_prefix", "sc"),
        models=dict(data.get("models", {})),
        words=words,
        billing_code=data.get("billing_code"),
    )


def _check_names(banks: Iterable[str], carriers: Iterable[str]) -> None:
    """Names of directories, of logins and of keys: each is somebody's alone, and none is a path."""
    taken = {"client", "host", "other_host", *banks}
    for name in carriers:
        if name in taken or not _NAME.fullmatch(name):
            raise ValueError(f"a csv carrier's id is a letter and up to 39 letters, digits, - and _, and no other's: not {name!r}")


def _site(data: Mapping[str, Any]) -> SiteConfig:
    return SiteConfig(
        id=data["id"],
        client_id=data.get("client_id"),
        client_secret=data.get("client_secret"),
        scope=data.get("scope", "contracts:read contracts:write"),
        agenda=tuple(data.get("agenda", ())),
    )
