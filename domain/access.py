"""Who sees what, once. Interface first."""

from dataclasses import dataclass
from enum import Enum

from domain.statuses import Role


class ViewerKind(Enum):
    SITE = "site"
    FIRM = "firm"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Viewer:
    kind: ViewerKind
    id: int  # site id, firm id, or operator's user id


class FieldGroup(Enum):
    CONTRACT = "contract"
    SETTLEMENT = "settlement"
    SELLER_ACCOUNT = "seller_account"
    BUYER_ACCOUNT = "buyer_account"
    BUYER_FEE = "buyer_fee"
    NAMES = "names"
    PAYOUT_EVENTS = "payout_events"
    INTERNALS = "internals"
    FIRM_PARTIES = "firm_parties"
    WRITE = "write"
    OPERATIONS = "operations"


class Sight(Enum):
    NOTHING = 0
    MASKED = 1
    FULL = 2


def roles_of(viewer: Viewer, contract_site: int, buyer_firm: int | None, seller_firm: int | None) -> frozenset[Role]:
    raise NotImplementedError


def sight(roles: frozenset[Role], group: FieldGroup) -> Sight:
    raise NotImplementedError


def may_see(roles: frozenset[Role], group: FieldGroup) -> bool:
    raise NotImplementedError
