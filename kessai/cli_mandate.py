"""Mandates: buyers' consents to be debited (預金口座振替依頼書)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from kessai.opened import business_now, with_store
from kessai.screen import PLAIN, Common, print_json, show
from kessai.trouble import Trouble

app = App(
    name="mandate",
    help="""Keep up buyers' consents to be debited.

For example:

    kessai mandate import 130 mandates.csv
    kessai mandate list --site 130 --status stopped
""",
)


@app.command
def add(  # noqa: PLR0913 - each is an option of the command
    site: int,
    /,
    *,
    bank: str,
    branch: str,
    number: str,
    evidence: str,
    limit: int | None = None,
    seller: str | None = None,
    current: Annotated[bool, Parameter(negative="")] = False,
    common: Common = PLAIN,
) -> int:
    """Record that a buyer's account may be debited for a site. A stopped consent begins anew.

    For example:

        kessai mandate add 130 --bank 9992 --branch 201 --number 9000004 --evidence "paper 2000-112"

    Parameters
    ----------
    site
        The site's number.
    bank
        The buyer's bank, 4 digits.
    branch
        Branch, 3 digits.
    number
        Account number, 7 digits.
    evidence
        Where the signed consent is.
    limit
        The most that one debit may take, in yen.
    seller
        For a seller's own consignor code (direct mode): the seller's party code.
    current
        A current account (当座); else an ordinary one (普通).
    """
    from domain.store.mandates import Consent

    return _add(site, [(1, Consent(bank, branch, 2 if current else 1, number, evidence, limit, seller))], common)


@app.command(name="import")
def import_(site: int, file: Annotated[Path, Parameter(allow_leading_hyphen=True)], /, *, common: Common = PLAIN) -> int:
    """Record consents from a CSV (`-` reads standard input). Good lines are taken; each bad one is named with its
    reason.

    The first line names the columns: bank_code, branch_code, account_type, account_number, evidence; limit and
    seller_code may follow.

    For example:

        kessai mandate import 130 mandates.csv

    Parameters
    ----------
    site
        The site's number.
    file
        The CSV, UTF-8.
    """
    from domain.store.mandates import read_csv

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{file} cannot be read", why=str(error)[:200], do=("save it as UTF-8",), code="COMMAND") from error
    good, bad = read_csv(text)
    return _add(site, good, common, [(refusal.line, refusal.field, refusal.reason) for refusal in bad])


def _add(site: int, consents: Sequence[tuple[int, object]], common: Common, refused: list[tuple[int, str, str]] | None = None) -> int:
    from domain.store.mandates import Consent, Taken, add_mandates
    from kessai.opened import machine_now

    async def work() -> Taken:
        wanted = [(line, consent) for line, consent in consents if isinstance(consent, Consent)]
        return await add_mandates(site, wanted, now=await business_now(), machine_now=machine_now())

    taken = with_store(work)
    bad = sorted([*(refused or []), *((entry.line, entry.field, entry.reason) for entry in taken.refused)])
    if common.json:
        print_json(
            {
                "added": taken.added,
                "unchanged": taken.unchanged,
                "refused": [{"line": line, "field": name, "reason": reason} for line, name, reason in bad],
            }
        )
    else:
        print(f"{taken.added} recorded, {taken.unchanged} known before, {len(bad)} refused")
        for line, name, reason in bad:
            print(f"  line {line}  {name}: {reason}")
    return 3 if bad else 0


@app.command(name="list")
def list_(*, site: int | None = None, status: Literal["active", "stopped"] | None = None, limit: int = 200, common: Common = PLAIN) -> None:
    """List consents, newest first; account numbers masked.

    For example:

        kessai mandate list --site 130 --status stopped

    Parameters
    ----------
    site
        Only for this site.
    status
        Only active or stopped ones.
    limit
        At most so many.
    """
    from domain.store.mandates import ACTIVE, STOPPED, list_mandates

    wanted = {"active": ACTIVE, "stopped": STOPPED, None: None}[status]
    found = with_store(lambda: list_mandates(site_id=site, status=wanted, limit=limit))
    columns = (("site", "site_id"), ("bank", "bank_code"), ("branch", "branch_code"), ("account", "account_number"))
    more = (("seller", "seller_code"), ("status", "status"), ("limit", "limit_amount"), ("since", "since_at"), ("evidence", "evidence"))
    show(common, found, (*columns, *more), right=("limit",), empty="No mandates.")


@app.command
def stop(
    site: int,
    /,
    *,
    bank: str,
    branch: str,
    number: str,
    because: str,
    current: Annotated[bool, Parameter(negative="")] = False,
    common: Common = PLAIN,
) -> None:
    """Stop a buyer's consents for a site: nothing new is debited. What is sealed already still runs.

    For example:

        kessai mandate stop 130 --bank 9992 --branch 201 --number 9000004 --because "withdrawn 2000-10-02"

    Parameters
    ----------
    site
        The site's number.
    bank
        The buyer's bank, 4 digits.
    branch
        Branch, 3 digits.
    number
        Account number, 7 digits.
    because
        Why.
    current
        A current account (当座); else an ordinary one (普通).
    """
    from domain.store.mandates import stop_mandates

    async def work() -> int:
        now = await business_now()
        return await stop_mandates(site, bank, branch, 2 if current else 1, number, because=because, now=now)

    count = with_store(work)
    print_json({"stopped": count}) if common.json else print(f"{count} stopped.")
