"""Batches that wait for a person: approving control totals before a file goes (送信前の承認)."""

from __future__ import annotations

from cyclopts import App

from kessai.opened import business_now, with_store
from kessai.screen import PLAIN, Common, print_json, yen
from kessai.trouble import Trouble

app = App(
    name="batch",
    help="""Approve the totals of a file before it goes (送信前の承認).

For example:

    kessai batch approve 057312345001000018 --by op-1 --count 3 --amount 189800 --sha256 f0f17335
""",
)


@app.command
def approve(batch: str, /, *, by: str, count: int, amount: int, sha256: str, common: Common = PLAIN) -> None:
    """Let a sealed file go, after comparing its totals with yours. Until then a bank with approves_totals=yes is sent nothing.

    `kessai batches --unfinished` shows what waits. Say what you have read elsewhere, not what the list shows: that is the point of it.

    For example:

        kessai batch approve 057312345001000018 --by op-1 --count 3 --amount 189800 --sha256 f0f17335

    Parameters
    ----------
    batch
        Its number, 18 digits.
    by
        Your name as an operator (`kessai user list`).
    count
        Lines that the file should have.
    amount
        Yen that it should have in all.
    sha256
        Its hash, or the first 8 digits of it or more.
    """
    from domain import contract_id
    from domain.store.approvals import Approved, Totals
    from domain.store.approvals import approve as run

    if not (batch.isascii() and batch.isdecimal() and len(batch) == contract_id.DIGITS):
        raise Trouble(f"{batch} is not the number of a batch", why="it has 18 digits", do=("kessai batches --unfinished",), code="COMMAND")

    async def work() -> Approved:
        return await run(int(batch), Totals(count, amount, sha256), by=by, now=await business_now())

    done = with_store(work)
    if common.json:
        print_json({"batch": batch, "name": done.name, "approved_by": done.by, "approved_at": done.at, "deadline_at": done.deadline_at})
        return
    print(f"Approved by {done.by}: {done.name}, {done.count:,} lines, {yen(done.amount)} yen. It goes now.")
    if done.at > done.deadline_at:
        print("The bank's deadline has passed: it may refuse the file as late, and its lines go with the next one.")
