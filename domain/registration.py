"""One registration: shape, values, content. Interface first (what needs site data: domain.acceptance)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.accounts import BankAccount
from domain.problems import InputProblem, ProblemCode
from domain.statuses import Currency, DeliveryTrigger, Mode, Release

__all__ = [
    "GoodsLine",
    "InputProblem",
    "NormalContract",
    "NormalParty",
    "ProblemCode",
    "content_hash",
    "differing_paths",
    "normalise",
    "shape_problems",
]


@dataclass(frozen=True, slots=True)
class NormalParty:
    code: str
    name: str
    postal_code: str | None
    address: str
    account: BankAccount


@dataclass(frozen=True, slots=True)
class GoodsLine:
    name: str
    model: str | None
    quantity: int


@dataclass(frozen=True, slots=True)
class NormalContract:
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
    canonical: bytes  # UTF-8 JSON, sorted keys: keep it (or be able to make it again) to name differing paths


def shape_problems(item: object, path: tuple[str, ...] = ()) -> list[InputProblem]:
    raise NotImplementedError


def normalise(
    item: Mapping[str, Any], to_kana: Callable[[str], str], path: tuple[str, ...] = ()
) -> NormalContract | list[InputProblem]:
    raise NotImplementedError


def content_hash(normal: NormalContract) -> bytes:
    raise NotImplementedError


def differing_paths(old_canonical: bytes, new_canonical: bytes) -> list[tuple[str, ...]]:
    raise NotImplementedError
