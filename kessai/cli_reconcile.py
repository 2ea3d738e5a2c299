"""`kessai reconcile`: each of our accounts by ledger and by statement, and what lies between the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from kessai.opened import business_now, with_store
from kessai.screen import PLAIN, Common, console, plain, print_json, table, yen

if TYPE_CHECKING:
    from domain.store.reconciling import Reconciled


def reconcile(
    *,
    site: int | None = None,
    bank: str | None = None,
    only_open: Annotated[bool, Parameter(name="--open", negative="")] = False,
    common: Common = PLAIN,
) -> int:
    """Reconcile our accounts with the banks' statements (照合), account by account.

    Balance on the last statement = ledger - not on a statement yet + not in the ledger yet + unexplained. What is under
    way is listed with its age, and so is every open break. It only reads, in one snapshot. Exit status 1 if something is
    unexplained; a break that has a name is work for a person (kessai exceptions), not an error.

    For example:

        kessai reconcile
        kessai reconcile --site 130 --open
        kessai reconcile --bank 9991 --json

    Parameters
    ----------
    site
        Only this site's accounts.
    bank
        Only accounts at this bank.
    only_open
        Only accounts on which something is under way, open or unexplained.
    """
    from domain.store.connection import reading
    from domain.store.reconciling import accounts

    async def work() -> list[Reconciled]:
        now = await business_now()
        async with reading() as tx:
            return await accounts(tx, now=now, site_id=site, bank_code=bank)

    found = with_store(work)
    if only_open:
        found = [one for one in found if one.movements or one.breaks or one.unexplained]
    if common.json:
        print_json([_as_json(one) for one in found])
    else:
        _print(found)
    return 1 if any(one.unexplained for one in found) else 0


def _as_json(one: Reconciled) -> dict[str, Any]:
    """18-digit numbers as text, the account's number masked."""
    made: dict[str, Any] = plain(one)
    made["account_id"] = f"{one.account_id:018d}"
    made["account_number"] = _masked(one)
    for listed in (*made["movements"], *made["breaks"]):
        for name in ("batch_id", "contract_id"):
            if listed.get(name) is not None:
                listed[name] = f"{listed[name]:018d}"
    return made


def _masked(one: Reconciled) -> str:
    from domain.accounts import mask

    return mask(one.account_number)


def _print(found: list[Reconciled]) -> None:
    out = console()
    if not found:
        out.print("No accounts.")
        return
    columns = ("site", "bank", "account", "", "statement of", "statement", "ledger", "to be shown", "to be booked", "unexplained")
    rows = [
        (
            one.site_id,
            one.bank_code,
            f"{one.branch_code}-{one.account_type}-{_masked(one)}",
            "main" if one.main else "",
            one.statement_on or "none yet",
            yen(one.statement),
            yen(one.ledger),
            yen(one.pending),
            yen(one.ahead),
            yen(one.unexplained),
        )
        for one in found
    ]
    out.print(table(columns, rows, right=columns[5:]))
    moving = [(one, x) for one in found for x in one.movements]
    if moving:
        names = ("under way", "site", "bank", "yen", "since", "days", "file")
        out.print()
        out.print(
            table(
                names,
                [(x.what, one.site_id, one.bank_code, yen(x.yen), x.since, x.days, x.name) for one, x in moving],
                right=("yen", "days"),
            )
        )
    broken = [(one, x) for one in found for x in one.breaks]
    if broken:
        names = ("open break", "site", "bank", "yen", "since", "days", "reason")
        out.print()
        out.print(
            table(
                names,
                [(x.code, one.site_id, one.bank_code, yen(x.yen), x.since, x.days, x.reason) for one, x in broken],
                right=("yen", "days"),
            )
        )
    unexplained = sum(1 for one in found if one.unexplained)
    out.print()
    if unexplained:
        out.print(
            f"{unexplained} accounts show something that nothing explains. Let nothing be paid before somebody has looked: kessai verify"
        )
    else:
        out.print(f"{len(found)} accounts, {len(broken)} open breaks, nothing unexplained.")
