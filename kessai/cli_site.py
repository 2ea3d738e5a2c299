"""Market sites: their settings, accounts and fees."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from cyclopts import App, Parameter

from kessai.cli_route import app as route_app
from kessai.opened import with_store
from kessai.screen import PLAIN, Common, console, print_json, table, yen

app = App(
    name="site",
    help="""Keep up market sites, their accounts and their fees.

For example:

    kessai site list
    kessai site add 400 "Market 400" --home 3 --carrier sandbox-carrier
""",
)

app.command(route_app)
EVERY = Annotated[bool, Parameter(negative="")]


@app.command
def add(  # noqa: PLR0913 - each is an option of the command
    site: int,
    name: str,
    /,
    *,
    home: int,
    carrier: str | None = None,
    every_day: EVERY = False,
    delivery_days: int = 0,
    sweep_days: int = 3,
    debit_attempts: int = 1,
    ship_before_acceptance: EVERY = False,
    move_late_due_dates: EVERY = False,
    common: Common = PLAIN,
) -> None:
    """Make a market site, or change its settings. Its home (where its contracts live) is chosen once.

    For example:

        kessai site add 400 "Market 400" --home 3 --carrier sandbox-carrier

    Parameters
    ----------
    site
        Its number.
    name
        Its name, as people read it.
    home
        0 to 999; contract IDs carry it, so it never changes.
    carrier
        The carrier of its goods where no rule (`kessai site route`) says another; without one, every contract needs a rule.
    every_day
        Its standard days count every day, not bank days.
    delivery_days
        Standard days from debit to delivery instruction.
    sweep_days
        Standard days until the money is in the main account.
    debit_attempts
        How often a debit is tried when the balance is short.
    ship_before_acceptance
        Goods of due-date contracts leave before the bank has accepted the date, unless the contract says otherwise.
    move_late_due_dates
        A due date that cannot be met any more moves to the next date that can; else such a contract is refused.
    """
    from domain.statuses import CalendarKind, ShiftRule
    from domain.store.administration import Site, create_site

    entry = Site(
        site,
        home,
        name,
        carrier,
        calendar=int(CalendarKind.EVERY_DAY if every_day else CalendarKind.BANK_DAYS),
        delivery_days=delivery_days,
        sweep_days=sweep_days,
        debit_attempts=debit_attempts,
        ship_before_acceptance=ship_before_acceptance,
        shift_rule=int(ShiftRule.NEXT if move_late_due_dates else ShiftRule.REFUSE),
    )
    with_store(lambda: create_site(entry))
    _done(common, {"site": site, "home": home}, f"Site {site} is there. Next: kessai site account {site} ...")


@app.command
def account(  # noqa: PLR0913 - each is an option of the command
    site: int,
    /,
    *,
    bank: str,
    branch: str,
    number: str,
    holder: str,
    consignor: str,
    current: EVERY = False,
    main: EVERY = False,
    since: Annotated[date, Parameter(name="--from")] = date(1990, 1, 1),
    until: date | None = None,
    common: Common = PLAIN,
) -> None:
    """Name an account of a site: the one that collects debits at a bank, with `--main` also the one that pays sellers.

    For example:

        kessai site account 400 --bank 9990 --branch 001 --number 9400000 --holder "ｻｲﾄ 400" --consignor 0000000400
        --main

    Parameters
    ----------
    site
        The site's number.
    bank
        Bank code, 4 digits.
    branch
        Branch code, 3 digits.
    number
        Account number, 7 digits.
    holder
        Its holder, in kana.
    consignor
        The code under which the bank knows the site in a debit file (委託者コード), 10 digits.
    current
        A current account (当座); else an ordinary one (普通).
    main
        The site's main account: payouts leave from here.
    since
        The first day on which it is used.
    until
        The last day on which new instructions use it.
    """
    from domain.store.administration import Account, create_account
    from kessai.opened import machine_now

    entry = Account(
        site, bank, branch, 2 if current else 1, number, holder, consignor, collecting=True, main=main, from_on=since, until_on=until
    )
    account_id = with_store(lambda: create_account(entry, machine_now=machine_now()))
    _done(common, {"account_id": f"{account_id:018d}"}, f"Site {site} collects at bank {bank}. Next: kessai mandate add {site} ...")


@app.command
def fees(
    site: int,
    /,
    *,
    since: Annotated[date, Parameter(name="--from")],
    buyer_yen: int = 0,
    buyer_basis_points: int = 0,
    seller_yen: int = 0,
    seller_basis_points: int = 0,
    common: Common = PLAIN,
) -> None:
    """Set what both sides pay for contracts registered from a day on: yen plus basis points of the amount, each
    rounded down.

    For example:

        kessai site fees 130 --from 2000-10-01 --buyer-yen 110 --seller-basis-points 250

    Parameters
    ----------
    site
        The site's number.
    since
        From which day on.
    buyer_yen
        Fixed yen on the buyer's side.
    buyer_basis_points
        Hundredths of a per cent on the buyer's side.
    seller_yen
        Fixed yen on the seller's side.
    seller_basis_points
        Hundredths of a per cent on the seller's side.
    """
    from domain.store.administration import Fees, set_fees

    entry = Fees(site, since, buyer_yen, buyer_basis_points, seller_yen, seller_basis_points)
    with_store(lambda: set_fees(entry))
    _done(common, {"site": site, "from": since}, f"Fees of site {site} from {since} on. Registered contracts keep theirs.")


@app.command(name="list")
def list_(*, common: Common = PLAIN) -> None:
    """List the sites with accounts (numbers masked) and fees.

    For example:

        kessai site list
    """
    from domain.store.administration import list_sites

    found = with_store(list_sites)
    if common.json:
        print_json(found)
        return
    screen = console()
    for site in found:
        screen.print(f"{site['site_id']}  {site['name']}  home {site['home']}, carrier {site['carrier_id'] or 'by rules only'}")
        rows = [
            [entry["bank_code"], entry["bank_name"], entry["branch_code"], entry["account_number"], entry["consignor_code"], entry["use"]]
            for entry in site["accounts"]
        ]
        screen.print(table(["bank", "name", "branch", "account", "consignor", "use"], rows))
        for fee in site["fees"]:
            buyer, seller = fee["buyer_fixed"], fee["seller_fixed"]
            screen.print(
                f"  fees from {fee['from_on']}: buyer {yen(buyer)} 円 + {fee['buyer_basis_points']} bp, "
                f"seller {yen(seller)} 円 + {fee['seller_basis_points']} bp"
            )
    if not found:
        screen.print("No sites. kessai up makes two.")


def _done(common: Common, answer: dict[str, object], sentence: str) -> None:
    if common.json:
        print_json(answer)
    else:
        print(sentence)
