"""Looking after it: what a person should look at, what went out, what nobody knows, and whether everything still
agrees.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from cyclopts import Parameter

from kessai.opened import business_now, with_store
from kessai.screen import PLAIN, Common, plain, print_json, show

KindName = Literal["debit", "delivery", "payout", "refund", "fee", "sweep"]


def batches(
    *,
    kind: KindName | None = None,
    status: str | None = None,
    bank: str | None = None,
    site: int | None = None,
    value_on: date | None = None,
    unfinished: Annotated[bool, Parameter(negative="")] = False,
    limit: int = 50,
    common: Common = PLAIN,
) -> None:
    """List batches (files to banks, calls to carriers), newest first, and how far each has gone.

    For example:

        kessai batches --unfinished
        kessai batches --kind debit --bank 9991 --value-on 2000-09-24

    Parameters
    ----------
    kind
        debit (振替), delivery (配送), payout (清算), sweep (資金集中), refund or fee.
    status
        OPEN, SEALED, SENDING, RELEASING, SENT, RECEIPTED, ANSWERED, CLOSED, REFUSED or UNKNOWN.
    bank
        Only for this bank.
    site
        Only for this site.
    value_on
        Only for this debit, execution or instruction date.
    unfinished
        Only those that wait for something.
    limit
        At most so many.
    """
    from domain.statuses import BatchStatus, Kind
    from domain.store.lists import list_batches
    from kessai.trouble import Trouble

    if status is not None and status.upper() not in BatchStatus.__members__:
        raise Trouble(f"{status} is not a batch status", why=f"there are {', '.join(BatchStatus.__members__)}", code="COMMAND")
    found = with_store(
        lambda: list_batches(
            kind=None if kind is None else Kind[kind.upper()],
            status=None if status is None else BatchStatus[status.upper()],
            bank=bank,
            site_id=site,
            value_on=value_on,
            unfinished=unfinished,
            limit=limit,
        )
    )
    for row in found:
        row["to"] = row["bank_code"] or row["carrier_id"]
        row["stands"] = f"{row['status']}, awaits approval" if row["awaits_approval"] else row["status"]
    columns = (("batch", "batch_id"), ("kind", "kind"), ("to", "to"), ("for", "value_on"), ("status", "stands"))
    more = (
        ("lines", "line_count"),
        ("yen", "amount"),
        ("name", "name"),
        ("sealed", "sealed_at"),
        ("sent", "sent_at"),
        ("approved by", "approved_by"),
    )
    show(common, found, (*columns, *more, ("problem", "problem")), right=("lines", "yen"), empty="No batches.")


def unknown(*, bank: str | None = None, limit: int = 200, common: Common = PLAIN) -> None:
    """List what was sent and not answered in time (結果不明): batches, sweeps and contracts. It is never blindly sent
    again.

    For example:

        kessai unknown
        kessai unknown --bank 9992 --json

    Parameters
    ----------
    bank
        Only this bank.
    limit
        At most so many.
    """
    from domain.store.lists import list_unknown

    async def work() -> list[dict[str, object]]:
        return await list_unknown(now=await business_now(), bank=bank, limit=limit)

    columns = (("what", "what"), ("kind", "kind"), ("status", "status"), ("from", "from"), ("sent", "sent_at"))
    more = (("unknown since", "since"), ("yen", "amount"), ("contract", "contract_id"), ("file", "name"))
    show(common, with_store(work), (*columns, *more), right=("yen",), empty="Nothing is unknown.")


def verify(*, home: int | None = None, common: Common = PLAIN) -> int:
    """Compare everything with everything: ledger, accounts, states, events, instructions, replies, stream.

    It only reads, in one snapshot, and may run beside the work. Exit status 1 if anything does not agree.

    For example:

        kessai verify
        kessai verify --home 1 --json

    Parameters
    ----------
    home
        Only this home; else all, and what belongs to none.
    """
    from domain.store.verify import Finding, Progress, check

    contracts = 0

    def tell(progress: Progress) -> None:
        nonlocal contracts
        contracts = progress.done

    async def work() -> list[Finding]:
        return await check(homes=None if home is None else [home], progress=tell)

    found = with_store(work)
    if common.json:
        print_json({"contracts": contracts, "findings": [_numbered(finding) for finding in found]})
    elif not found:
        print(f"{contracts:,} contracts: everything agrees.")
    else:
        for finding in found:
            print(finding)
        print(f"{len(found)} things do not agree. Let nothing be paid before somebody has looked: kessai exceptions")
    return 1 if found else 0


def _numbered(finding: object) -> dict[str, object]:
    """18-digit numbers as text: they do not fit what JSON readers do with numbers."""
    content: dict[str, object] = plain(finding)
    return {
        name: f"{value:018d}" if name in {"contract_id", "account_id", "batch_id"} and isinstance(value, int) else value
        for name, value in content.items()
    }
