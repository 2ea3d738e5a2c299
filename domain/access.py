"""Who sees what (閲覧権限), once: every query, subscription, hook and page asks here.

Rights belong to a role, and the role belongs to the contract: the same firm buys here and sells there (S36). What a
viewer may not see looks exactly like what does not exist (I17), so there is no "forbidden" in this module.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum

from domain.statuses import SELLER_ONLY_EVENTS, EventKind, Role


class ViewerKind(Enum):
    """What a token is bound to."""

    SITE = "site"
    FIRM = "firm"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever asks. `id` is a site's, a firm's or an operator's."""

    kind: ViewerKind
    id: int


class FieldGroup(Enum):
    """Fields that are seen or not seen together: the rows of the table."""

    CONTRACT = "contract"  # contract, goods, debit, delivery, progress
    SETTLEMENT = "settlement"  # settlements, payout, seller-side fee
    SELLER_ACCOUNT = "seller_account"
    BUYER_ACCOUNT = "buyer_account"
    BUYER_FEE = "buyer_fee"  # and the amount debited, which tells it
    NAMES = "names"  # names and addresses of both sides, reason of a failed debit
    PAYOUT_EVENTS = "payout_events"  # SETTLED step, payout events in timeline and subscription
    INTERNALS = "internals"  # event numbers, batch, instruction, bank reference
    FIRM_PARTIES = "firm_parties"  # a firm's parties at other sites
    WRITE = "write"  # register, cancel, sweep (and only with the scope)
    OPERATIONS = "operations"  # only in pairs (I18)


class Sight(IntEnum):
    """How much is seen. More is greater."""

    NOTHING = 0
    MASKED = 1
    FULL = 2


_NO, _MASKED, _YES = Sight.NOTHING, Sight.MASKED, Sight.FULL

WHO_SEES_WHAT: dict[FieldGroup, dict[Role, Sight]] = {
    group: dict(zip((Role.SITE, Role.SELLER, Role.BUYER, Role.OPERATOR), row, strict=True))
    for group, row in {
        #                           site     seller  buyer  operator
        FieldGroup.CONTRACT: (_YES, _YES, _YES, _YES),
        FieldGroup.SETTLEMENT: (_YES, _YES, _NO, _YES),
        FieldGroup.SELLER_ACCOUNT: (_MASKED, _YES, _NO, _MASKED),
        FieldGroup.BUYER_ACCOUNT: (_MASKED, _NO, _YES, _MASKED),
        FieldGroup.BUYER_FEE: (_YES, _NO, _YES, _YES),
        FieldGroup.NAMES: (_YES, _YES, _YES, _YES),
        FieldGroup.PAYOUT_EVENTS: (_YES, _YES, _NO, _YES),
        FieldGroup.INTERNALS: (_NO, _NO, _NO, _YES),
        FieldGroup.FIRM_PARTIES: (_NO, _YES, _YES, _YES),
        FieldGroup.WRITE: (_YES, _NO, _NO, _NO),
        FieldGroup.OPERATIONS: (_NO, _NO, _NO, _YES),
    }.items()
}
"""The table. One who has two roles in a contract sees what either sees."""


def roles_of(viewer: Viewer, contract_site: int, buyer_firm: int | None, seller_firm: int | None) -> frozenset[Role]:
    """The roles of `viewer` in one contract; empty means "not found".

    Args:
        viewer: Whoever asks.
        contract_site: The site that registered the contract.
        buyer_firm: The firm that holds the buyer's party; None while nobody has claimed it.
        seller_firm: The same for the seller.
    """
    if viewer.kind is ViewerKind.OPERATOR:
        return frozenset({Role.OPERATOR})
    if viewer.kind is ViewerKind.SITE:
        return frozenset({Role.SITE}) if viewer.id == contract_site else frozenset()
    sides = ((Role.SELLER, seller_firm), (Role.BUYER, buyer_firm))
    return frozenset(role for role, firm in sides if firm == viewer.id)


def sight(roles: frozenset[Role], group: FieldGroup) -> Sight:
    """How much of `group` these roles see together."""
    row = WHO_SEES_WHAT[group]
    return max((row[role] for role in roles), default=Sight.NOTHING)


def may_see(roles: frozenset[Role], group: FieldGroup) -> bool:
    """Whether anything of `group` is seen, masked or not."""
    return sight(roles, group) is not Sight.NOTHING


def may_see_event(roles: frozenset[Role], kind: EventKind) -> bool:
    """Whether an event appears in what these roles read. What is not theirs leaves no gap and no count behind
    (S39).
    """
    return may_see(roles, FieldGroup.PAYOUT_EVENTS if kind in SELLER_ONLY_EVENTS else FieldGroup.CONTRACT)
