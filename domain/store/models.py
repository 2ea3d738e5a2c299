"""The tables as Tortoise models: for look-ups and small writes by people's commands. Runs use the bulk statements beside this file.

Most home tables have composite keys, which Tortoise does not know: `pk` is only the column that it needs. Never `save()`, `delete()` or
`get(pk)` on them; always `.filter(home=..., ...)`. The real keys, checks and partitions stand in `migrations/first.sql`; a test compares.
"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model


class BusinessClock(Model):
    """One row; without sandbox it stays at offset 0 (settlement rule 8)."""

    id = fields.SmallIntField(primary_key=True, generated=False)
    standing_at = fields.DatetimeField(null=True)
    offset_us = fields.BigIntField()
    moves = fields.BigIntField()
    sandbox = fields.BooleanField()

    class Meta:
        table = "business_clock"


class Carrier(Model):
    """Table `carrier`."""

    carrier_id = fields.CharField(max_length=255, primary_key=True)
    name = fields.TextField()
    url = fields.TextField()
    secret = fields.TextField()
    calendar = fields.SmallIntField()
    ship_days = fields.SmallIntField()
    overdue_days = fields.SmallIntField()
    deduplicates = fields.BooleanField()

    class Meta:
        table = "carrier"


class Site(Model):
    """Table `site`."""

    site_id = fields.IntField(primary_key=True, generated=False)
    home = fields.SmallIntField()
    name = fields.TextField()
    carrier_id = fields.TextField()
    calendar = fields.SmallIntField()
    delivery_days = fields.SmallIntField()
    sweep_days = fields.SmallIntField()
    ship_before_acceptance = fields.BooleanField()
    shift_rule = fields.SmallIntField()
    debit_attempts = fields.SmallIntField()

    class Meta:
        table = "site"


class FeeSchedule(Model):
    """Table `fee_schedule`."""

    site_id = fields.IntField(primary_key=True, generated=False)
    from_on = fields.DateField()
    buyer_fixed = fields.BigIntField()
    buyer_basis_points = fields.IntField()
    seller_fixed = fields.BigIntField()
    seller_basis_points = fields.IntField()

    class Meta:
        table = "fee_schedule"


class Bank(Model):
    """Table `bank`."""

    bank_code = fields.CharField(max_length=4, primary_key=True)
    name = fields.TextField()
    kana = fields.TextField()
    connector = fields.TextField()
    address: fields.JSONField[Any] = fields.JSONField()
    deduplicates = fields.BooleanField()
    calendar = fields.SmallIntField()
    shift_rule = fields.SmallIntField()
    debit_deadline = fields.TimeField()
    debit_lead_days = fields.SmallIntField()
    credit_deadline = fields.TimeField()
    credit_lead_days = fields.SmallIntField()
    seal_before_minutes = fields.SmallIntField()
    result_days = fields.SmallIntField()
    result_time = fields.TimeField()
    statement_time = fields.TimeField()
    overdue_days = fields.SmallIntField()
    files_per_debit_date = fields.SmallIntField()
    accepts_ahead_days = fields.SmallIntField()
    payout_days = fields.SmallIntField()
    direct_debits = fields.BooleanField()
    failed_only = fields.BooleanField()

    class Meta:
        table = "bank"


class BankPoll(Model):
    """When a bank's out/ was last looked through."""

    bank_code = fields.CharField(max_length=4, primary_key=True)
    machine_at = fields.DatetimeField()
    moves = fields.BigIntField()
    problem = fields.TextField(null=True)
    failures = fields.IntField()

    class Meta:
        table = "bank_poll"


class Firm(Model):
    """Table `firm`."""

    firm_id = fields.BigIntField(primary_key=True, generated=False)
    name = fields.TextField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "firm"


class OauthClient(Model):
    """Table `oauth_client`."""

    client_id = fields.CharField(max_length=255, primary_key=True)
    name = fields.TextField()
    secret_hash = fields.BinaryField()
    site_id = fields.IntField(null=True)
    firm_id = fields.BigIntField(null=True)
    scopes: ArrayField[Any] = ArrayField(element_type="text")
    machine_at = fields.DatetimeField()
    stopped_at = fields.DatetimeField(null=True)

    class Meta:
        table = "oauth_client"


class OauthKey(Model):
    """Signing keys of access tokens; the newest signs, the others still verify."""

    kid = fields.CharField(max_length=255, primary_key=True)
    private_jwk: fields.JSONField[Any] = fields.JSONField()
    machine_at = fields.DatetimeField()
    retired_at = fields.DatetimeField(null=True)

    class Meta:
        table = "oauth_key"


class IdHead(Model):
    """Table `id_head`."""

    home = fields.SmallIntField(primary_key=True, generated=False)
    next = fields.BigIntField()

    class Meta:
        table = "id_head"


class Party(Model):
    """Table `party`."""

    home = fields.SmallIntField()
    party_id = fields.BigIntField(primary_key=True, generated=False)
    site_id = fields.IntField()
    code = fields.TextField()
    name = fields.TextField()
    postal_code = fields.TextField(null=True)
    address = fields.TextField()
    firm_id = fields.BigIntField(null=True)

    class Meta:
        table = "party"


class PartyAccount(Model):
    """An account as a contract named it; rows are never changed."""

    home = fields.SmallIntField()
    party_account_id = fields.BigIntField(primary_key=True, generated=False)
    party_id = fields.BigIntField()
    bank_code = fields.CharField(max_length=4)
    branch_code = fields.CharField(max_length=3)
    account_type = fields.SmallIntField()
    account_number = fields.CharField(max_length=7)
    holder = fields.TextField()

    class Meta:
        table = "party_account"


class Account(Model):
    """An account that we debit into or pay from."""

    home = fields.SmallIntField()
    account_id = fields.BigIntField(primary_key=True, generated=False)
    site_id = fields.IntField()
    party_id = fields.BigIntField(null=True)
    bank_code = fields.CharField(max_length=4)
    branch_code = fields.CharField(max_length=3)
    account_type = fields.SmallIntField()
    account_number = fields.CharField(max_length=7)
    holder = fields.TextField()
    consignor_code = fields.CharField(max_length=10)
    collecting = fields.BooleanField()
    main = fields.BooleanField()
    from_on = fields.DateField()
    until_on = fields.DateField(null=True)
    booked = fields.BigIntField()
    reserved = fields.BigIntField()
    overdraft_break = fields.DatetimeField(null=True)

    class Meta:
        table = "account"


class Mandate(Model):
    """A buyer's consent per (account, consignor) [0018]."""

    home = fields.SmallIntField()
    mandate_id = fields.BigIntField(primary_key=True, generated=False)
    account_id = fields.BigIntField()
    bank_code = fields.CharField(max_length=4)
    branch_code = fields.CharField(max_length=3)
    account_type = fields.SmallIntField()
    account_number = fields.CharField(max_length=7)
    status = fields.SmallIntField()
    limit_amount = fields.BigIntField(null=True)
    evidence = fields.TextField()
    since_at = fields.DatetimeField()
    stopped_at = fields.DatetimeField(null=True)
    stopped_because = fields.TextField(null=True)

    class Meta:
        table = "mandate"


class ContractNumber(Model):
    """(site, number) for ever (S37, I13); never partitioned, never pruned."""

    home = fields.SmallIntField()
    site_id = fields.IntField()
    number = fields.TextField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)
    content = fields.BinaryField()

    class Meta:
        table = "contract_number"


class Contract(Model):
    """Figure 2, what never changes; partitioned by birth."""

    home = fields.SmallIntField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)
    site_id = fields.IntField()
    number = fields.TextField()
    buyer_id = fields.BigIntField()
    seller_id = fields.BigIntField()
    buyer_account_id = fields.BigIntField()
    seller_account_id = fields.BigIntField()
    amount = fields.BigIntField()
    currency = fields.SmallIntField()
    buyer_fee = fields.BigIntField()
    seller_fee = fields.BigIntField()
    due_on = fields.DateField(null=True)
    debit_on = fields.DateField()
    mode = fields.SmallIntField()
    release = fields.SmallIntField()
    delivery_trigger = fields.SmallIntField()
    ship_before_acceptance = fields.BooleanField()
    registered_at = fields.DatetimeField()
    carrier_id = fields.TextField()
    collecting_id = fields.BigIntField()
    main_id = fields.BigIntField()
    planned_debited_on = fields.DateField()
    planned_delivery_on = fields.DateField()
    planned_shipped_on = fields.DateField()
    planned_settled_on = fields.DateField()
    canonical = fields.BinaryField()

    class Meta:
        table = "contract"


class DeliveryRecord(Model):
    """Figure 3."""

    home = fields.SmallIntField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)
    seller_name = fields.TextField()
    seller_postal_code = fields.TextField(null=True)
    seller_address = fields.TextField()
    buyer_name = fields.TextField()
    buyer_postal_code = fields.TextField(null=True)
    buyer_address = fields.TextField()
    goods: fields.JSONField[Any] = fields.JSONField()

    class Meta:
        table = "delivery_record"


class ContractState(Model):
    """What changes; a cache of the events, written with them."""

    home = fields.SmallIntField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)
    site_id = fields.IntField()
    debit = fields.SmallIntField()
    delivery = fields.SmallIntField()
    payout = fields.SmallIntField()
    event_count = fields.IntField()
    deliver_when = fields.SmallIntField()
    release = fields.SmallIntField()
    due = fields.BooleanField()
    direct = fields.BooleanField()
    gross = fields.BigIntField()
    net = fields.BigIntField()
    held = fields.BigIntField()
    reserved = fields.BigIntField()
    settled = fields.BigIntField()
    refunded = fields.BigIntField()
    collecting_id = fields.BigIntField()
    main_id = fields.BigIntField()
    buyer_account_id = fields.BigIntField()
    seller_account_id = fields.BigIntField()
    carrier_id = fields.TextField()
    mandate_id = fields.BigIntField(null=True)
    debit_attempt = fields.SmallIntField()
    delivery_attempt = fields.SmallIntField()
    payout_attempt = fields.SmallIntField()
    funded = fields.BooleanField()
    held_up = fields.BooleanField()
    debit_batch = fields.BigIntField(null=True)
    debit_part = fields.SmallIntField(null=True)
    payout_batch = fields.BigIntField(null=True)
    scheduled_on = fields.DateField(null=True)
    debited_on = fields.DateField(null=True)
    failure = fields.SmallIntField(null=True)
    failed_on = fields.DateField(null=True)
    retry_on = fields.DateField(null=True)
    instructed_on = fields.DateField(null=True)
    delivery_instructed_on = fields.DateField(null=True)
    shipped_on = fields.DateField(null=True)
    delivered_on = fields.DateField(null=True)
    tracking_number = fields.TextField(null=True)
    result_on = fields.DateField(null=True)
    settled_on = fields.DateField(null=True)
    credited_on = fields.DateField(null=True)

    class Meta:
        table = "contract_state"


class Event(Model):
    """Append-only; numbers without gaps from contract_state.event_count."""

    home = fields.SmallIntField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)
    no = fields.IntField()
    kind = fields.SmallIntField()
    at = fields.DatetimeField()
    happened_on = fields.DateField(null=True)
    data: fields.JSONField[Any] = fields.JSONField(null=True)

    class Meta:
        table = "event"


class Batch(Model):
    """Table `batch`."""

    home = fields.SmallIntField()
    batch_id = fields.BigIntField(primary_key=True, generated=False)
    kind = fields.SmallIntField()
    direct = fields.BooleanField()
    site_id = fields.IntField()
    bank_code = fields.CharField(max_length=4, null=True)
    carrier_id = fields.TextField(null=True)
    account_id = fields.BigIntField(null=True)
    value_on = fields.DateField()
    number = fields.SmallIntField(null=True)
    status = fields.SmallIntField()
    seal_at = fields.DatetimeField()
    deadline_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    line_count = fields.IntField()
    amount = fields.BigIntField()
    refused_count = fields.IntField()
    name = fields.TextField(null=True)
    sha256 = fields.BinaryField(null=True)
    sealed_at = fields.DatetimeField(null=True)
    sent_at = fields.DatetimeField(null=True)
    receipted_at = fields.DatetimeField(null=True)
    answered_at = fields.DatetimeField(null=True)
    has_due = fields.BooleanField()
    takes_from = fields.BigIntField()
    answer_due_at = fields.DatetimeField(null=True)
    overdue_at = fields.DatetimeField(null=True)
    parts = fields.SmallIntField()
    untouched = fields.BooleanField()
    lease_holder = fields.TextField(null=True)
    lease_until = fields.DatetimeField(null=True)
    tries = fields.IntField()
    next_try_at = fields.DatetimeField(null=True)
    problem = fields.TextField(null=True)

    class Meta:
        table = "batch"


class Work(Model):
    """Contracts that wait by themselves: to debit, to deliver, to pay; rows leave when taken."""

    home = fields.SmallIntField()
    batch_id = fields.BigIntField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)

    class Meta:
        table = "work"


class BatchFact(Model):
    """What happened to a whole batch and is still being written to its lines, chunk by chunk."""

    home = fields.SmallIntField()
    batch_id = fields.BigIntField()
    fact = fields.SmallIntField()
    part = fields.SmallIntField(primary_key=True, generated=False)
    happened_on = fields.DateField()
    at = fields.DatetimeField()
    through = fields.BigIntField()
    lease_holder = fields.TextField(null=True)
    lease_until = fields.DatetimeField(null=True)

    class Meta:
        table = "batch_fact"


class Parked(Model):
    """Taken out of the work until somebody acts (no mandate, file refused ...)."""

    home = fields.SmallIntField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)
    kind = fields.SmallIntField()
    reason = fields.TextField()
    at = fields.DatetimeField()

    class Meta:
        table = "parked"


class Line(Model):
    """Table `line`."""

    home = fields.SmallIntField()
    batch_id = fields.BigIntField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)
    kind = fields.SmallIntField()
    attempt = fields.SmallIntField()
    amount = fields.BigIntField()
    account_id = fields.BigIntField()
    outcome = fields.SmallIntField()
    code = fields.SmallIntField(null=True)
    outcome_on = fields.DateField(null=True)
    part = fields.SmallIntField(null=True)
    blocking = fields.BooleanField()

    class Meta:
        table = "line"


class Sweep(Model):
    """Table `sweep`."""

    home = fields.SmallIntField()
    sweep_id = fields.BigIntField(primary_key=True, generated=False)
    site_id = fields.IntField()
    from_account = fields.BigIntField()
    to_account = fields.BigIntField()
    status = fields.SmallIntField()
    attempt = fields.SmallIntField()
    amount = fields.BigIntField()
    left_on = fields.DateField(null=True)
    arrived = fields.BigIntField()
    arrived_on = fields.DateField(null=True)

    class Meta:
        table = "sweep"


class SweepPart(Model):
    """What a sweep carries: whole debit batches or parts of them."""

    home = fields.SmallIntField()
    batch_id = fields.BigIntField(primary_key=True, generated=False)
    part = fields.SmallIntField()
    sweep_id = fields.BigIntField()
    amount = fields.BigIntField()

    class Meta:
        table = "sweep_part"


class Posting(Model):
    """One row moves one amount: it cannot be unbalanced. Appended only."""

    home = fields.SmallIntField()
    day = fields.IntField()
    cause = fields.BigIntField(primary_key=True, generated=False)
    no = fields.IntField()
    line = fields.SmallIntField()
    source_kind = fields.SmallIntField()
    source = fields.BigIntField()
    destination_kind = fields.SmallIntField()
    destination = fields.BigIntField()
    amount = fields.BigIntField()
    booked_on = fields.DateField()
    currency = fields.SmallIntField()

    class Meta:
        table = "posting"


class StreamHead(Model):
    """Table `stream_head`."""

    home = fields.SmallIntField(primary_key=True, generated=False)
    epoch = fields.IntField()
    day = fields.IntField()
    pos = fields.BigIntField()
    chain = fields.BinaryField()

    class Meta:
        table = "stream_head"


class Stream(Model):
    """One row per transaction and kind; dense, in commit order."""

    home = fields.SmallIntField()
    day = fields.IntField()
    pos = fields.BigIntField(primary_key=True, generated=False)
    site_id = fields.IntField(null=True)
    kind = fields.SmallIntField()
    machine_at = fields.DatetimeField()
    chain = fields.BinaryField()
    contract_ids: ArrayField[Any] = ArrayField(element_type="bigint")
    nos: ArrayField[Any] = ArrayField(element_type="int")

    class Meta:
        table = "stream"


class Reply(Model):
    """Table `reply`."""

    reply_id = fields.BigIntField(primary_key=True)
    channel = fields.TextField()
    name = fields.TextField()
    sha256 = fields.BinaryField()
    size = fields.BigIntField()
    kind = fields.TextField()
    status = fields.SmallIntField()
    home = fields.SmallIntField(null=True)
    batch_id = fields.BigIntField(null=True)
    account_id = fields.BigIntField(null=True)
    part = fields.SmallIntField(null=True)
    at = fields.DatetimeField()
    machine_at = fields.DatetimeField()
    applied_through = fields.IntField()
    lease_holder = fields.TextField(null=True)
    lease_until = fields.DatetimeField(null=True)
    tries = fields.IntField()
    next_try_at = fields.DatetimeField(null=True)
    problem = fields.TextField(null=True)

    class Meta:
        table = "reply"


class ReplyBody(Model):
    """Table `reply_body`."""

    reply_id = fields.BigIntField(primary_key=True, generated=False)
    no = fields.IntField()
    body = fields.BinaryField()

    class Meta:
        table = "reply_body"


class ReplyLine(Model):
    """Staging: a result's or notice's lines, each applied once."""

    reply_id = fields.BigIntField()
    line_no = fields.IntField(primary_key=True, generated=False)
    round = fields.SmallIntField()
    home = fields.SmallIntField(null=True)
    contract_id = fields.BigIntField(null=True)
    kind = fields.SmallIntField(null=True)
    attempt = fields.SmallIntField(null=True)
    account = fields.TextField(null=True)
    amount = fields.BigIntField(null=True)
    code = fields.SmallIntField(null=True)
    happened_on = fields.DateField(null=True)
    fact = fields.SmallIntField(null=True)
    tracking_number = fields.TextField(null=True)
    problem = fields.TextField(null=True)

    class Meta:
        table = "reply_line"


class Statement(Model):
    """Table `statement`."""

    home = fields.SmallIntField()
    account_id = fields.BigIntField(primary_key=True, generated=False)
    booked_on = fields.DateField()
    number = fields.SmallIntField()
    reply_id = fields.BigIntField()
    opening = fields.BigIntField()
    credits = fields.BigIntField()
    debits = fields.BigIntField()
    closing = fields.BigIntField()

    class Meta:
        table = "statement"


class StatementLine(Model):
    """Table `statement_line`."""

    home = fields.SmallIntField()
    account_id = fields.BigIntField(primary_key=True, generated=False)
    booked_on = fields.DateField()
    number = fields.SmallIntField()
    line_no = fields.IntField()
    incoming = fields.BooleanField()
    category = fields.SmallIntField()
    amount = fields.BigIntField()
    reference = fields.TextField(null=True)
    description = fields.TextField(null=True)
    matched = fields.SmallIntField()
    batch_id = fields.BigIntField(null=True)
    contract_id = fields.BigIntField(null=True)

    class Meta:
        table = "statement_line"


class Exception(Model):
    """What a person should look at; touches no money."""

    exception_id = fields.BigIntField(primary_key=True)
    reference = fields.TextField()
    home = fields.SmallIntField(null=True)
    at = fields.DatetimeField()
    code = fields.TextField()
    reason = fields.TextField()
    channel = fields.TextField(null=True)
    reply_id = fields.BigIntField(null=True)
    batch_id = fields.BigIntField(null=True)
    contract_id = fields.BigIntField(null=True)
    amount = fields.BigIntField(null=True)
    closed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "exception"


class Outbox(Model):
    """Table `outbox`."""

    outbox_id = fields.BigIntField(primary_key=True)
    queue = fields.TextField()
    actor = fields.TextField()
    args: fields.JSONField[Any] = fields.JSONField()
    machine_at = fields.DatetimeField()

    class Meta:
        table = "outbox"


class Lease(Model):
    """Table `lease`."""

    name = fields.CharField(max_length=255, primary_key=True)
    holder = fields.TextField()
    until = fields.DatetimeField()

    class Meta:
        table = "lease"


ALL: tuple[type[Model], ...] = (
    BusinessClock,
    Carrier,
    Site,
    FeeSchedule,
    Bank,
    BankPoll,
    Firm,
    OauthClient,
    OauthKey,
    IdHead,
    Party,
    PartyAccount,
    Account,
    Mandate,
    ContractNumber,
    Contract,
    DeliveryRecord,
    ContractState,
    Event,
    Batch,
    Work,
    BatchFact,
    Parked,
    Line,
    Sweep,
    SweepPart,
    Posting,
    StreamHead,
    Stream,
    Reply,
    ReplyBody,
    ReplyLine,
    Statement,
    StatementLine,
    Exception,
    Outbox,
    Lease,
)
