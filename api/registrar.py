"""Registrations on their way from JSON to the store: shape, normal form, outcomes. In short slices, so that others have their turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import orjson

from api.context import Context
from api.errors import ApiError, ErrorCode, HttpRefusal
from api.results import AllResults, OneResult, all_refused, count_results, refused_as_a_whole, result_of
from api.turns import Turns
from domain.problems import InputProblem, ProblemCode
from domain.registration import NormalContract, normalise
from domain.shape import shape_problems
from domain.store import registering
from domain.store.registering import OnProblem, Outcome
from domain.store.site_rules import SiteNotReady
from zengin.kana import UnconvertibleCharacter, to_bank_kana

WRITE = "contracts:write"
BEYOND_INTEGERS = 2**63  # the JSON reader makes floats of whole numbers from here on

Item = NormalContract | list[InputProblem]


class ShapeFaults(Exception):
    """The call is refused: these places do not have the shape of the input. Nothing is stored."""

    def __init__(self, faults: Sequence[InputProblem]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


class Unwritable(ValueError):
    """A character that no bank file can hold."""

    def __init__(self, character: str) -> None:
        super().__init__("a character that no bank file can hold")
        self.character = character


def to_kana(name: str) -> str:
    """A holder's name in the banks' half-width kana. Raises Unwritable."""
    try:
        return to_bank_kana(name)
    except UnconvertibleCharacter as error:
        raise Unwritable(error.char) from None


def site_of(context: Context) -> int:
    """The site that this caller may register for (R08). Raises INSUFFICIENT_SCOPE: only a site registers, and with the scope."""
    context.require(WRITE)
    if context.caller.site_id is None:
        raise ApiError(
            ErrorCode.INSUFFICIENT_SCOPE,
            context.say("Only a market site registers contracts.", "契約を登録できるのはマーケットサイトだけです。"),
            wanted=WRITE,
        )
    return context.caller.site_id


def too_many(context: Context, count: int, limit: int) -> ApiError:
    """BATCH_TOO_LARGE, with the numbers."""
    return ApiError(
        ErrorCode.BATCH_TOO_LARGE,
        context.say(
            f"{count:,} contracts in one call; at most {limit:,} are taken in this form.",
            f"1 回の登録は {limit:,} 件までです（{count:,} 件ありました）。",
        ),
        count=count,
        limit=limit,
    )


async def normal_forms(raws: Iterable[Any], prefix: tuple[str, ...] | None) -> list[Item]:
    """Each contract in normal form, or what is wrong with its values (paths begin at the contract).

    Args:
        raws: Decoded JSON, or JSON that is still to be decoded.
        prefix: Where the list stands in the input; None: there is only one contract, and it is the input.

    Raises:
        ShapeFaults: All faults of shape, with their places in the input.
    """
    items: list[Item] = []
    faults: list[InputProblem] = []
    turns = Turns.begin()
    for index, raw in enumerate(raws):
        item = _decoded(raw) if isinstance(raw, msgspec.Raw) else raw
        found = shape_faults(item, () if prefix is None else (*prefix, str(index)))
        if found:
            faults += found
        elif not faults:
            items.append(normalise(item, to_kana))
        await turns.pause()
    if faults:
        raise ShapeFaults(faults)
    return items


def _decoded(raw: msgspec.Raw) -> Any:
    try:
        return orjson.loads(bytes(raw))
    except orjson.JSONDecodeError:
        raise HttpRefusal.bad("The body is not JSON.") from None


_TEXT = InputProblem(ProblemCode.INPUT_INVALID, "Must be a text.", "文字列で入力してください。")
_WHOLE = InputProblem(ProblemCode.INPUT_INVALID, "Must be a whole number.", "整数で入力してください。")


def shape_faults(item: Any, path: tuple[str, ...]) -> list[InputProblem]:
    """Places where a registration has the wrong shape.

    What the domain hands on raw has a JSON type all the same: an amount is a whole number or a text, a date a text.
    """
    found = shape_problems(item, path)
    if not isinstance(item, dict):
        return found
    amount, due_on = item.get("amount"), item.get("dueOn")
    if type(amount) is float and amount >= BEYOND_INTEGERS and amount.is_integer():
        item["amount"] = int(amount)  # a whole number after all, and too large: its own contract's fault
    elif amount is not None and type(amount) not in (int, str):
        found.append(_at(_WHOLE, (*path, "amount")))
    if due_on is not None and type(due_on) is not str:
        found.append(_at(_TEXT, (*path, "dueOn")))
    return found


def _at(problem: InputProblem, path: tuple[str, ...]) -> InputProblem:
    return InputProblem(problem.code, problem.message_en, problem.message_ja, path)


async def register_one(context: Context, raw: Any) -> OneResult:
    """Registers one contract."""
    site_id = site_of(context)
    items = await normal_forms([raw], None)
    outcomes = await _outcomes(context, site_id, items, OnProblem.REGISTER_OTHERS)
    return result_of(context, outcomes[0], _number(items[0]))


async def register_all(context: Context, raws: Sequence[Any], on_problem: OnProblem, limit: int) -> AllResults:
    """Registers a call's contracts."""
    site_id = site_of(context)
    if len(raws) > limit:
        raise too_many(context, len(raws), limit)
    items = await normal_forms(raws, ("contracts",))
    outcomes = await _outcomes(context, site_id, items, on_problem)
    if refused_as_a_whole(outcomes, on_problem):
        return all_refused(context, outcomes)
    results: list[OneResult] = []
    turns = Turns.begin()
    for index, (item, outcome) in enumerate(zip(items, outcomes, strict=True)):
        results.append(result_of(context, outcome, _number(item), ("contracts", str(index))))
        await turns.pause()
    return count_results(results)


async def _outcomes(context: Context, site_id: int, items: Sequence[Item], on_problem: OnProblem) -> list[Outcome]:
    if not items:
        return []
    try:
        return await registering.register(site_id, items, on_problem=on_problem, now=context.now, machine_now=context.machine_now)
    except SiteNotReady:
        return [registering.Refused((NOT_READY,))] * len(items)


def _number(item: Item) -> str:
    return item.number if isinstance(item, NormalContract) else ""


NOT_READY = InputProblem(
    ProblemCode.NOT_ROUTABLE,
    "The site has no main account in force, so nothing could be settled.",
    "サイトに有効な主口座がないため、清算できません。",
)
