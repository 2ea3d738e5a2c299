"""Years of finished contracts, made by SQL: the past beside which a day's work must not get dearer."""

from __future__ import annotations

from datetime import UTC, date, datetime

from domain.store.connection import Tx, transaction
from domain.store.partitions import day_number, first_id_of

HOME, SITE = 1, 130
ON = date(2026, 5, 1)
EVENTS = (1, 2, 4, 7, 8, 13, 14, 15)
AT_ONCE = 50_000


async def fill(count: int) -> None:
    """Contracts that were paid long ago, with everything that belongs to them, beside the bench's site. Statistics are made, as a server has them."""
    machine = datetime.now(UTC)
    first = first_id_of(machine.year) // 1_000_000_000 * 1_000_000_000
    for start in range(0, count, AT_ONCE):
        async with transaction() as tx:
            await _some(tx, first, start, min(start + AT_ONCE, count), day_number(machine))
    async with transaction() as tx:
        await tx.script("analyze")


async def _some(tx: Tx, first: int, start: int, end: int, day: int) -> None:
    # ids as they are made: seconds of the year's beginning on, home 1, number 0, check digit left 0 (nothing here reads it)
    series = f"(select {first}::bigint + g * 1000000000::bigint + {HOME} * 1000000 as i, g from generate_series({start + 1}, {end}) g) x"
    at = f"'{ON}'::timestamptz"
    party = "(select party_id from party where home = 1 limit 1)"
    account = "(select account_id from account where home = 1 limit 1)"
    await tx.script(
        f"""
insert into contract_number(home, site_id, number, contract_id, content) select {HOME}, {SITE}, 'old-' || g, i, '' from {series};
insert into contract(home, contract_id, site_id, number, buyer_id, seller_id, buyer_account_id, seller_account_id, amount, buyer_fee, seller_fee,
  debit_on, mode, release, delivery_trigger, ship_before_acceptance, registered_at, carrier_id, collecting_id, main_id, planned_debited_on,
  planned_delivery_on, planned_shipped_on, planned_settled_on, canonical)
 select {HOME}, i, {SITE}, 'old-' || g, coalesce({party}, 1), coalesce({party}, 1), 1, 1, 100, 0, 0, '{ON}', 0, 0, 0, false, {at}, 'bench',
  {account}, {account}, '{ON}', '{ON}', '{ON}', '{ON}', '' from {series};
insert into delivery_record(home, contract_id, seller_name, seller_address, buyer_name, buyer_address, goods)
 select {HOME}, i, 'S', 'a', 'B', 'b', '[]' from {series};
insert into contract_state(home, contract_id, site_id, debit, delivery, payout, event_count, deliver_when, release, due, direct, gross, net,
  settled, collecting_id, main_id, buyer_account_id, seller_account_id, carrier_id, debit_attempt, delivery_attempt, payout_attempt, funded,
  debited_on, shipped_on, settled_on)
 select {HOME}, i, {SITE}, 4, 4, 3, {len(EVENTS)}, 2, 0, false, false, 100, 100, 100, {account}, {account}, 1, 1, 'bench', 1, 1, 1, true,
  '{ON}', '{ON}', '{ON}' from {series};
insert into event(home, contract_id, no, kind, at, happened_on)
 select {HOME}, i, e.no, e.kind, {at}, '{ON}' from {series}, unnest(array{list(EVENTS)}::smallint[]) with ordinality e(kind, no);
insert into line(home, batch_id, contract_id, kind, attempt, amount, account_id, outcome, outcome_on)
 select {HOME}, 1000 + g / 20000 * 3 + k, i, k, 1, 100, 1, 1, '{ON}' from {series}, generate_series(1, 3) k;
insert into contract_date(home, site_id, which, on_date, contract_id, buyer_id, seller_id)
 select {HOME}, {SITE}, w, '{ON}', i, coalesce({party}, 1), coalesce({party}, 1) from {series}, generate_series(1, 2) w;
insert into posting(home, day, cause, no, line, source_kind, source, destination_kind, destination, amount, booked_on)
 select {HOME}, {day}, i, n, 1, 3, i, 1, 2, 100, '{ON}' from {series}, generate_series(1, 2) n;
"""
    )
