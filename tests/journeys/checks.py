"""What must be true after every journey: our own checker finds nothing, and the banks' books show each instruction once (K1-K9)."""

from __future__ import annotations

from collections import Counter

from domain.statuses import Kind, LineOutcome, SweepStatus
from domain.store import reconciling, verify
from domain.store.connection import reading
from domain.store.reconciling import Reconciled
from tests.journeys.town import Town

LETTERS = {Kind.PAYOUT: "P", Kind.SWEEP: "S"}
IN_THE_BOOKS = {"debit", "credit", "return"}


async def sound(here: Town, *, level: bool = True) -> None:
    """Raises AssertionError with what is wrong.

    Args:
        here: The town, at rest.
        level: Each account's ledger shows what its bank shows now. False where the journey ends in a named break, or before a statement.
    """
    findings = await verify.check()
    assert findings == [], "\n".join(map(str, findings))
    await _ledger(here)
    await _books(here)
    await explained(here)
    if level:
        await _level(here)


async def explained(here: Town) -> list[Reconciled]:
    """Nothing between ledger and statements is without a name (I01); answers the accounts."""
    now = await here.now()
    async with reading() as tx:
        found = await reconciling.accounts(tx, now=now)
    for one in found:
        assert not one.unexplained or any(x.code == "STATEMENT_GAP" for x in one.breaks), (one, one.movements, one.breaks)
    return found


async def _ledger(here: Town) -> None:
    """Held money is what the ledger owes; reserved is what is on its way (K1, I02)."""
    wrong = await here.rows(
        "select s.contract_id, s.held, coalesce(p.owed, 0) as owed from contract_state s left join (select id, sum(yen) as owed from "
        "(select destination as id, amount as yen from posting where destination_kind = 3 union all "
        "select source, -amount from posting where source_kind = 3) x group by id) p on p.id = s.contract_id where s.held <> -coalesce(p.owed, 0)"
    )
    assert wrong == [], [dict(row) for row in wrong]
    wrong = await here.rows(
        "select a.account_id, a.booked, coalesce(p.cash, 0) as cash from account a left join (select id, sum(yen) as cash from "
        "(select destination as id, amount as yen from posting where destination_kind = 1 union all "
        "select source, -amount from posting where source_kind = 1) x group by id) p on p.id = a.account_id where a.booked <> coalesce(p.cash, 0)"
    )
    assert wrong == [], [dict(row) for row in wrong]
    gaps = await here.rows(
        "select s.contract_id from contract_state s left join (select contract_id, count(*) as n, max(no) as last from event group by 1) e "
        "using (contract_id) where s.event_count <> e.n or s.event_count <> e.last"
    )
    assert gaps == []


async def _books(here: Town) -> None:
    """Every instruction that we hold for done is in the books of a bank once, with its yen; nothing else is, unless its answer is open (K2)."""
    booked: Counter[tuple[str, int]] = Counter()
    for code in here.sandbox.config.banks:
        for entry in (await here.http.get(f"/banks/{code}/book")).json()["bookings"]:
            if entry["kind"] in IN_THE_BOOKS and entry["reference"]:
                booked[entry["reference"], entry["amount"]] += 1
    done: set[tuple[str, int]] = set()
    open_: set[tuple[str, int]] = set()
    for row in await here.rows("select kind, contract_id, attempt, amount, outcome from line where kind <> 2"):
        letter = LETTERS.get(Kind(row["kind"]))
        attempt = f"{row['attempt']:02d}" if letter is None else "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[row["attempt"]]
        key = (f"{letter or ''}{row['contract_id']:018d}{attempt}", row["amount"])
        if row["outcome"] in (LineOutcome.DONE, LineOutcome.RETURNED):
            done.add(key)
        elif row["outcome"] == LineOutcome.OPEN:
            open_.add(key)
    for row in await here.rows("select sweep_id, attempt, amount, status, arrived from sweep"):
        key = (f"S{row['sweep_id']:018d}{row['attempt']}", row["amount"])
        if row["status"] == SweepStatus.ARRIVED:
            done.add(key)
        elif row["status"] != SweepStatus.VOID:
            open_.add(key)
    twice = [key for key, times in booked.items() if times > 1]
    assert not twice, f"booked more than once: {twice}"
    assert not done - booked.keys(), f"not in any bank's books: {done - booked.keys()}"
    assert not booked.keys() - done - open_, f"booked, and not known to us as done: {booked.keys() - done - open_}"


async def _level(here: Town) -> None:
    """Each account of a site shows in our ledger what its bank shows (I01)."""
    at_bank = {
        bank["code"] + account["account"]: account["balance"]
        for bank in (await here.http.get("/banks")).json()["banks"]
        for account in bank["accounts"]
    }
    rows = await here.rows(
        "select bank_code || branch_code || account_type || account_number as key, booked from account where party_id is null"
    )
    differing = {row["key"]: (row["booked"], at_bank.get(row["key"])) for row in rows if row["booked"] != at_bank.get(row["key"])}
    assert not differing, f"(ours, the bank's): {differing}"
