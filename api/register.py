"""The two mutations that register contracts [0020]."""

# Strawberry's field decorators give Any; what they decorate is checked all the same.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Annotated

import strawberry

from api.context import Context
from api.inputs import RegisterContractInput, RegisterContractsInput, raw_of
from api.registrar import register_all, register_one
from api.results import AllResults, ContractsRegistered, OneResult, RegisterContractResult, RegisterContractsResult, complete, named_in
from api.types.contract import load_contracts

Info = strawberry.Info[Context, None]


@strawberry.type(name="Mutation", description="What one may change.")
class RegistrationMutations:
    """Registration; the schema's mutations inherit from it."""

    @strawberry.field(
        description=(
            "Registers a contract (契約登録) for the site of the token. The same number with the same content gives the same contract, "
            "for ever; with other content a conflict. Null only together with an entry in `errors`. Needs contracts:write."
        )
    )
    async def register_contract(
        self, info: Info, input: Annotated[RegisterContractInput, strawberry.argument(description="The contract.")]
    ) -> RegisterContractResult | None:
        """One contract; what the answer says of it is loaded in one query."""
        result = await register_one(info.context, raw_of(input))
        await _load(info.context, [result])
        return result

    @strawberry.field(
        description=(
            "Registers up to 10,000 contracts for the site of the token, with an answer for each, in order. A wrong value refuses its "
            "contract; a wrong shape (a missing field, another JSON type) refuses the call. Null only together with an entry in "
            "`errors`. Needs contracts:write."
        )
    )
    async def register_contracts(
        self, info: Info, input: Annotated[RegisterContractsInput, strawberry.argument(description="The contracts.")]
    ) -> RegisterContractsResult | None:
        """Where the input was one variable the work has been done before (api.batch); only the answer is put together here."""
        context = info.context
        answer: AllResults
        if isinstance(context.answer, BaseException):
            raise context.answer
        if context.answer is not None:
            answer = context.answer
        else:
            raws = [raw_of(contract) for contract in input.contracts]
            answer = await register_all(context, raws, input.on_problem, context.loose_items)
        if isinstance(answer, ContractsRegistered):
            await _load(context, answer.results)
        return answer


async def _load(context: Context, results: list[OneResult]) -> None:
    """Loads the contracts that the results speak of."""
    wanted = named_in(results)
    if wanted:
        complete(results, await load_contracts(context, wanted))
