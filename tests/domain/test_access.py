"""Who sees what, cell by cell (S34, S36, S39, I17)."""

from itertools import chain, combinations

import pytest

from domain.access import FieldGroup, Sight, Viewer, ViewerKind, may_see, may_see_event, roles_of, sight
from domain.statuses import EventKind, Role
from tests.domain.grid import cross, grid

TABLE = """
    group           SITE    SELLER  BUYER  OPERATOR
    CONTRACT        full    full    full   full
    SETTLEMENT      full    full    -      full
    SELLER_ACCOUNT  masked  full    -      masked
    BUYER_ACCOUNT   masked  -       full   masked
    BUYER_FEE       full    -       full   full
    NAMES           full    full    full   full
    PAYOUT_EVENTS   full    full    -      full
    INTERNALS       -       -       -      full
    FIRM_PARTIES    -       full    full   full
    WRITE           full    -       -      -
    OPERATIONS      -       -       -      full
"""
SIGHTS = {"full": Sight.FULL, "masked": Sight.MASKED, "-": Sight.NOTHING}


@pytest.mark.parametrize("group", FieldGroup)
@pytest.mark.parametrize("role", Role)
def test_cell(group, role):
    wanted = SIGHTS[cross(TABLE)[group.name, role.name]]
    assert sight(frozenset({role}), group) is wanted
    assert may_see(frozenset({role}), group) is (wanted is not Sight.NOTHING)


@pytest.mark.parametrize("group", FieldGroup)
def test_two_roles_see_what_either_sees_and_none_sees_nothing(group):
    for roles in chain.from_iterable(combinations(Role, n) for n in (2, 3)):
        assert sight(frozenset(roles), group) == max(sight(frozenset({role}), group) for role in roles)
    assert sight(frozenset(), group) is Sight.NOTHING
    assert not may_see(frozenset(), group)


@pytest.mark.parametrize(
    "kind, id_, site, buyer, seller, roles",
    grid("""
        SITE      130  130  -  -  SITE
        SITE      320  130  -  -  nothing         # another site's: not found
        FIRM      5    130  5  6  BUYER
        FIRM      6    130  5  6  SELLER
        FIRM      5    130  5  5  SELLER BUYER    # one firm on both sides
        FIRM      7    130  5  6  nothing         # S34: not a party
        FIRM      5    130  -  -  nothing         # nobody has claimed the parties
        FIRM      130  130  -  -  nothing         # a firm's number is no site's
        OPERATOR  1    130  -  -  OPERATOR
        OPERATOR  5    130  5  6  OPERATOR        # an operator's number is no firm's
    """),
)
def test_s36_the_role_is_per_contract(kind, id_, site, buyer, seller, roles):
    viewer = Viewer(ViewerKind[kind], int(id_))
    firms = (None if buyer == "-" else int(buyer), None if seller == "-" else int(seller))
    wanted = frozenset() if roles == "nothing" else frozenset(Role[name] for name in roles.split())
    assert roles_of(viewer, int(site), *firms) == wanted


@pytest.mark.parametrize("kind", EventKind)
def test_s39_a_buyer_never_meets_an_event_of_the_payout(kind):
    of_the_payout = kind.name.startswith(("PAYOUT", "PAID", "FUNDED", "WILL_NOT_SETTLE"))
    assert may_see_event(frozenset({Role.BUYER}), kind) is not of_the_payout
    for role in (Role.SELLER, Role.SITE, Role.OPERATOR):
        assert may_see_event(frozenset({role}), kind)
    assert not may_see_event(frozenset(), kind)
