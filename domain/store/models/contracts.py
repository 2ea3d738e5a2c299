"""Contracts, what belongs to them, and what goes out for them. See the package for what these models are for."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


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
    awaits_approval = fields.BooleanField()
    approved_by = fields.BigIntField(null=True)
    approved_at = fields.DatetimeField(null=True)

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


class DeliveryStop(Model):
    """Somebody has asked that a shipment stays."""

    home = fields.SmallIntField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)
    attempt = fields.SmallIntField()
    carrier_id = fields.TextField()
    asked_by = fields.BigIntField()
    asked_at = fields.DatetimeField()
    reason = fields.TextField()
    answer = fields.SmallIntField()
    answered_at = fields.DatetimeField(null=True)
    lease_holder = fields.TextField(null=True)
    lease_until = fields.DatetimeField(null=True)
    tries = fields.IntField()
    next_try_at = fields.DatetimeField(null=True)
    problem = fields.TextField(null=True)

    class Meta:
        table = "delivery_stop"
