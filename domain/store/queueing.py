"""Putting contracts into the work whose gate a fact has just opened: to deliver, to pay, to debit again.

A gate opens once, in the transaction that writes the fact which opens it; the rows come grouped by where they must go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from domain.statuses import Kind
from domain.store import batches, ids
from domain.store.connection import Tx, reading
from domain.store.site_rules import bank_rules


@dataclass(frozen=True, slots=True)
class Numbers:
    """Fresh IDs for batches that may have to be made, taken before the transaction begins (the numbers have a transaction of their own)."""

    values: list[int]

    @classmethod
    async def take(cls, home: int, machine_now: datetime, count: int = 3) -> Numbers:
        """`count` numbers; those that are not needed are lost, which is allowed."""
        return cls(await ids.take(home, count, machine_now))

    @classmethod
    async def take_for_carriers(cls, home: int, machine_now: datetime, count: int) -> Numbers:
        """As `take`, and one more for each carrier there is: the contracts of one batch may go with any of them."""
        async with reading() as tx:
            carriers = int(await tx.value("select count(*) from carrier"))
        return await cls.take(home, machine_now, count + carriers)

    def next(self) -> int:
        """The next unused number."""
        return self.values.pop()


class NumbersShortError(Exception):
    """A chunk needs more new batches than numbers were taken; the caller takes more and runs the chunk again."""


async def _into(tx: Tx, home: int, batch_id: int, contract_ids: Sequence[int]) -> None:
    await tx.run(
        "insert into work(home, batch_id, contract_id) select $1, $2, unnest($3::bigint[]) on conflict do nothing",
        home,
        batch_id,
        list(contract_ids),
    )


async def deliver(tx: Tx, home: int, contracts: Iterable[tuple[int, int, str]], now: datetime, numbers: Numbers) -> None:
    """(contract, site, carrier) whose goods may leave now: into the open delivery batch of each site and carrier."""
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for contract_id, site_id, carrier_id in contracts:
        groups[site_id, carrier_id].append(contract_id)
    _enough(numbers, len(groups))
    for (site_id, carrier_id), contract_ids in sorted(groups.items()):
        batch_id = await batches.open_delivery(tx, home=home, site_id=site_id, carrier_id=carrier_id, now=now, batch_id=numbers.next())
        await _into(tx, home, batch_id, contract_ids)


async def pay(tx: Tx, home: int, contracts: Iterable[tuple[int, int, int]], now: datetime, numbers: Numbers) -> None:
    """(contract, site, main account) whose sellers may be paid: into the next payout batch of each main account."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for contract_id, site_id, account_id in contracts:
        groups[site_id, account_id].append(contract_id)
    await _bank_work(tx, home, Kind.PAYOUT, groups, now, numbers)


async def debit_again(
    tx: Tx, home: int, contracts: Iterable[tuple[int, int, int]], now: datetime, numbers: Numbers, *, not_before: date | None = None
) -> None:
    """(contract, site, our account) to be debited at the next open date, not before a day: after a refused file, or presented again."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for contract_id, site_id, account_id in contracts:
        groups[site_id, account_id].append(contract_id)
    await _bank_work(tx, home, Kind.DEBIT, groups, now, numbers, not_before)


async def _bank_work(
    tx: Tx,
    home: int,
    kind: Kind,
    groups: dict[tuple[int, int], list[int]],
    now: datetime,
    numbers: Numbers,
    not_before: date | None = None,
) -> None:
    _enough(numbers, len(groups))
    for (site_id, account_id), contract_ids in sorted(groups.items()):
        account = await tx.row("select bank_code, party_id from account where home = $1 and account_id = $2", home, account_id)
        assert account is not None
        found = await batches.next_open(
            tx,
            home=home,
            kind=kind,
            site_id=site_id,
            account_id=account_id,
            bank=await bank_rules(tx, account["bank_code"]),
            now=now,
            batch_id=numbers.next(),
            direct=kind is Kind.DEBIT and account["party_id"] is not None,
            not_before=not_before,
        )
        await _into(tx, home, found.batch_id, contract_ids)
        if kind is Kind.DEBIT:
            await tx.run(
                "update contract_state set retry_on = $3 where home = $1 and contract_id = any($2::bigint[])",
                home,
                list(contract_ids),
                found.value_on,
            )


def _enough(numbers: Numbers, wanted: int) -> None:
    if len(numbers.values) < wanted:
        raise NumbersShortError(wanted)
