"""The two mutations about who holds a party: its site invites, its firm (or two operators) lets it go (records, section 1)."""

# Strawberry's field decorators give Any; what they decorate is checked all the same.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlencode

import strawberry

from api.context import Context
from api.errors import ApiError, ErrorCode
from api.paging import given
from api.results import Problem
from api.types.asking import number_of, site_of
from domain.access import ViewerKind
from domain.problems import ProblemCode
from domain.store import people_invited, releasing
from domain.store.administration import NotThere, Refused

Info = strawberry.Info[Context, None]

WRITE, RELEASE, OPERATE = "contracts:write", "parties:write", "operations"


@strawberry.input(description="Which party (取引先) a firm is to be invited to.")
class InvitePartyInput:
    party_code: str = strawberry.field(description="The party's code at the site (取引先コード).")
    site_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The site (サイトID). A site's token need not say it, and may say only its own; operators must.",
    )


@strawberry.input(description="Which party (取引先) is to be let go.")
class ReleasePartyInput:
    site_id: str = strawberry.field(description="The site that made the party (サイトID).")
    party_code: str = strawberry.field(description="The party's code at the site (取引先コード).")


@strawberry.type(description="The invitation (招待) is made. An earlier one that was still open is not good any more.")
class PartyInvited:
    site_id: str = strawberry.field(description="The site of the party.")
    party_code: str = strawberry.field(description="The party's code.")
    address: str = strawberry.field(
        description="Where the firm accepts it. Good once; given here only, and kept nowhere: hand it to that firm and nobody else."
    )
    expires_at: dt.datetime = strawberry.field(description="Until when it can be accepted.")


@strawberry.type(description="There is no invitation, and why.")
class PartyNotInvited(Problem):
    pass


@strawberry.type(description="The party belongs to no firm any more. Its contracts are seen by its site alone, which may invite again.")
class PartyReleased:
    site_id: str = strawberry.field(description="The site of the party.")
    party_code: str = strawberry.field(description="The party's code.")


@strawberry.type(description="The release is asked for by one operator; nothing has changed yet. Another operator agrees by the same call.")
class PartyReleaseAsked:
    site_id: str = strawberry.field(description="The site of the party.")
    party_code: str = strawberry.field(description="The party's code.")
    asked_by: str = strawberry.field(description="The user ID of the operator who has asked.")
    asked_at: dt.datetime = strawberry.field(description="When it was asked for.")
    expires_at: dt.datetime = strawberry.field(description="Until when another operator can agree.")


@strawberry.type(description="The party was not let go, and why.")
class PartyNotReleased(Problem):
    pass


InvitePartyResult: TypeAlias = Annotated[
    PartyInvited | PartyNotInvited,
    strawberry.union("InvitePartyResult", description="What became of an invitation. More members may come: `... on Problem`."),
]
ReleasePartyResult: TypeAlias = Annotated[
    PartyReleased | PartyReleaseAsked | PartyNotReleased,
    strawberry.union("ReleasePartyResult", description="What became of a release. More members may come: `... on Problem`."),
]


@strawberry.type(name="Mutation", description="What one may change.")
class ClaimMutations:
    """Invitations and releases; the schema's mutations inherit from it."""

    @strawberry.field(
        description=(
            "Invites a firm to a party of the token's site (招待): whoever opens the address and signs in takes the party for the firm, "
            "once, within 14 days. Needs contracts:write; operators need operations. Null only together with an entry in `errors`."
        )
    )
    async def invite_party(
        self, info: Info, input: Annotated[InvitePartyInput, strawberry.argument(description="Which party.")]
    ) -> InvitePartyResult | None:
        """The secret is in the answer and nowhere else."""
        context, caller = info.context, info.context.caller
        operator = caller.viewer.kind is ViewerKind.OPERATOR
        context.require(OPERATE if operator else WRITE)
        if not operator and caller.site_id is None:
            raise _not_for_firms(context)
        named = given(input.site_id)
        if named is None and operator:
            return PartyNotInvited(**_said(context, ProblemCode.REQUIRED, "siteId"))
        site_id = caller.site_id if named is None else site_of(named)
        if not operator and site_id != caller.site_id:
            return PartyNotInvited(**_said(context, ProblemCode.NOT_FOUND, "siteId"))
        code = number_of(input.party_code)
        if context.invitations is None:
            return PartyNotInvited(**_said(context, ProblemCode.NOT_POSSIBLE_HERE))
        try:
            token, expires_at = await people_invited.invite(site_id or 0, code or "", machine_now=context.machine_now)
        except NotThere:
            return PartyNotInvited(**_said(context, ProblemCode.NOT_FOUND, "partyCode"))
        except Refused:
            return PartyNotInvited(**_said(context, ProblemCode.PARTY_CLAIMED, "partyCode"))
        address = f"{context.invitations}?{urlencode({'code': token})}"
        return PartyInvited(site_id=str(site_id), party_code=code or "", address=address, expires_at=expires_at)

    @strawberry.field(
        description=(
            "Lets a party go: by the firm that holds it at once (needs parties:write), by operators when a second one agrees (needs "
            "operations). Null only together with an entry in `errors`."
        )
    )
    async def release_party(
        self, info: Info, input: Annotated[ReleasePartyInput, strawberry.argument(description="Which party.")]
    ) -> ReleasePartyResult | None:
        """What is not the firm's and what does not exist are refused alike."""
        context, caller = info.context, info.context.caller
        operator = caller.viewer.kind is ViewerKind.OPERATOR
        context.require(OPERATE if operator else RELEASE)
        site_id, code = site_of(input.site_id) or 0, number_of(input.party_code) or ""
        asked: releasing.Asked | None = None
        try:
            if operator:
                assert caller.user_id is not None
                asked = await releasing.ask_or_agree(site_id, code, caller.user_id, machine_now=context.machine_now)
            elif caller.firm_id is None:
                raise _not_for_sites(context)
            else:
                await releasing.release(caller.firm_id, site_id, code)
        except NotThere:
            return PartyNotReleased(**_said(context, ProblemCode.NOT_FOUND, "partyCode"))
        except Refused:
            return PartyNotReleased(**_said(context, ProblemCode.NEEDS_ANOTHER_PERSON))
        if asked is not None:
            return PartyReleaseAsked(
                site_id=str(site_id), party_code=code, asked_by=asked.by, asked_at=asked.at, expires_at=asked.expires_at
            )
        return PartyReleased(site_id=str(site_id), party_code=code)


_SENTENCES = {
    ProblemCode.REQUIRED: ("Say which site's party is meant.", "どのサイトの取引先かを指定してください。"),
    ProblemCode.NOT_FOUND: ("There is no such party, or it is not yours.", "その取引先は存在しないか、権限がありません。"),
    ProblemCode.PARTY_CLAIMED: (
        "A firm holds this party already; only the firm itself, or two operators, can let it go.",
        "この取引先はすでに会社に属しています。解除できるのはその会社か、運用者2名だけです。",
    ),
    ProblemCode.NOT_POSSIBLE_HERE: (
        "People sign in elsewhere for this server, so that it has no page on which to accept.",
        "このサーバーのサインインは外部で行われるため、招待を承諾するページがありません。",
    ),
    ProblemCode.NEEDS_ANOTHER_PERSON: (
        "You have asked for this yourself; another operator has to agree.",
        "この解除はご自身が申請したものです。別の運用者の同意が必要です。",
    ),
}


def _said(context: Context, code: ProblemCode, *path: str) -> dict[str, Any]:
    return {"code": code, "message": context.say(*_SENTENCES[code]), "path": list(path)}


def _not_for_firms(context: Context) -> ApiError:
    said = context.say("Only a market site or an operator invites.", "招待できるのはマーケットサイトと運用者だけです。")
    return ApiError(ErrorCode.INSUFFICIENT_SCOPE, said, wanted=WRITE)


def _not_for_sites(context: Context) -> ApiError:
    said = context.say("Only the firm that holds a party, or operators, let it go.", "解除できるのは取引先を持つ会社と運用者だけです。")
    return ApiError(ErrorCode.INSUFFICIENT_SCOPE, said, wanted=RELEASE)
