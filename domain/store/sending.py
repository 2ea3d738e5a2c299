"""The sending protocol's rows: each step of a batch is committed before the next begins (settlement rule 2).

Every change is conditional on the status it starts from and on the lease: a worker that has lost its lease changes nothing any more, and
finds that out before it acts. Which steps there are is `domain.machines.BATCH`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from domain import carrier_files
from domain.bank_names import first_answers
from domain.calendar import business_date
from domain.machines import BATCH, SWEEP, BatchFact, SweepFact
from domain.statuses import BatchStatus, Kind, SweepStatus
from domain.store import exceptions, facts, inbox
from domain.store.connection import Tx, reading, transaction
from domain.store.due import STUBBORN
from domain.store.leases import LASTS

TO_SEND = (BatchStatus.SEALED, BatchStatus.SENDING, BatchStatus.RELEASING)


@dataclass(frozen=True, slots=True)
class BankAddress:
    """How a bank is reached. `address`: directory {"path"}; sftp {"host","port","user","key_file","known_host"}; http {"url","secret"}."""

    bank_code: str
    connector: str
    address: Mapping[str, Any] = field(repr=False)
    deduplicates: bool


@dataclass(frozen=True, slots=True)
class CarrierAddress:
    """How a carrier is reached. `address`: http {"url","secret"}; directory and sftp as a bank's.

    The secret signs in both directions; two, separated by a space, while it is being changed.
    """

    carrier_id: str
    connector: str
    address: Mapping[str, Any] = field(repr=False)
    deduplicates: bool

    @property
    def takes_files(self) -> bool:
        """It is given CSV files (docs/wire.md section 6); else it is called."""
        return self.connector != "http"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A sealed batch in the hands of one worker (`holder`)."""

    home: int
    batch_id: int
    holder: str
    kind: Kind
    direct: bool
    account_id: int | None
    status: BatchStatus
    name: str
    sha256: bytes
    tries: int
    untouched: bool
    to: BankAddress | CarrierAddress

    @property
    def label(self) -> str:
        """The kind in words; a direct debit is a debit that is sent for a seller."""
        return "direct" if self.direct else self.kind.name.lower()

    @property
    def channel(self) -> str:
        """The channel's name in the inbox."""
        if isinstance(self.to, BankAddress):
            return inbox.bank_channel(self.to.bank_code)
        return inbox.carrier_channel(self.to.carrier_id)


async def take(home: int, batch_id: int, holder: str, machine_now: datetime) -> Outgoing | None:
    """Takes a sealed batch for one worker. None: another has it, it rests after a failure, or it has gone out already."""
    async with transaction() as tx:
        row = await tx.row(
            "update batch set lease_holder = $3, lease_until = $4 where home = $1 and batch_id = $2 and status = any($5::smallint[]) "
            "and not awaits_approval and (lease_until is null or lease_until < $6 or lease_holder = $3) and (next_try_at is null or next_try_at <= $6) "
            "returning kind, direct, account_id, bank_code, carrier_id, status, name, sha256, tries, untouched",
            home,
            batch_id,
            holder,
            machine_now + LASTS,
            [int(status) for status in TO_SEND],
            machine_now,
        )
        if row is None:
            return None
        to = await _bank(tx, row["bank_code"]) if row["carrier_id"] is None else await carrier_address(tx, row["carrier_id"])
    return Outgoing(
        home=home,
        batch_id=batch_id,
        holder=holder,
        kind=Kind(row["kind"]),
        direct=row["direct"],
        account_id=row["account_id"],
        status=BatchStatus(row["status"]),
        name=row["name"],
        sha256=row["sha256"],
        tries=row["tries"],
        untouched=row["untouched"],
        to=to,
    )


async def address_of(bank_code: str) -> BankAddress:
    """How a bank is reached. Raises LookupError for a code that no bank here has."""
    async with reading() as tx:
        return await _bank(tx, bank_code)


async def step(batch: Outgoing, fact: BatchFact) -> Outgoing | None:
    """Commits a step of the protocol; answers the batch as it stands then. None: lease or status was lost, and the worker must stop.

    RELEASE_BEGUN from RELEASING is the same call once more, which its caller has found to be safe.
    """
    to = BATCH.moves(fact).get(batch.status, batch.status)
    async with transaction() as tx:
        if not await _change(tx, batch, "status = $5, untouched = false, next_try_at = null", int(to)):
            return None
    return replace(batch, status=to, untouched=False)


async def mark_sent(batch: Outgoing, now: datetime) -> bool:
    """SENT, on the business clock, and the sweep that this batch is with it. False: somebody else has moved it (a receipt was read)."""
    (released,) = BATCH.sources(BatchFact.SENT)[:1]
    assert released is BatchStatus.RELEASING
    async with transaction() as tx:
        moved = await _change(
            tx,
            batch,
            "status = $5, sent_at = $6, tries = 0, untouched = false, next_try_at = null, problem = null, "
            "lease_holder = null, lease_until = null",
            int(BatchStatus.SENT),
            now,
        )
        if moved and batch.kind is Kind.SWEEP:
            await _move_sweep(tx, batch, SweepStatus.PREPARED, SWEEP.moves(SweepFact.SENT)[SweepStatus.PREPARED])
        if moved:
            await exceptions.close_outage(tx, way="send", channel=batch.channel, now=now)
    return moved


async def mark_unknown(batch: Outgoing, reason: str, now: datetime) -> bool:
    """UNKNOWN: nobody can tell whether the other side has it. Listed for people; never sent again by itself (I09)."""
    async with transaction() as tx:
        moved = await _change(
            tx,
            batch,
            "status = $5, problem = $6, untouched = false, next_try_at = null, lease_holder = null, lease_until = null",
            int(BATCH.moves(BatchFact.OVERDUE)[batch.status]),
            reason,
        )
        if not moved:
            return False
        if batch.kind is Kind.SWEEP:
            # Two facts in one: it may have been sent, and nobody can say whether it was.
            await _move_sweep(tx, batch, SweepStatus.PREPARED, SWEEP.moves(SweepFact.OVERDUE)[SweepStatus.SENT])
        else:
            await facts.announce(tx, batch.home, batch.batch_id, facts.BatchNews.OVERDUE, happened_on=business_date(now), now=now)
        await _list(tx, batch, "SEND_UNKNOWN", reason, now)
    return True


async def put_off(
    batch: Outgoing, problem: str, next_try_at: datetime, now: datetime, *, untouched: bool = False, code: str | None = None
) -> None:
    """A try failed without a change of state: the batch rests until `next_try_at` (machine clock), and lists show the problem.

    `untouched`: it is RELEASING, and the other side is known not to have begun with it. `code`: under which a person is told that nothing
    goes out there, once for all batches that wait.
    """
    async with transaction() as tx:
        rests = await _change(
            tx,
            batch,
            "tries = tries + 1, problem = $5, next_try_at = $6, untouched = $7, lease_holder = null, lease_until = null",
            problem,
            next_try_at,
            untouched,
        )
        if rests and code is not None:
            words = f"nothing goes out there, {batch.tries + 1} tries so far: {problem}"
            await exceptions.open_outage(
                tx, way="send", channel=batch.channel, code=code, reason=words, now=now, home=batch.home, batch_id=batch.batch_id
            )


async def stop(batch: Outgoing, code: str, reason: str, next_try_at: datetime, now: datetime) -> None:
    """As `put_off`, and listed for a person, who has to do something before it can go on."""
    await put_off(batch, f"{code}: {reason}", next_try_at, now)
    async with transaction() as tx:
        await _list(tx, batch, code, reason, now)


async def put_off_batch(home: int, batch_id: int, problem: str, now: datetime, machine_now: datetime) -> None:
    """A step failed unexpectedly: the batch rests for a while (twice as long each time), so that it does not keep others from work.

    After some tries it is listed for a person, and tried again all the same.
    """
    async with transaction() as tx:
        tries = await tx.value(
            "update batch set tries = tries + 1, problem = $3, lease_holder = null, lease_until = null, "
            "next_try_at = $4::timestamptz + least(power(2, least(tries, 10)), 300) * interval '1 second' "
            "where home = $1 and batch_id = $2 and status <= $5 returning tries",
            home,
            batch_id,
            problem,
            machine_now,
            int(BatchStatus.RELEASING),
        )
        if tries == STUBBORN:
            await exceptions.record(
                tx,
                code="STUCK",
                reference=f"stuck:batch:{batch_id}",
                reason=f"a step failed unexpectedly {STUBBORN} times ({problem}); it is tried again less and less often",
                now=now,
                home=home,
                batch_id=batch_id,
            )


async def heard_of(batch: Outgoing) -> bool:
    """Whether the other side has spoken of this batch: a receipt, a result, a statement line or a carrier's answer."""
    async with reading() as tx:
        if not isinstance(batch.to, CarrierAddress):
            names = first_answers(batch.name)
        else:
            names = carrier_files.first_answers(batch.name) if batch.to.takes_files else [f"{batch.batch_id:018d}"]
        return bool(
            await tx.value("select exists (select 1 from reply where channel = $1 and name = any($2::text[]))", batch.channel, names)
            or await tx.value(
                "select exists (select 1 from statement_line l join batch b on b.home = l.home and b.batch_id = $2 "
                "where l.home = $1 and l.account_id = $3 and l.booked_on >= b.value_on and l.batch_id = $2)",
                batch.home,
                batch.batch_id,
                batch.account_id,
            )
        )


async def _change(tx: Tx, batch: Outgoing, assignments: str, *values: Any) -> bool:
    return (
        await tx.run(
            f"update batch set {assignments} where home = $1 and batch_id = $2 and status = $3 and lease_holder = $4",
            batch.home,
            batch.batch_id,
            int(batch.status),
            batch.holder,
            *values,
        )
        == 1
    )


async def _move_sweep(tx: Tx, batch: Outgoing, start: SweepStatus, to: SweepStatus) -> None:
    await tx.run(
        "update sweep set status = $3 where home = $1 and sweep_id = $2 and status = $4", batch.home, batch.batch_id, int(to), int(start)
    )


async def _list(tx: Tx, batch: Outgoing, code: str, reason: str, now: datetime) -> None:
    await exceptions.record(
        tx,
        code=code,
        reference=f"{code}:{batch.batch_id}",
        reason=reason,
        now=now,
        home=batch.home,
        channel=batch.channel,
        batch_id=batch.batch_id,
    )


async def _bank(tx: Tx, bank_code: str) -> BankAddress:
    row = await tx.row("select connector, address, deduplicates from bank where bank_code = $1", bank_code)
    if row is None:
        raise LookupError(f"no bank {bank_code}")
    return BankAddress(bank_code, row["connector"], json.loads(row["address"]), row["deduplicates"])


async def carrier_address(tx: Tx, carrier_id: str, *, held: bool = False) -> CarrierAddress:
    """How a carrier is reached. Raises LookupError for an ID that no carrier here has.

    `held`: nobody changes it before this transaction has ended.
    """
    lock = " for share" if held else ""
    row = await tx.row(f"select connector, url, secret, address, deduplicates from carrier where carrier_id = $1{lock}", carrier_id)
    if row is None:
        raise LookupError(f"no carrier {carrier_id}")
    address = {"url": row["url"], "secret": row["secret"]} if row["connector"] == "http" else json.loads(row["address"])
    return CarrierAddress(carrier_id, row["connector"], address, row["deduplicates"])


async def address_of_carrier(carrier_id: str) -> CarrierAddress:
    """As `carrier_address`, in a transaction of its own."""
    async with reading() as tx:
        return await carrier_address(tx, carrier_id)
