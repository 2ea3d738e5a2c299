"""A contract's events against the machines and the gates: the path that it took, step by step (K3, K4, I05, I07, I08, I16).

The rules are asked of `domain.machines` and `domain.gates` themselves, not of the SQL that made the events. Contracts with the same
history are judged once: there are few histories, however many contracts there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

from domain.gates import FINAL_REFUSALS, delivery_gate_open, payout_gate_open
from domain.machines import DEBIT, DELIVERY, PAYOUT, STATUS_AFTER, Condition, Machine, event_of_move
from domain.statuses import DebitFailureReason, DebitStatus, DeliverWhen, DeliveryStatus, EventKind, PayoutStatus, Release
from domain.store.connection import Tx
from domain.store.verify_findings import Finding

_HISTORIES = """
with e as (
  select contract_id, array_agg(kind order by no) as kinds, count(*) as n, min(no) = 1 and max(no) = count(*) as dense,
         coalesce(array_agg(coalesce((data->>'code')::int, 0) order by no) filter (where kind = 5), '{}') as codes
    from event where home = $1 and contract_id > $2 and contract_id <= $3 group by contract_id)
select s.debit, s.delivery, s.payout, s.deliver_when, s.release, s.direct, s.funded,
       coalesce(e.kinds, '{}') as kinds, coalesce(e.codes, '{}') as codes, coalesce(e.dense and e.n = s.event_count, false) as dense,
       array_agg(s.contract_id order by s.contract_id) as contract_ids
  from contract_state s left join e on e.contract_id = s.contract_id
 where s.home = $1 and s.contract_id > $2 and s.contract_id <= $3
 group by s.debit, s.delivery, s.payout, s.deliver_when, s.release, s.direct, s.funded, 8, 9, 10"""


@dataclass(frozen=True, slots=True)
class History:
    """What decides whether a contract came rightly to where it stands."""

    debit: DebitStatus
    delivery: DeliveryStatus
    payout: PayoutStatus
    deliver_when: DeliverWhen
    release: Release
    direct: bool
    funded: bool
    kinds: tuple[int, ...]
    codes: tuple[int, ...]  # of the failed debits, in their order
    dense: bool  # numbered 1, 2, 3 ... up to the counter of the state row


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that a history breaks."""

    check: str
    what: str
    expected: str
    found: str


_MACHINES: dict[str, Machine[Any, Any]] = {"debit": DEBIT, "delivery": DELIVERY, "payout": PAYOUT}
_STEPS: dict[str, dict[tuple[IntEnum, IntEnum], set[Condition | None]]] = {name: {} for name in _MACHINES}
for _name, _machine in _MACHINES.items():
    for _from, _to, _, _condition in _machine.all_moves():
        _STEPS[_name].setdefault((_from, _to), set()).add(_condition)


@dataclass(slots=True)
class _Fold:
    """Where the machines stand after the events so far."""

    history: History
    now: dict[str, IntEnum]
    codes: list[int]
    code: int | None = None
    funded: bool = False

    @property
    def debit(self) -> DebitStatus:
        return DebitStatus(self.now["debit"])

    def wrong_step(self, kind: EventKind) -> Fault | None:
        """A step that its machine does not have (I10), or that is written as another event than it is."""
        machine, to = STATUS_AFTER[kind]
        from_ = self.now[machine]
        conditions = _STEPS[machine].get((from_, to), set())
        known = bool(conditions - {Condition.DIRECT}) or (Condition.DIRECT in conditions and self.history.direct)
        if known and event_of_move(machine, to, from_) is kind:
            return None
        return Fault("K3", f"each step of a contract is one that its {machine} machine has", f"a step out of {from_.name}", kind.name)

    def closed_gate(self, kind: EventKind) -> Fault | None:
        """An instruction that was given although its gate was closed at that moment."""
        delivery, payout = DeliveryStatus(self.now["delivery"]), PayoutStatus(self.now["payout"])
        stands = f"debit {self.debit.name}, delivery {delivery.name}, payout {payout.name}, {'' if self.funded else 'not '}funded"
        if kind is EventKind.DELIVERY_INSTRUCTED:
            final = self.debit is DebitStatus.FAILED and self.code in set(FINAL_REFUSALS)
            if not delivery_gate_open(self.history.deliver_when, self.debit, payout, final):
                return Fault("I08", "no delivery unless its gate is open", f"{self.history.deliver_when.name} fulfilled", stands)
        elif kind is EventKind.PAYOUT_INSTRUCTED:
            if not payout_gate_open(self.history.release, self.debit, delivery, self.funded, held_up=False):
                return Fault("I07", "no payout unless debited, funded and released", f"{self.history.release.name} fulfilled", stands)
        elif kind in {EventKind.FUNDED, EventKind.PAID}:
            if self.debit is not DebitStatus.DEBITED:
                return Fault("I07", "no money moves on before it was debited", DebitStatus.DEBITED.name, stands)
        elif kind is EventKind.DEBIT_INSTRUCTED and self.debit is DebitStatus.FAILED and self.code != DebitFailureReason.SHORT_BALANCE:
            return Fault("I05", "only a short balance is presented again", DebitFailureReason.SHORT_BALANCE.name, f"code {self.code}")
        return None

    def take(self, kind: EventKind) -> None:
        if kind in STATUS_AFTER:
            machine, to = STATUS_AFTER[kind]
            self.now[machine] = to
        if kind is EventKind.DEBIT_FAILED:
            self.code = self.codes.pop(0)
        self.funded = self.funded or kind is EventKind.FUNDED


@lru_cache(maxsize=10_000)
def judge(history: History) -> tuple[Fault, ...]:
    """Everything that is wrong with a history. The first wrong step ends the walk: what follows from it says nothing new."""
    if not history.dense:
        return (Fault("I16", "events are numbered without gaps up to the counter of the state row", "1, 2, 3 ...", "a gap"),)
    fold = _Fold(history, {"debit": DEBIT.start, "delivery": DELIVERY.start, "payout": PAYOUT.start}, list(history.codes))
    for place, number in enumerate(history.kinds):
        kind = EventKind(number)
        if (place == 0) is not (kind is EventKind.REGISTERED):
            return (Fault("K3", "a contract begins once, with its registration", EventKind.REGISTERED.name, kind.name),)
        fault = (fold.wrong_step(kind) if kind in STATUS_AFTER else None) or fold.closed_gate(kind)
        if fault:
            return (fault,)
        fold.take(kind)
    stands = {"debit": history.debit, "delivery": history.delivery, "payout": history.payout}
    faults = [
        Fault("I16", f"the {name} status is what the events say", fold.now[name].name, stands[name].name)
        for name in stands
        if fold.now[name] != stands[name]
    ]
    if fold.funded is not history.funded:
        faults.append(Fault("I16", "funded is what the events say", str(fold.funded), str(history.funded)))
    return tuple(faults)


async def check(tx: Tx, home: int, after: int, through: int) -> list[Finding]:
    """The histories of the contracts after one and through another."""
    found: list[Finding] = []
    for row in await tx.rows(_HISTORIES, home, after, through):
        for fault in judge(_history(row)):
            found += [
                Finding(fault.check, fault.what, home, fault.expected, fault.found, contract_id=contract_id)
                for contract_id in row["contract_ids"]
            ]
    return found


def _history(row: Any) -> History:
    kinds: Sequence[int] = row["kinds"]
    return History(
        DebitStatus(row["debit"]),
        DeliveryStatus(row["delivery"]),
        PayoutStatus(row["payout"]),
        DeliverWhen(row["deliver_when"]),
        Release(row["release"]),
        row["direct"],
        row["funded"],
        tuple(kinds),
        tuple(row["codes"]),
        row["dense"],
    )
