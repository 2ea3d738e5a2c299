"""The mutation by which a site makes a party known before any contract (records section 1)."""

# Strawberry's field decorators give Any; what they decorate is checked all the same.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from api.context import Context
from api.inputs import PartyInput, party_of
from api.paging import given
from api.registrar import site_of, to_kana
from api.results import InputProblem, Problem, mistakes, problem_of
from api.types.asking import site_of as written_site
from api.types.enums import AccountType
from api.types.shapes import BankAccount
from domain.acceptance import ANOTHER_SITE
from domain.accounts import mask
from domain.problems import ProblemCode
from domain.registration import NormalParty, normalise_party
from domain.store import parties

Info = strawberry.Info[Context, None]


@strawberry.input(description="A buyer or seller (取引先) to be made known, or known otherwise from now on.")
class RegisterPartyInput:
    site_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The site (サイトID). Must be the token's own when given; may be left out."
    )
    party: PartyInput = strawberry.field(description="The party, with an account that it is debited from or paid into.")


@strawberry.type(
    description="A buyer or seller (取引先) as its site knows it. Each contract keeps what was said of its parties when it was registered."
)
class Party:
    code: str = strawberry.field(description="The site's own code of the party (取引先コード).")
    name: str = strawberry.field(description="Name (名称).")
    postal_code: str | None = strawberry.field(description="Postal code (郵便番号). Null: the site gave none.")
    address: str = strawberry.field(description="Address (住所).")
    account: BankAccount = strawberry.field(description="The account that this call named; earlier ones stay with their contracts.")
    claimed: bool = strawberry.field(
        description="Whether a firm holds it (an invitation was accepted), so that people there see its contracts."
    )


@strawberry.type(description="The party is known to the site as the input says.")
class PartyRegistered:
    party: Party = strawberry.field(description="The party (取引先).")
    already_registered: bool = strawberry.field(description="Whether all of it was known before, the account too: nothing was changed.")
    changed: bool = strawberry.field(description="Whether a party that was there had another name, postal code or address.")


@strawberry.type(description="The party was refused, with every mistake in it. Nothing of it is stored.")
class PartyRefused(Problem):
    problems: list[InputProblem] = strawberry.field(description="All mistakes at once.")


RegisterPartyResult: TypeAlias = Annotated[
    PartyRegistered | PartyRefused,
    strawberry.union("RegisterPartyResult", description="What became of a party. More members may come: `... on Problem`."),
]


@strawberry.type(name="Mutation", description="What one may change.")
class PartyMutations:
    """Parties; the schema's mutations inherit from it."""

    @strawberry.field(
        description=(
            "Makes a party (取引先) of the token's site known before any contract, or changes it; contracts that are registered stay as they "
            "are. The same content again changes nothing. Null only together with an entry in `errors`. Needs contracts:write."
        )
    )
    async def register_party(
        self, info: Info, input: Annotated[RegisterPartyInput, strawberry.argument(description="The party.")]
    ) -> RegisterPartyResult | None:
        """One party. Registering a contract does the same for both of its parties."""
        context = info.context
        site_id = site_of(context)
        found = normalise_party(party_of(input.party), to_kana)
        problems = [problem_of(context, one, ("party",)) for one in found] if isinstance(found, list) else []
        asked = given(input.site_id)
        if asked is not None and written_site(asked) != site_id:
            problems.insert(0, problem_of(context, ANOTHER_SITE, ("siteId",)))
        if problems or isinstance(found, list):
            code = problems[0].code if len(problems) == 1 else ProblemCode.INPUT_INVALID
            return PartyRefused(code=code, message=mistakes(context, problems), path=[], problems=problems)
        kept = await parties.keep(site_id, found, machine_now=context.machine_now)
        return PartyRegistered(
            party=_shown(found, claimed=kept.claimed),
            already_registered=not (kept.made or kept.changed or kept.new_account),
            changed=kept.changed,
        )


def _shown(party: NormalParty, *, claimed: bool) -> Party:
    """What the site sees of it: of accounts never all digits (docs/security.md)."""
    account = BankAccount(
        bank_code=party.account.bank_code,
        branch_code=party.account.branch_code,
        type=AccountType(party.account.type),
        number=mask(party.account.number),
        holder=party.account.holder,
    )
    return Party(code=party.code, name=party.name, postal_code=party.postal_code, address=party.address, account=account, claimed=claimed)
