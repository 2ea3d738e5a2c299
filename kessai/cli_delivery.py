"""Deliveries: asking that goods stay, and what became of it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from kessai.opened import business_now, machine_now, with_store
from kessai.screen import PLAIN, Common, print_json, show
from kessai.trouble import Trouble

app = App(
    name="delivery",
    help="""Ask carriers to stop shipments (配送中止依頼).

For example:

    kessai delivery stop 130/4102 --by op-1 --reason "cancelled by the buyer"
    kessai delivery stops --waiting
""",
)


@app.command
def stop(which: str, /, *, by: str, reason: str, common: Common = PLAIN) -> None:
    """Ask that a contract's goods stay (配送中止依頼). Stored first; a worker asks the carrier until it answers. What no
    carrier has yet is stopped at once.

    The delivery is STOPPED when the carrier's own notice says so. It moves no money.

    For example:

        kessai delivery stop 130/4102 --by op-1 --reason "cancelled by the buyer"

    Parameters
    ----------
    which
        Site and number of the contract.
    by
        The operator who asks (his user ID).
    reason
        Why, for people and the carrier; at most 200 characters.
    """
    from domain.statuses import StopAnswer
    from domain.store import stops

    site, _, number = which.partition("/")
    if not (site.isascii() and site.isdecimal() and number):
        raise Trouble(f"{which} names no contract", why="it is SITE/NUMBER", do=("kessai contract list",), code="COMMAND")

    async def work() -> stops.Asked:
        return await stops.ask(int(site), number, by=by, reason=reason, now=await business_now(), machine_now=machine_now())

    asked = with_store(work)
    if common.json:
        print_json(
            {
                "contract_id": f"{asked.contract_id:018d}",
                "carrier_id": asked.carrier_id,
                "answer": asked.answer,
                "new": asked.new,
            }
        )
    elif asked.answer is StopAnswer.WAITS:
        print(f"{which}: {'stored' if asked.new else 'asked before'}; carrier {asked.carrier_id} is asked. Next: kessai delivery stops")
    else:
        print(f"{which}: {asked.answer.name}")


@app.command
def stops(*, waiting: Annotated[bool, Parameter(negative="")] = False, limit: int = 200, common: Common = PLAIN) -> None:
    """List requests to stop a shipment, newest first: who asked, when, why, and what the carrier said.

    For example:

        kessai delivery stops --waiting

    Parameters
    ----------
    waiting
        Only those that are not answered.
    limit
        At most so many.
    """
    from domain.store.stops import listed

    columns = (("contract", "contract"), ("carrier", "carrier_id"), ("asked", "asked_at"), ("by", "asked_by"), ("why", "reason"))
    more = (("answer", "answer"), ("answered", "answered_at"), ("delivery", "delivery"), ("problem", "problem"))
    show(common, with_store(lambda: listed(waiting=waiting, limit=limit)), (*columns, *more), empty="No requests.")
