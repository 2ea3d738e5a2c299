"""Registration [0020]: one contract or ten thousand, one transaction, one answer each.

Safe to repeat for ever: (site, number) is unique and never pruned, the same content answers with the same contract, other
content with what differs (S37, I13). Two callers at once wait for each other at the number and get the same answer.

Locks, always in this order, so that calls at the same time never lock each other out: batches (by account and date), numbers,
parties, accounts, the stream. Registration posts nothing: no money has moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import TypeAlias

import orjson

from domain.acceptance import AccountKey, Mandate, Resolved, SiteRules, check_against_site, consignor_of, standard_days
from domain.accounts import BankAccount
from domain.calendar import business_date
from domain.planned import baseline
from domain.problems import InputProblem, ProblemCode
from domain.registration import NormalContract, NormalParty, content_hash, differing_paths
from domain.statuses import DeliverWhen, EventKind, FilesPerDate, Kind, Mode, ShiftRule
from domain.store import batches, ids, parties, site_rules, stream
from domain.store.connection import Tx, reading, transaction

SLICE = 250  # contracts that are checked or made into rows before others have their turn
COPY_SLICE = 1_000


class OnProblem(Enum):
    """What becomes of the good contracts of a call in which some are refused."""

    REGISTER_OTHERS = "REGISTER_OTHERS"
    REGISTER_NONE = "REGISTER_NONE"


@dataclass(frozen=True, slots=True)
class Registered:
    """It is registered; `already`: by an earlier call (or earlier in this one).

    `next_sealing_at` is when its debit batch closes (business time); None once that is past.
    """

    contract_id: int
    already: bool
    next_sealing_at: datetime | None
    debit_on: date
    due_on: date | None = None  # as it was asked for; `debit_on` is another one where a rule has moved it (S22)


@dataclass(frozen=True, slots=True)
class Conflict:
    """The number belongs to a contract with other content: the input paths that differ (S37)."""

    contract_id: int
    differing: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """All mistakes at once; nothing of it is stored. Paths begin at the contract."""

    problems: tuple[InputProblem, ...]


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nothing wrong with it, but others of its call were refused and REGISTER_NONE was asked for."""


Outcome: TypeAlias = Registered | Conflict | Refused | Withheld
Item: TypeAlias = NormalContract | Sequence[InputProblem]


@dataclass(slots=True)
class _New:
    """A contract on its way in."""

    index: int
    normal: NormalContract
    content: bytes
    resolved: Resolved
    mandate_id: int | None = None
    debit_on: date | None = None
    batch_id: int = 0
    seal_at: datetime | None = None
    contract_id: int = 0


class _Undo(Exception):
    """REGISTER_NONE, and something was refused late: the transaction rolls back."""


class _Call:
    """One call of `register`, with what it has found out so far."""

    def __init__(self, tenant: site_rules.Tenant, items: Sequence[Item], on_problem: OnProblem, now: datetime) -> None:
        self.tenant, self.items, self.on_problem, self.now = tenant, items, on_problem, now
        self.outcomes: list[Outcome | None] = [None] * len(items)
        self.new: list[_New] = []
        self.followers: list[tuple[int, int]] = []  # (index, index of the first with that number)
        self.contents: dict[int, bytes] = {}
        self.fresh_numbers: dict[str, int] = {}
        self.delivery_batches: dict[str, int] = {}  # by carrier

    @property
    def spoiled(self) -> bool:
        """Whether nothing may be stored."""
        return self.on_problem is OnProblem.REGISTER_NONE and any(isinstance(o, Refused | Conflict) for o in self.outcomes)

    def normal(self, index: int) -> NormalContract:
        item = self.items[index]
        assert isinstance(item, NormalContract)
        return item


async def register(
    site_id: int,
    items: Sequence[Item],
    *,
    on_problem: OnProblem = OnProblem.REGISTER_OTHERS,
    now: datetime,
    machine_now: datetime,
) -> list[Outcome]:
    """Registers contracts for a site: outcomes in the order of the items. One transaction, all or nothing with REGISTER_NONE.

    Args:
        site_id: Whose contracts; decided by the token, never by the input (R08).
        items: Contracts in normal form, or the problems that were found before (they are refused, in order).
        on_problem: What becomes of the others when some are refused.
        now: Business time.
        machine_now: Machine time: IDs and stream.

    Raises:
        SiteNotReady: The site does not exist, or has no main account.
    """
    async with reading() as tx:
        tenant = await site_rules.tenant(tx, site_id)
        rules = await site_rules.load(tx, site_id, business_date(now))
        call = _Call(tenant, items, on_problem, now)
        await _recognise(tx, call)
        await _check(tx, call, rules)
        wanted_parties, wanted_accounts = _wanted(call.new)
        known = await parties.look_up(tx, tenant.home, site_id, wanted_parties, wanted_accounts)
    if call.new and not call.spoiled:
        groups = _groups(call.new)
        spare = len(groups) + len({one.resolved.carrier_id for one in call.new})
        fresh = await ids.take(tenant.home, len(call.new) + known.needs + spare, machine_now)
        supply = iter(fresh)
        try:
            async with transaction() as tx:
                await _open_batches(tx, call, rules, groups, supply)
                await _take_numbers(tx, call, supply)
                if call.spoiled:
                    raise _Undo
                if call.new:
                    await parties.write(tx, tenant.home, site_id, known, wanted_accounts, supply)
                    await _write(tx, call, known, machine_now)
        except _Undo:
            pass
    _finish(call)
    return [outcome for outcome in call.outcomes if outcome is not None]


async def _recognise(tx: Tx, call: _Call) -> None:
    """Settles what was refused before, what is registered already, and what stands twice in this call."""
    first: dict[str, int] = {}
    for index, item in enumerate(call.items):
        if isinstance(item, NormalContract):
            call.contents[index] = content_hash(item)
            first.setdefault(item.number, index)
        else:
            call.outcomes[index] = Refused(tuple(item))
        if index % SLICE == SLICE - 1:
            await asyncio.sleep(0)
    rows = await tx.rows(
        "select number, contract_id, content from contract_number where home = $1 and site_id = $2 and number = any($3::text[])",
        call.tenant.home,
        call.tenant.site_id,
        list(first),
    )
    existing = {row["number"]: (row["contract_id"], bytes(row["content"])) for row in rows}
    if existing:
        hits = [
            (index, *existing[item.number])
            for index, item in enumerate(call.items)
            if isinstance(item, NormalContract) and item.number in existing
        ]
        await _answer_existing(tx, call, hits)


async def _answer_existing(tx: Tx, call: _Call, hits: Sequence[tuple[int, int, bytes]]) -> None:
    """Same content: the contract as it is registered. Other content: what differs."""
    wanted = sorted({contract_id for _, contract_id, _ in hits})
    rows = await tx.rows(
        "select c.contract_id, c.debit_on, c.due_on, c.canonical, case when s.debit = 0 then b.seal_at end as seal_at from contract c "
        # state and batch are looked up by key for each, whatever the planner believes about a partition that nobody has analysed yet
        "cross join lateral (select debit from contract_state s where s.home = c.home and s.contract_id = c.contract_id "
        "and s.contract_id between $3 and $4 limit 1) s "
        "left join lateral (select seal_at from batch b where b.home = c.home and b.kind = $6 and coalesce(b.account_id, 0) = c.collecting_id "
        "and coalesce(b.carrier_id, '') = '' and b.site_id = $5 and b.value_on = c.debit_on "
        "and b.status = 0 and b.closed_at is null limit 1) b on true "
        "where c.home = $1 and c.contract_id = any($2::bigint[]) and c.contract_id between $3 and $4",
        call.tenant.home,
        wanted,
        wanted[0],
        wanted[-1],
        call.tenant.site_id,
        int(Kind.DEBIT),
    )
    stored = {row["contract_id"]: row for row in rows}
    for index, contract_id, content in hits:
        row = stored[contract_id]
        if content == call.contents[index]:
            call.outcomes[index] = Registered(contract_id, True, row["seal_at"], row["debit_on"], row["due_on"])
        else:
            call.outcomes[index] = Conflict(contract_id, _differing(bytes(row["canonical"]), call.normal(index)))


def _differing(old: bytes, new: NormalContract) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(path) for path in differing_paths(old, new.canonical))


async def _check(tx: Tx, call: _Call, rules: SiteRules) -> None:
    """Asks the domain about each new contract; the first with a number that passes takes it, later ones follow it."""
    candidates = [index for index, outcome in enumerate(call.outcomes) if outcome is None]
    mandates, mandate_ids = await _mandates(tx, call, rules, candidates)
    for count, index in enumerate(candidates, 1):
        normal = call.normal(index)
        leader = call.fresh_numbers.get(normal.number)
        if leader is not None:
            call.followers.append((index, leader))
            if call.contents[leader] != call.contents[index]:
                # Told apart now, so that REGISTER_NONE stores nothing; the ID is put in when it is known.
                call.outcomes[index] = Conflict(0, _differing(call.normal(leader).canonical, normal))
        else:
            found = check_against_site(normal, rules, call.now, mandates)
            if isinstance(found, Resolved):
                key = (normal.buyer.account.key, found.consignor_code)
                call.new.append(_New(index, normal, call.contents[index], found, mandate_ids.get(key)))
                call.fresh_numbers[normal.number] = index
            else:
                call.outcomes[index] = Refused(tuple(found))
        if count % SLICE == 0:
            await asyncio.sleep(0)


async def _mandates(
    tx: Tx, call: _Call, rules: SiteRules, candidates: Sequence[int]
) -> tuple[dict[tuple[AccountKey, str], Mandate], dict[tuple[AccountKey, str], int]]:
    """The ACTIVE consents of the buyers of this call, per account and consignor [0018]."""
    own = {(account.bank_code, account.consignor_code): account.account_id for account in rules.collecting.values()}
    for direct in (rules.direct_consignors or {}).values():
        own[direct.bank_code, direct.consignor_code] = direct.account_id
    asked: dict[tuple[int, AccountKey], tuple[AccountKey, str]] = {}
    for count, index in enumerate(candidates, 1):
        normal = call.normal(index)
        key = normal.buyer.account.key
        consignor = consignor_of(normal, rules)
        account_id = own.get((key[0], consignor)) if consignor is not None else None
        if consignor is not None and account_id is not None:
            asked[account_id, key] = (key, consignor)
        if count % SLICE == 0:
            await asyncio.sleep(0)
    if not asked:
        return {}, {}
    rows = await tx.rows(
        "select m.account_id, m.bank_code, m.branch_code, m.account_type, m.account_number, m.mandate_id, m.limit_amount "
        "from unnest($2::bigint[], $3::text[], $4::text[], $5::smallint[], $6::text[]) "
        "x(account_id, bank_code, branch_code, account_type, account_number) "
        # one look-up by key for each, whatever the planner believes about a table that nobody has analysed yet
        "cross join lateral (select * from mandate m where m.home = $1 and m.account_id = x.account_id and m.bank_code = x.bank_code::char(4) "
        "and m.branch_code = x.branch_code::char(3) and m.account_type = x.account_type "
        "and m.account_number = x.account_number::char(7) limit 1) m where m.status = 1",
        call.tenant.home,
        [account_id for account_id, _ in asked],
        *zip(*(key for _, key in asked), strict=True),
    )
    mandates: dict[tuple[AccountKey, str], Mandate] = {}
    mandate_ids: dict[tuple[AccountKey, str], int] = {}
    for row in rows:
        buyer: AccountKey = (row["bank_code"], row["branch_code"], row["account_type"], row["account_number"])
        pair = asked[row["account_id"], buyer]
        mandates[pair] = Mandate(row["limit_amount"])
        mandate_ids[pair] = row["mandate_id"]
    return mandates, mandate_ids


def _wanted(new: Sequence[_New]) -> tuple[dict[str, NormalParty], set[tuple[str, BankAccount]]]:
    wanted: dict[str, NormalParty] = {}
    accounts: set[tuple[str, BankAccount]] = set()
    for one in new:
        for party in (one.normal.seller, one.normal.buyer):
            wanted[party.code] = party  # named differently within one call: the last word counts
            accounts.add((party.code, party.account))
    return wanted, accounts


_Group = tuple[int, bool, date | None]  # our account, direct, due date asked for


def _groups(new: Sequence[_New]) -> dict[_Group, list[_New]]:
    """Contracts that go into one debit batch, in the order in which batches are locked."""
    groups: dict[_Group, list[_New]] = {}
    for one in new:
        direct = one.resolved.terms.mode is Mode.DIRECT
        due = None if one.normal.due_on is None else one.resolved.slot.value_on
        groups.setdefault((one.resolved.collecting_account_id, direct, due), []).append(one)
    return dict(sorted(groups.items(), key=lambda item: (item[0][0], item[0][1], item[0][2] or date.min)))


async def _open_batches(tx: Tx, call: _Call, rules: SiteRules, groups: dict[_Group, list[_New]], supply: Iterator[int]) -> None:
    """Finds the batch of each group; contracts whose due date's file is closed are refused, or moved as the bank's rule says."""
    for (account_id, direct, due), members in groups.items():
        bank = rules.banks[members[0].normal.buyer.account.bank_code]
        batch: batches.OpenBatch | None = None
        fresh = next(supply)
        slot = members[0].resolved.slot
        if due is not None:
            found = await batches.open_batch(
                tx,
                kind=Kind.DEBIT,
                bank_code=bank.bank_code,
                value_on=slot.value_on,
                seal_at=slot.seal_at,
                deadline_at=slot.deadline_at,
                batch_id=fresh,
                one_per_date=bank.files_per_debit_date is FilesPerDate.ONE,
                home=call.tenant.home,
                site_id=call.tenant.site_id,
                account_id=account_id,
                direct=direct,
            )
            if found is not None:
                batch = batches.OpenBatch(found, slot.value_on, slot.seal_at, slot.deadline_at)
        if batch is None and (due is None or ShiftRule.NEXT in (bank.shift_rule, rules.late_due_dates)):
            later = None if due is None else due + timedelta(days=1)
            batch = await batches.next_open(
                tx,
                home=call.tenant.home,
                kind=Kind.DEBIT,
                site_id=call.tenant.site_id,
                account_id=account_id,
                bank=bank,
                now=call.now,
                batch_id=fresh,
                direct=direct,
                not_before=later,
            )
        if batch is None:
            for one in members:
                call.outcomes[one.index] = Refused((_DATE_CLOSED,))
            continue
        for one in members:
            one.batch_id, one.debit_on, one.seal_at = batch.batch_id, batch.value_on, batch.seal_at
            if batch.value_on != slot.value_on:
                one.resolved = _replanned(one, rules, call.now, batch.value_on)
    call.new = [one for one in call.new if one.batch_id]
    for carrier_id in sorted({one.resolved.carrier_id for one in call.new if one.resolved.terms.deliver_when is DeliverWhen.AT_ONCE}):
        call.delivery_batches[carrier_id] = await batches.open_delivery(
            tx,
            home=call.tenant.home,
            site_id=call.tenant.site_id,
            carrier_id=carrier_id,
            now=call.now,
            batch_id=next(supply),
        )


_DATE_CLOSED = InputProblem(
    ProblemCode.DATE_NOT_POSSIBLE,
    "The bank's file for this date is already closed; choose a later date.",
    "この日の振替ファイルは締め切られました。より遅い日を指定してください。",
    ("dueOn",),
)


def _replanned(one: _New, rules: SiteRules, now: datetime, debit_on: date) -> Resolved:
    """The date that was next when we looked has closed meanwhile: the plan counts from the date that it gets instead."""
    days = standard_days(rules, rules.banks[one.normal.buyer.account.bank_code], one.resolved.carrier_id)
    terms = one.resolved.terms
    planned = baseline(business_date(now), debit_on, one.normal.due_on is not None, terms.deliver_when, terms.release, days)
    return replace(one.resolved, planned=planned)


async def _take_numbers(tx: Tx, call: _Call, supply: Iterator[int]) -> None:
    """Takes (site, number) for ever. Whoever was faster has committed by the time we know: his contract is the answer."""
    for one in call.new:
        one.contract_id = next(supply)
    ordered = sorted(call.new, key=lambda one: one.normal.number)
    numbers = [one.normal.number for one in ordered]
    taken = await tx.run(
        "insert into contract_number(home, site_id, number, contract_id, content) "
        "select $1, $2, x.* from unnest($3::text[], $4::bigint[], $5::bytea[]) x on conflict do nothing",
        call.tenant.home,
        call.tenant.site_id,
        numbers,
        [one.contract_id for one in ordered],
        [one.content for one in ordered],
    )
    if taken == len(ordered):
        return
    rows = await tx.rows(
        "select number, contract_id, content from contract_number where home = $1 and site_id = $2 and number = any($3::text[])",
        call.tenant.home,
        call.tenant.site_id,
        numbers,
    )
    owners = {row["number"]: (row["contract_id"], bytes(row["content"])) for row in rows}
    lost = [one for one in call.new if owners[one.normal.number][0] != one.contract_id]
    await _answer_existing(tx, call, [(one.index, *owners[one.normal.number]) for one in lost])
    gone = {one.index for one in lost}
    call.new = [one for one in call.new if one.index not in gone]


_CONTRACT = (
    "home", "contract_id", "site_id", "number", "buyer_id", "seller_id", "buyer_account_id", "seller_account_id", "amount",
    "currency", "buyer_fee", "seller_fee", "due_on", "debit_on", "mode", "release", "delivery_trigger", "ship_before_acceptance",
    "registered_at", "carrier_id", "collecting_id", "main_id", "planned_debited_on", "planned_delivery_on",
    "planned_shipped_on", "planned_settled_on", "canonical",
)  # fmt: skip
_RECORD = (
    "home", "contract_id", "seller_name", "seller_postal_code", "seller_address", "buyer_name", "buyer_postal_code",
    "buyer_address", "goods",
)  # fmt: skip
_STATE = (
    "home", "contract_id", "site_id", "event_count", "deliver_when", "release", "due", "direct", "gross", "net",
    "collecting_id", "main_id", "buyer_account_id", "seller_account_id", "carrier_id", "mandate_id",
)  # fmt: skip


async def _write(tx: Tx, call: _Call, known: parties.Known, machine_now: datetime) -> None:
    """The rows of all contracts: what never changes, what the carrier needs, where it stands, what happened, what waits."""
    home, site_id = call.tenant.home, call.tenant.site_id
    today, now = business_date(call.now), call.now
    new = sorted(call.new, key=lambda one: one.contract_id)
    for start in range(0, len(new), COPY_SLICE):
        contracts, records, states = [], [], []
        for one in new[start : start + COPY_SLICE]:
            normal, resolved = one.normal, one.resolved
            seller, buyer, terms, planned = normal.seller, normal.buyer, resolved.terms, resolved.planned
            seller_id, buyer_id = known.party_ids[seller.code], known.party_ids[buyer.code]
            seller_account = known.account_ids[parties.account_row(seller_id, seller.account)]
            buyer_account = known.account_ids[parties.account_row(buyer_id, buyer.account)]
            due, direct, release = normal.due_on is not None, terms.mode is Mode.DIRECT, int(terms.release)
            collecting, main, carrier = resolved.collecting_account_id, resolved.main_account_id, resolved.carrier_id
            contracts.append((
                home, one.contract_id, site_id, normal.number, buyer_id, seller_id, buyer_account, seller_account,
                normal.amount, int(normal.currency), resolved.buyer_fee, resolved.seller_fee, normal.due_on, one.debit_on,
                int(terms.mode), release, int(terms.delivery_trigger), terms.ship_before_acceptance, now, carrier,
                collecting, main, planned.debited_on, planned.delivery_instructed_on, planned.shipped_on,
                planned.settled_on, normal.canonical,
            ))  # fmt: skip
            goods = [{"name": line.name, "model": line.model, "quantity": line.quantity} for line in normal.goods]
            records.append((
                home, one.contract_id, seller.name, seller.postal_code, seller.address, buyer.name, buyer.postal_code,
                buyer.address, orjson.dumps(goods).decode(),
            ))  # fmt: skip
            states.append((
                home, one.contract_id, site_id, 1, int(terms.deliver_when), release, due, direct, resolved.gross,
                resolved.net, collecting, main, buyer_account, seller_account, carrier, one.mandate_id,
            ))  # fmt: skip
        await tx.copy_in("contract", _CONTRACT, contracts)
        await tx.copy_in("delivery_record", _RECORD, records)
        await tx.copy_in("contract_state", _STATE, states)
    fresh_ids = [one.contract_id for one in new]
    await tx.run(
        "insert into event(home, contract_id, no, kind, at, happened_on) select $1, unnest($2::bigint[]), 1, $3, $4, $5",
        home,
        fresh_ids,
        int(EventKind.REGISTERED),
        now,
        today,
    )
    await _put_to_work(tx, call, new)
    await stream.append(tx, home, machine_now, [stream.StreamEntry(site_id, int(EventKind.REGISTERED), fresh_ids, [1] * len(fresh_ids))])


async def _put_to_work(tx: Tx, call: _Call, new: Sequence[_New]) -> None:
    """Each contract waits for its debit; those whose goods leave at once wait for the carrier too (claim 9)."""
    waiting = [(one.batch_id, one.contract_id) for one in new]
    waiting += [
        (call.delivery_batches[one.resolved.carrier_id], one.contract_id)
        for one in new
        if one.resolved.terms.deliver_when is DeliverWhen.AT_ONCE
    ]
    await tx.run(
        "insert into work(home, batch_id, contract_id) select $1, x.* from unnest($2::bigint[], $3::bigint[]) x",
        call.tenant.home,
        [batch_id for batch_id, _ in waiting],
        [contract_id for _, contract_id in waiting],
    )


def _finish(call: _Call) -> None:
    """Puts in what only the end of the transaction tells."""
    spoiled = call.spoiled
    for one in call.new:
        assert one.debit_on is not None or spoiled
        call.outcomes[one.index] = (
            Withheld()
            if spoiled or one.debit_on is None
            else Registered(one.contract_id, False, one.seal_at, one.debit_on, one.normal.due_on)
        )
    for index, leader in call.followers:
        first, own = call.outcomes[leader], call.outcomes[index]
        if isinstance(own, Conflict):
            if isinstance(first, Registered | Conflict):
                call.outcomes[index] = Conflict(first.contract_id, own.differing)
            elif isinstance(first, Refused):
                call.outcomes[index] = first
        elif isinstance(first, Registered):
            call.outcomes[index] = Registered(first.contract_id, True, first.next_sealing_at, first.debit_on, first.due_on)
        else:
            call.outcomes[index] = first
