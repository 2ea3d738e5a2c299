"""Every constraint of the schema, tried by a statement that breaks it in a migrated database (records: what the database itself defends).

The table is complete: a constraint or unique index of the catalogue that no row tries fails the last test.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from domain.store.connection import open_store, transaction
from tests.conftest import a_database
from tests.store.ground import ROWS, lay, named

CHECK, UNIQUE, FOREIGN = "23514", "23505", "23503"
AGAIN = "insert into {0} overriding system value select * from {0} limit 1"
STRANGER = "update {} set {} = {} where true"
LINE = "insert into line(home, batch_id, contract_id, kind, attempt, amount, account_id{0}) values (1, 2, {{C}}, 1, 2, 1010, 1{1})"

BROKEN_BY: tuple[tuple[str, str, str], ...] = (
    # -- money
    ("account_reserved_positive", "update account set reserved = -1 where account_id = 1", CHECK),
    ("account_covers_reserved", "update account set reserved = 101 where account_id = 1", CHECK),  # S09
    ("state_reserved_within_held", "update contract_state set reserved = held + 1", CHECK),  # paid twice, or paid and refunded
    ("state_reserved_within_held", "update contract_state set reserved = -1", CHECK),
    ("state_settled_once", "update contract_state set settled = net + net", CHECK),
    ("state_settled_once", "update contract_state set settled = 1", CHECK),
    ("contract_amount_check", "update contract set amount = 0, seller_fee = 0", CHECK),
    ("contract_check1", "update contract set amount = 9999999999, buyer_fee = 1", CHECK),
    ("contract_check2", "update contract set seller_fee = amount", CHECK),
    ("contract_buyer_fee_check", "update contract set buyer_fee = -1", CHECK),
    ("contract_seller_fee_check", "update contract set seller_fee = -1", CHECK),
    ("contract_date_which_check", "update contract_date set which = 3", CHECK),
    ("posting_amount_check", "update posting set amount = 0", CHECK),
    ("posting_amount_check", "update posting set amount = -5", CHECK),
    ("posting_check", "update posting set destination_kind = source_kind, destination = source", CHECK),
    ("line_amount_check", "update line set amount = -1", CHECK),
    ("sweep_amount_check", "update sweep set amount = -1, arrived = -1", CHECK),
    ("sweep_arrives_at_most_whole", "update sweep set arrived = amount + 1", CHECK),
    ("sweep_check", "update sweep set to_account = from_account", CHECK),  # S12
    ("sweep_part_amount_check", "update sweep_part set amount = 0", CHECK),
    ("statement_check", "update statement set closing = closing + 1", CHECK),
    ("statement_line_amount_check", "update statement_line set amount = 0", CHECK),
    ("credit_notice_amount_check", "update credit_notice set amount = 0", CHECK),
    # -- once, and not again
    ("line_one_blocking", LINE.format("", ""), UNIQUE),  # S01-S03, I04, I05
    ("line_one_blocking", LINE.format(", outcome", ", 1"), UNIQUE),  # done blocks as open does
    ("line_blocking_unless_ended", "update line set blocking = false", CHECK),
    ("line_blocking_unless_ended", "update line set blocking = false, outcome = 1", CHECK),
    ("line_attempt_check", "update line set attempt = 0", CHECK),
    ("line_attempt_check", "update line set attempt = 36", CHECK),
    ("contract_number_pkey", "insert into contract_number values (1, 130, 'N1', 5, 'other')", UNIQUE),  # S37, I13
    ("reply_channel_name_sha256_key", AGAIN.format("reply").replace("*", "reply_id + 1, channel, name, sha256, size, kind, status, home, batch_id, "
     "account_id, part, at, machine_at"), UNIQUE),
    ("batch_numbered", "update batch set number = 1, value_on = '2000-09-24', closed_at = now() where true", UNIQUE),
    ("batch_one_open", "update batch set value_on = '2000-09-24' where batch_id = 2", UNIQUE),
    ("batch_one_name", "update batch set name = 'f' where true", UNIQUE),  # no two contents under one name
    ("batch_sealed_has_content", "update batch set status = 1 where batch_id = 1", CHECK),
    ("batch_sealed_has_content", "update batch set status = 1, number = 1, name = 'f' where batch_id = 1", CHECK),
    ("batch_within_block", "update batch set line_count = 1000000 where batch_id = 1", CHECK),
    ("batch_within_block", "update batch set amount = 1000000000000 where batch_id = 1", CHECK),
    ("batch_check", "update batch set carrier_id = 'sbx' where batch_id = 1", CHECK),
    ("batch_check", "update batch set bank_code = null where batch_id = 1", CHECK),
    ("exception_reference_key", "update exception set reference = 'r' where true", UNIQUE),
    ("party_home_site_id_code_key", "update party set code = 'A' where true", UNIQUE),
    ("party_account_home_party_id_bank_code_branch_code_account_t_key", "update party_account set account_number = '9000001'", UNIQUE),
    ("account_home_bank_code_branch_code_account_type_account_num_key", "update account set account_number = '9000011'", UNIQUE),
    ("mandate_home_account_id_bank_code_branch_code_account_type__key", ("insert into mandate select home, 2, account_id, bank_code, branch_code, "
     "account_type, account_number, 2, null, 'y', now(), null, null from mandate"), UNIQUE),
    # -- where things belong
    ("contract_check", "update contract set home = 2", CHECK),  # the ID carries the home
    ("site_home_check", "update site set home = 1000", CHECK),
    ("delivery_stop_attempt_check", "update delivery_stop set attempt = -1", CHECK),
    ("delivery_stop_answered_at_a_time", "update delivery_stop set answer = 1", CHECK),
    ("delivery_stop_answered_at_a_time", "update delivery_stop set answered_at = now()", CHECK),
    ("site_route_place_check", "update site_route set place = 0", CHECK),
    ("site_route_says_something", "update site_route set postal_code = null", CHECK),
    ("site_site_id_check", "insert into site(site_id, home, name, carrier_id) values (0, 1, 'x', 'sbx')", CHECK),
    ("site_debit_attempts_check", "update site set debit_attempts = 0", CHECK),
    ("site_debit_attempts_check", "update site set debit_attempts = 36", CHECK),
    ("bank_bank_code_check", "insert into bank(bank_code, name, kana, connector, address) values ('99x0', 'x', 'x', 'sftp', '{}')", CHECK),
    ("bank_connector_check", "update bank set connector = 'post'", CHECK),
    ("bank_framing", "update bank set framing = 'lf'", CHECK),  # read, never written
    ("bank_encoding", "update bank set encoding = 'utf-8'", CHECK),
    ("bank_format", "update bank set format = 'csv'", CHECK),
    ("bank_calls_are_json", "update bank set connector = 'http'", CHECK),
    ("bank_names_each_line", "update bank set format = 'iso20022', failed_only = true", CHECK),
    ("bank_limits", "update bank set max_lines = 1000000", CHECK),
    ("bank_limits", "update bank set max_line_yen = 1000, max_yen = 999", CHECK),
    ("bank_days", "update bank set result_days = -1", CHECK),
    ("bank_days", "update bank set seal_before_minutes = 1440", CHECK),
    ("bank_splits_what_it_settles", "update bank set splits_fees = true", CHECK),
    ("batch_unapproved_stays", "update batch set status = 2, number = 1, name = 'f', sha256 = 'x', awaits_approval = true where batch_id = 1", CHECK),
    ("batch_approved_by_somebody", "update batch set approved_by = 1 where batch_id = 1", CHECK),
    ("batch_approved_by_fkey", "update batch set approved_by = 9, approved_at = now() where batch_id = 1", FOREIGN),
    ("carrier_carrier_id_check", "insert into carrier(carrier_id, name, url, secret) values ('A b', 'x', 'x', 'x')", CHECK),
    ("carrier_connector_check", "update carrier set connector = 'fax', url = null, secret = null", CHECK),
    ("carrier_is_called_or_given_files", "update carrier set connector = 'directory'", CHECK),
    ("carrier_is_called_or_given_files", "update carrier set url = null, secret = null", CHECK),
    ("carrier_is_called_or_given_files", "update carrier set secret = null", CHECK),
    ("carrier_days", "update carrier set overdue_days = 0", CHECK),
    ("business_clock_id_check", "insert into business_clock(id) values (2)", CHECK),
    ("reply_kind_check", "update reply set kind = 'letter'", CHECK),
    ("oauth_client_check", "update oauth_client set firm_id = 1", CHECK),
    ("oauth_client_check1", "update oauth_client set public_jwks = '{}'", CHECK),
    ("oauth_client_programs_show_who_they_are", "update oauth_client set secret_hash = null", CHECK),
    ("oauth_client_frontends_come_back", "update oauth_client set site_id = null", CHECK),
    ("oauth_client_frontends_come_back", "update oauth_client set redirect_uris = '{x}'", CHECK),
    ("person_name_check", "update person set name = 'Big' where user_id = 1", CHECK),
    ("person_name_key", "update person set name = 'op-2' where user_id = 1", UNIQUE),
    ("person_subject_key", "update person set password_hash = null, subject = 's'", UNIQUE),
    ("person_check", "update person set operator = false", CHECK),  # of a firm, or an operator, and never both
    ("person_check", "update person set firm_id = 1", CHECK),
    ("person_check1", "update person set password_hash = null", CHECK),
    ("invitation_check", "update invitation set accepted_at = now()", CHECK),  # accepted by somebody, for a firm
    ("invitation_one_open", "update invitation set party_id = 1", UNIQUE),
    ("claim_release_two_people", "update claim_release set approved_by = 1, approved_at = now()", CHECK),  # one asks, another agrees
    ("claim_release_approved_by_somebody", "update claim_release set approved_at = now()", CHECK),
    ("claim_release_one_end", "update claim_release set approved_by = 2, approved_at = now(), withdrawn_at = now()", CHECK),
    ("claim_release_one_open", "update claim_release set party_id = 1", UNIQUE),
    ("fee_schedule_buyer_fixed_check", "update fee_schedule set buyer_fixed = -1", CHECK),
    ("fee_schedule_seller_fixed_check", "update fee_schedule set seller_fixed = -1", CHECK),
    ("fee_schedule_buyer_basis_points_check", "update fee_schedule set buyer_basis_points = 10001", CHECK),
    ("fee_schedule_seller_basis_points_check", "update fee_schedule set seller_basis_points = -1", CHECK),
    # -- whose it is
    ("account_bank_code_fkey", STRANGER.format("account", "bank_code", "'9998'"), FOREIGN),
    ("account_site_id_fkey", STRANGER.format("account", "site_id", "9"), FOREIGN),
    ("bank_poll_bank_code_fkey", STRANGER.format("bank_poll", "bank_code", "'9998'"), FOREIGN),
    ("carrier_poll_carrier_id_fkey", STRANGER.format("carrier_poll", "carrier_id", "'nobody'"), FOREIGN),
    ("batch_bank_code_fkey", STRANGER.format("batch", "bank_code", "'9998'"), FOREIGN),
    ("batch_carrier_id_fkey", "update batch set bank_code = null, carrier_id = 'nobody'", FOREIGN),
    ("contract_number_site_id_fkey", STRANGER.format("contract_number", "site_id", "9"), FOREIGN),
    ("delivery_stop_carrier_id_fkey", STRANGER.format("delivery_stop", "carrier_id", "'nobody'"), FOREIGN),
    ("delivery_stop_asked_by_fkey", STRANGER.format("delivery_stop", "asked_by", "9"), FOREIGN),
    ("site_route_site_id_fkey", STRANGER.format("site_route", "site_id", "9"), FOREIGN),
    ("site_route_carrier_id_fkey", STRANGER.format("site_route", "carrier_id", "'nobody'"), FOREIGN),
    ("fee_schedule_site_id_fkey", STRANGER.format("fee_schedule", "site_id", "9"), FOREIGN),
    ("oauth_client_firm_id_fkey", "update oauth_client set site_id = null, firm_id = 9", FOREIGN),
    ("oauth_client_site_id_fkey", STRANGER.format("oauth_client", "site_id", "9"), FOREIGN),
    ("person_firm_id_fkey", "update person set operator = false, firm_id = 9", FOREIGN),
    ("browser_session_user_id_fkey", STRANGER.format("browser_session", "user_id", "9"), FOREIGN),
    ("consent_user_id_fkey", STRANGER.format("consent", "user_id", "9"), FOREIGN),
    ("consent_client_id_fkey", STRANGER.format("consent", "client_id", "'nobody'"), FOREIGN),
    ("oauth_family_client_id_fkey", STRANGER.format("oauth_family", "client_id", "'nobody'"), FOREIGN),
    ("oauth_family_user_id_fkey", STRANGER.format("oauth_family", "user_id", "9"), FOREIGN),
    ("oauth_code_family_id_fkey", STRANGER.format("oauth_code", "family_id", "'none'"), FOREIGN),
    ("oauth_refresh_family_id_fkey", STRANGER.format("oauth_refresh", "family_id", "'none'"), FOREIGN),
    ("oauth_assertion_client_id_fkey", STRANGER.format("oauth_assertion", "client_id", "'nobody'"), FOREIGN),
    ("invitation_site_id_fkey", STRANGER.format("invitation", "site_id", "9"), FOREIGN),
    ("invitation_firm_id_fkey", "update invitation set accepted_at = now(), firm_id = 9, user_id = 1", FOREIGN),
    ("claim_release_firm_id_fkey", STRANGER.format("claim_release", "firm_id", "9"), FOREIGN),
    ("claim_release_asked_by_fkey", STRANGER.format("claim_release", "asked_by", "9"), FOREIGN),
    ("claim_release_approved_by_fkey", "update claim_release set approved_by = 9, approved_at = now()", FOREIGN),
    ("invitation_user_id_fkey", "update invitation set accepted_at = now(), firm_id = 1, user_id = 9", FOREIGN),
    ("party_firm_id_fkey", STRANGER.format("party", "firm_id", "9"), FOREIGN),
    ("party_site_id_fkey", STRANGER.format("party", "site_id", "9"), FOREIGN),
    ("reply_body_reply_id_fkey", STRANGER.format("reply_body", "reply_id", "-1"), FOREIGN),
    ("site_carrier_id_fkey", STRANGER.format("site", "carrier_id", "'nobody'"), FOREIGN),
    # -- webhooks and mail
    ("hook_channel_check", "update hook set channel = 2, secret = null, document = null where hook_id = 1", CHECK),
    ("hook_address_check", "update hook set address = 'x' where hook_id = 1", CHECK),
    ("hook_language_check", "update hook set language = 'fr' where hook_id = 1", CHECK),
    ("hook_status_check", "update hook set status = 3 where hook_id = 1", CHECK),
    ("hook_code_tries_check", "update hook set code_tries = -1 where hook_id = 2", CHECK),
    ("hook_of_a_site_or_a_firm", "update hook set firm_id = 1 where hook_id = 1", CHECK),
    ("hook_signs_or_is_mailed", "update hook set secret = null where hook_id = 1", CHECK),
    ("hook_disabled_for_a_reason", "update hook set status = 1 where hook_id = 1", CHECK),
    ("hook_one_mail", "update hook set client_id = 'c' where hook_id = 3", UNIQUE),
    ("hook_site_id_fkey", "update hook set site_id = 9 where hook_id = 1", FOREIGN),
    ("hook_firm_id_fkey", "update hook set site_id = null, firm_id = 9 where hook_id = 1", FOREIGN),
    ("hook_client_id_fkey", "update hook set client_id = 'nobody' where hook_id = 1", FOREIGN),
    ("hook_user_id_fkey", "update hook set user_id = 9 where hook_id = 1", FOREIGN),
    ("hook_delivery_status_check", "update hook_delivery set status = 4, done_at = now()", CHECK),
    ("hook_delivery_ends_once", "update hook_delivery set status = 1", CHECK),
    ("hook_work_tries_check", "update hook_work set tries = 21", CHECK),
    ("hook_attempt_milliseconds_check", "update hook_attempt set milliseconds = -1", CHECK),
    ("hook_attempt_error_check", "update hook_attempt set error = repeat('x', 501)", CHECK),
    # -- one row for one key
    *((f"{table}_pkey", AGAIN.format(table), UNIQUE) for table in ROWS if table != "contract_number"),
)  # fmt: skip


@pytest.fixture(scope="module")
async def ground(engines: Any, template_database: str) -> AsyncIterator[None]:
    async with a_database(engines, template_database) as url, open_store(url):
        async with transaction() as tx:
            await lay(tx)
        yield


CONSTRAINTS = """
select conname as name from pg_constraint where connamespace = 'public'::regnamespace and coninhcount = 0 and contype in ('c', 'u', 'p', 'f', 'x')
   and conrelid <> 'tortoise_migrations'::regclass
union select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
 where i.indisunique and t.relnamespace = 'public'::regnamespace and not t.relispartition and t.relname <> 'tortoise_migrations'"""
PARENT = "select inhparent::regclass::text from pg_inherits where inhrelid = to_regclass($1)"


class Undo(Exception):
    pass


@pytest.mark.parametrize("constraint, statement, sqlstate", BROKEN_BY)
async def test_a_constraint_refuses(ground: None, constraint: str, statement: str, sqlstate: str):
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        async with transaction() as tx:
            await tx.run(named(statement))
    async with transaction() as tx:  # a partition says the name of its own index
        name = refused.value.constraint_name
        parent = await tx.value(PARENT, name) if refused.value.sqlstate == UNIQUE else None
    assert (parent or name, refused.value.sqlstate) == (constraint, sqlstate)


@pytest.mark.parametrize(
    "statement",
    [
        "update account set reserved = 101, overdraft_break = now() where account_id = 1",  # a named break
        "update contract_state set settled = net, held = 0, reserved = 0",
        "update line set blocking = false, outcome = 2",
        "update line set blocking = false, outcome = 5",
        "update batch set status = 1, number = 1, name = 'f', sha256 = 'x' where batch_id = 1",
        "update batch set closed_at = now() where batch_id = 1; update batch set value_on = '2000-09-24' where batch_id = 2",
        "update line set blocking = false, outcome = 3; " + LINE.format("", ""),  # withdrawn, and sent again
        "update contract set amount = 9999999990, buyer_fee = 9",
    ],
)
async def test_what_is_right_is_taken(ground: None, statement: str):
    with contextlib.suppress(Undo):
        async with transaction() as tx:
            for part in statement.split(";"):
                assert await tx.run(named(part)) == 1
            raise Undo


async def test_every_constraint_of_the_catalogue_is_tried(ground: None):
    async with transaction() as tx:
        there = {row["name"] for row in await tx.rows(CONSTRAINTS)}
    assert there == {constraint for constraint, _, _ in BROKEN_BY}
