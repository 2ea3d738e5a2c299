"""One valid row in every table, written by SQL: what a constraint is tried against. Account numbers are invented."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.store.connection import Tx
from domain.store.partitions import day_number, first_id_of

YEAR = datetime.now(UTC).year
"""The migration makes partitions for this year of the machine and the next."""
CONTRACT = first_id_of(YEAR) + 1_000_007
"""A contract of home 1."""
DAY = day_number(datetime(YEAR, 6, 1, tzinfo=UTC))

ROWS: dict[str, str] = {
    "business_clock": "(id) values (1)",
    "carrier": "(carrier_id, name, url, secret) values ('sbx', 'x', 'http://127.0.0.1', 's')",
    "site": "(site_id, home, name, carrier_id) values (130, 1, 'x', 'sbx')",
    "site_route": "(site_id, place, postal_code, carrier_id) values (130, 1, '150', 'sbx')",
    "fee_schedule": "(site_id, from_on) values (130, '2000-01-01')",
    "bank": "(bank_code, name, kana, connector, address) values ('9990', 'x', 'x', 'directory', '{}')",
    "bank_poll": "(bank_code, machine_at, moves) values ('9990', now(), 0)",
    "carrier_poll": "(carrier_id, machine_at, moves) values ('sbx', now(), 0)",
    "firm": "(firm_id, name, created_at) values (1, 'x', now())",
    "oauth_client": "(client_id, name, secret_hash, site_id, scopes, machine_at) values ('c', 'x', 'x', 130, '{}', now())",
    "person": "(user_id, name, operator, password_hash, machine_at) values (1, 'op-1', true, 'x', now()), (2, 'op-2', true, 'x', now())",
    "oauth_key": "(kid, private_jwk, machine_at) values ('k', '{}', now())",
    "browser_session": "values ('s', 1, now(), now())",
    "consent": "values (1, 'c', '{}', now())",
    "oauth_family": "values ('f', 'c', 1, now(), now())",
    "oauth_code": "values ('h', 'f', 'x', 'x', 'x', now())",
    "oauth_refresh": "values ('h', 'f', 'x', now())",
    "oauth_revocation": "values ('token:x', now())",
    "oauth_assertion": "values ('c', 'j', now())",
    "throttle": "values ('k', 1, now())",
    "id_head": "values (1, 1)",
    "party": "(home, party_id, site_id, code, name, address) values (1, 1, 130, 'A', 'x', 'x'), (1, 2, 130, 'B', 'x', 'x')",
    "invitation": "values ('t', 1, 1, 130, now(), now()), ('u', 1, 2, 130, now(), now())",
    "claim_release": (
        "(home, release_id, party_id, firm_id, asked_by, machine_at, expires_at) values (1, 1, 1, 1, 1, now(), now()), (1, 2, 2, 1, 1, now(), now())"
    ),
    "party_account": "values (1, 1, 1, '9990', '101', 1, '9000001', 'X'), (1, 2, 1, '9990', '101', 1, '9000002', 'X')",
    "account": (
        "(home, account_id, site_id, bank_code, branch_code, account_type, account_number, holder, consignor_code, from_on, booked) "
        "values (1, 1, 130, '9990', '101', 1, '9000011', 'X', '0000000130', '2000-01-01', 100), "
        "(1, 2, 130, '9990', '101', 1, '9000012', 'X', '0000000130', '2000-01-01', 0)"
    ),
    "mandate": (
        "(home, mandate_id, account_id, bank_code, branch_code, account_type, account_number, status, evidence, since_at) "
        "values (1, 1, 1, '9990', '101', 1, '9000001', 1, 'x', now())"
    ),
    "contract_number": "values (1, 130, 'N1', {C}, 'x')",
    "contract": (
        "(home, contract_id, site_id, number, buyer_id, seller_id, buyer_account_id, seller_account_id, amount, buyer_fee, seller_fee, debit_on, "
        "mode, release, delivery_trigger, ship_before_acceptance, registered_at, carrier_id, collecting_id, main_id, planned_debited_on, "
        "planned_delivery_on, planned_shipped_on, planned_settled_on, canonical) values (1, {C}, 130, 'N1', 1, 2, 1, 2, 1000, 10, 20, "
        "'2000-09-24', 0, 0, 0, false, now(), 'sbx', 1, 2, '2000-09-24', '2000-09-24', '2000-09-24', '2000-09-24', 'x')"
    ),
    "delivery_record": "(home, contract_id, seller_name, seller_address, buyer_name, buyer_address, goods) values (1, {C}, 'x', 'x', 'x', 'x', '[]')",
    "contract_state": (
        "(home, contract_id, site_id, event_count, deliver_when, release, due, direct, gross, net, held, reserved, collecting_id, main_id, "
        "buyer_account_id, seller_account_id, carrier_id) values (1, {C}, 130, 1, 2, 0, false, false, 1010, 980, 1010, 1010, 1, 2, 1, 2, 'sbx')"
    ),
    "event": "values (1, {C}, 1, 1, now(), '2000-09-20', null)",
    "contract_date": "values (1, 130, 1, '2000-09-24', {C}, 1, 2)",
    "standing": "values (1, {C}, 1, 130, 1, 2)",
    "settlement_sum": "values (1, 130, 2, 392, 0, 1, 980)",
    "sum_place": "values (1, {D}, 1, now())",
    "batch": (
        "(home, batch_id, kind, site_id, bank_code, account_id, value_on, seal_at, deadline_at, takes_from) "
        "values (1, 1, 1, 130, '9990', 1, '2000-09-24', now(), now(), 1), (1, 2, 1, 130, '9990', 1, '2000-09-25', now(), now(), 2)"
    ),
    "work": "values (1, 1, {C})",
    "batch_fact": "(home, batch_id, fact, happened_on, at) values (1, 1, 1, '2000-09-24', now())",
    "parked": "values (1, {C}, 1, 'x', now())",
    "line": "(home, batch_id, contract_id, kind, attempt, amount, account_id) values (1, 1, {C}, 1, 1, 1010, 1)",
    "sweep": "(home, sweep_id, site_id, from_account, to_account, amount) values (1, 1, 130, 1, 2, 1010)",
    "sweep_part": "values (1, 1, 1, 1, 1010)",
    "delivery_stop": "(home, contract_id, attempt, carrier_id, asked_by, asked_at, reason) values (1, {C}, 1, 'sbx', 1, now(), 'x')",
    "posting": "values (1, {D}, {C}, 1, 1, 3, {C}, 1, 1, 1010, '2000-09-24')",
    "stream_head": "values (1, 1, {D}, 1, 'x')",
    "stream": "values (1, {D}, 1, 130, 1, now(), 'x', array[{C}], array[1])",
    "reply": "(channel, name, sha256, size, kind, at, machine_at) values ('bank:9990', 'f', 'x', 1, 'result', now(), now())",
    "reply_body": "select reply_id, 0, 'x' from reply",
    "reply_line": "(reply_id, line_no) select reply_id, 1 from reply",
    "statement": "values (1, 1, '2000-09-24', 1, 1, 0, 100, 0, 100)",
    "statement_line": (
        "(home, account_id, booked_on, number, line_no, incoming, category, amount) values (1, 1, '2000-09-24', 1, 1, true, 14, 100)"
    ),
    "credit_notice": "values (1, 1, '2000-09-24', 1, 1, '000001', 100, false, null, 1)",
    "exception": "(reference, at, code, reason) values ('r', now(), 'X', 'x'), ('r2', now(), 'X', 'x')",
    "outbox": "(queue, actor, args, machine_at) values ('runs', 'x', '{}', now())",
    "lease": "values ('l', 'x', now())",
    "hook": (
        "(home, hook_id, channel, site_id, client_id, address, language, document, secret, kinds, machine_at) values "
        "(1, 1, 0, 130, 'c', 'https://x.example', 'en', 'x', 'x', null, now()), (1, 2, 1, 130, 'c', 'x@x.example', 'en', null, null, '{8}', now()), "
        "(1, 3, 1, 130, null, 'y@x.example', 'en', null, null, '{8}', now())"
    ),
    "hook_head": "values (1, 1, {D}, 1)",
    "hook_wake": "values (1, 1, 1, 0, 0, 0, {D}, 1)",
    "hook_delivery": "(home, delivery_id, hook_id, message_id, sha256, machine_at) values (1, 1, 1, 'm', 'x', now())",
    "hook_work": "(home, hook_id, contract_id, delivery_id, next_try_at) values (1, 1, {C}, 1, now())",
    "hook_attempt": "values (1, 1, 1, now(), 200, 5, null)",
}


def named(sql: str) -> str:
    """With the contract ({C}) and the day ({D}) put in."""
    return sql.replace("{C}", str(CONTRACT)).replace("{D}", str(DAY))


async def lay(tx: Tx) -> None:
    """Writes them all."""
    for table, row in ROWS.items():
        await tx.run(named(f"insert into {table} {row}"))
