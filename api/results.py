"""What a registration answers: results and refusals, made from outcomes in one place for every path (api.register, api.batch)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias, cast

import strawberry

from api.context import Context
from api.types.contract import Contract
from api.types.enums import describe
from domain.contract_id import text
from domain.problems import InputProblem as Finding
from domain.problems import ProblemCode
from domain.store.registering import Conflict, OnProblem, Outcome, Refused, Registered

Path = tuple[str, ...]

describe(
    ProblemCode,
    "Why an input was refused. An open set: expect codes that are not yet here.",
    {
        "INPUT_INVALID": "A value that cannot be meant.",
        "REQUIRED": "Left out, or empty.",
        "CONTENT_DIFFERS": "The number belongs to a contract with other content.",
        "TERMS_DEADLOCK": "Terms that can never be fulfilled together.",
        "NO_MANDATE": "The buyer has not consented to debits (預金口座振替依頼書) from this account, or not to as much.",
        "NOT_ROUTABLE": "The site has no account at the buyer's bank, debits there are not possible, or none of its carriers takes the goods there.",
        "DIRECT_NOT_POSSIBLE": "There is no direct way from this buyer to this seller inside one bank.",
        "UNSUPPORTED_CHARACTER": "A character that the banks' files, or the files of the carrier of these goods, cannot hold.",
        "DATE_NOT_POSSIBLE": "Past, after the deadline, not a bank day, too far ahead, or not in the calendar.",
        "AMOUNT_TOO_LARGE": "More than a debit record can carry.",
        "TOO_LATE": "The batch is sealed.",
        "PARTY_CLAIMED": "A firm holds the party already.",
        "NEEDS_ANOTHER_PERSON": "Whoever has asked cannot also agree: another person has to.",
        "NOT_POSSIBLE_HERE": "This server is not set up for it.",
        "NOT_FOUND": "Does not exist, or is not yours, which is the same answer.",
        "ADDRESS_NOT_ALLOWED": "An address that is not called: not https, private, or no address at all.",
        "DOCUMENT_NOT_POSSIBLE": "No single subscription, not valid, too costly, or not among the trusted documents.",
        "TOO_MANY": "As many as there may be are there already, or too many tries.",
        "DISABLED": "The webhook is disabled: enable it first.",
        "CODE_WRONG": "Not the code that was mailed, or too late: have another one sent.",
        "NOT_CONFIGURED": "This server sends no mail.",
    },
)


@strawberry.interface(description="Something that was refused, and why. Refusals are answers, not errors.")
class Problem:
    code: ProblemCode = strawberry.field(description="Why, for programs.")
    message: str = strawberry.field(description="Why, for people, in the language that the request prefers.")
    path: list[str] = strawberry.field(description="Where in the mutation's `input`. Empty: the whole of it.")


@strawberry.type(description="One mistake in an input.")
class InputProblem(Problem):
    pass


@strawberry.type(
    description="The due date (決済指定日) could not be kept as it was asked for, and a rule of the bank or the site has moved it."
)
class DueDateMoved:
    requested_on: dt.date = strawberry.field(description="The due date that was asked for.")
    debit_on: dt.date = strawberry.field(description="The date on which the buyer is debited instead (振替日).")
    message: str = strawberry.field(description="The same for people, in the language that the request prefers.")


@strawberry.type(description="The contract is registered, by this call or an earlier one with the same content.")
class ContractRegistered:
    contract: Contract = strawberry.field(description="The contract (売買契約).")
    already_registered: bool = strawberry.field(description="Whether an earlier call had registered it already.")
    next_sealing_at: dt.datetime | None = strawberry.field(
        description="When its debit file closes; until then it can be taken back. Null: that is past."
    )
    debit_on: dt.date | None = strawberry.field(
        description="The date on which the buyer is debited (振替日): the due date, or the next date of the buyer's bank. Null: none."
    )
    due_date_moved: DueDateMoved | None = strawberry.field(
        description="Says that the due date was moved: no bank day (休日), or its file is closed already. Null: it was not, or there is none."
    )


@strawberry.type(description="The number belongs to a contract with other content. Nothing was changed.")
class ContractConflict(Problem):
    existing: Contract = strawberry.field(description="The contract that has the number.")
    differing: list[list[str]] = strawberry.field(description="The input paths at which the two differ.")


@strawberry.type(description="The contract was refused, with every mistake in it. Nothing of it is stored.")
class ContractRefused(Problem):
    problems: list[InputProblem] = strawberry.field(description="All mistakes at once.")


RegisterContractResult: TypeAlias = Annotated[
    ContractRegistered | ContractConflict | ContractRefused,
    strawberry.union("RegisterContractResult", description="What became of one contract. More members may come: `... on Problem`."),
]


@strawberry.type(description="Each contract of the call has its answer, in order.")
class ContractsRegistered:
    results: list[RegisterContractResult] = strawberry.field(description="One for each contract, in the order of the input.")
    registered_count: int = strawberry.field(description="Registered by this call.")
    already_registered_count: int = strawberry.field(description="Registered before, with the same content.")
    refused_count: int = strawberry.field(description="Refused, conflicts included.")


@strawberry.type(description="Nothing was registered, because something was refused and REGISTER_NONE was asked for.")
class ContractsRefused(Problem):
    problems: list[InputProblem] = strawberry.field(description="All mistakes of all contracts.")


RegisterContractsResult: TypeAlias = Annotated[
    ContractsRegistered | ContractsRefused,
    strawberry.union("RegisterContractsResult", description="What became of a call. More members may come: `... on Problem`."),
]

OneResult: TypeAlias = ContractRegistered | ContractConflict | ContractRefused
AllResults: TypeAlias = ContractsRegistered | ContractsRefused


@dataclass(frozen=True, slots=True)
class Named:
    """A contract of which only the names are known: enough for whoever asks for no more, until `complete` loads the rest."""

    id: str
    contract_id: str
    number: str
    key: int


def _named(contract_id: int, number: str) -> Contract:
    return cast("Contract", Named(f"c{contract_id}", text(contract_id), number, contract_id))


def result_of(context: Context, outcome: Outcome, number: str, prefix: Path = ()) -> OneResult:
    """The answer for one contract. `number` in its normal form, `prefix` the contract's own place in the input."""
    if isinstance(outcome, Registered):
        return ContractRegistered(
            contract=_named(outcome.contract_id, number),
            already_registered=outcome.already,
            next_sealing_at=outcome.next_sealing_at,
            debit_on=outcome.debit_on,
            due_date_moved=_moved(context, outcome),
        )
    if isinstance(outcome, Conflict):
        return ContractConflict(
            code=ProblemCode.CONTENT_DIFFERS,
            message=_conflict_message(context, outcome),
            path=list(prefix),
            existing=_named(outcome.contract_id, number),
            differing=[[*prefix, *path] for path in outcome.differing],
        )
    assert isinstance(outcome, Refused)
    problems = [problem_of(context, finding, prefix) for finding in outcome.problems]
    return ContractRefused(
        code=problems[0].code if len(problems) == 1 else ProblemCode.INPUT_INVALID,
        message=mistakes(context, problems),
        path=list(prefix),
        problems=problems,
    )


def _moved(context: Context, outcome: Registered) -> DueDateMoved | None:
    asked, got = outcome.due_on, outcome.debit_on
    if asked is None or asked == got:
        return None
    message = context.say(
        f"The buyer's bank does not debit on {asked}, or its file for that day is closed; the buyer is debited on {got}.",
        f"決済指定日 {asked} には振替できないため（銀行休業日、または締切後）、{got} に振り替えます。",
    )
    return DueDateMoved(requested_on=asked, debit_on=got, message=message)


def count_results(results: list[OneResult]) -> ContractsRegistered:
    """The answer for a call, from the answers for its contracts."""
    registered = [result for result in results if isinstance(result, ContractRegistered)]
    already = sum(result.already_registered for result in registered)
    return ContractsRegistered(
        results=results,
        registered_count=len(registered) - already,
        already_registered_count=already,
        refused_count=len(results) - len(registered),
    )


def refused_as_a_whole(outcomes: Sequence[Outcome], on_problem: OnProblem) -> bool:
    """Whether nothing was stored because of some."""
    return on_problem is OnProblem.REGISTER_NONE and any(isinstance(outcome, Refused | Conflict) for outcome in outcomes)


def all_refused(context: Context, outcomes: Sequence[Outcome]) -> ContractsRefused:
    """The answer of REGISTER_NONE when something was refused: every mistake with its place in the call."""
    problems: list[InputProblem] = []
    for index, outcome in enumerate(outcomes):
        prefix = ("contracts", str(index))
        if isinstance(outcome, Refused):
            problems += [problem_of(context, finding, prefix) for finding in outcome.problems]
        elif isinstance(outcome, Conflict):
            message = _conflict_message(context, outcome)
            problems += [
                InputProblem(code=ProblemCode.CONTENT_DIFFERS, message=message, path=[*prefix, *path]) for path in outcome.differing
            ]
    return ContractsRefused(
        code=problems[0].code if len(problems) == 1 else ProblemCode.INPUT_INVALID,
        message=mistakes(context, problems),
        path=[],
        problems=problems,
    )


def named_in(results: Sequence[OneResult]) -> list[int]:
    """The contracts that these results speak of."""
    return [named.key for result in results if (named := _slot(result)) is not None]


def complete(results: Sequence[OneResult], contracts: Sequence[Contract]) -> None:
    """Puts the loaded contracts (in the order of `named_in`) in the place of their names."""
    rest = iter(contracts)
    for result in results:
        if isinstance(result, ContractRegistered):
            result.contract = next(rest)
        elif isinstance(result, ContractConflict):
            result.existing = next(rest)


def _slot(result: OneResult) -> Named | None:
    contract: object = None
    if isinstance(result, ContractRegistered):
        contract = result.contract
    elif isinstance(result, ContractConflict):
        contract = result.existing
    return contract if isinstance(contract, Named) else None


def problem_of(context: Context, finding: Finding, prefix: Path) -> InputProblem:
    """One mistake, in the caller's language, with its place in the call."""
    return InputProblem(code=finding.code, message=context.say(finding.message_en, finding.message_ja), path=[*prefix, *finding.path])


def _conflict_message(context: Context, outcome: Conflict) -> str:
    where = ", ".join(".".join(path) for path in outcome.differing[:5])
    return context.say(
        f"This number belongs to a contract with other content: {where}.",
        f"この契約番号は内容の異なる契約で登録済みです: {where}",
    )


def mistakes(context: Context, problems: Sequence[InputProblem]) -> str:
    """One sentence for all of them."""
    if len(problems) == 1:
        return problems[0].message
    return context.say(f"{len(problems)} mistakes.", f"{len(problems)} か所に誤りがあります。")
