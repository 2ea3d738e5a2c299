"""Ledger, stream, what came in, messages and leases. See the package for what these models are for."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model


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
    contract_ids: Any = ArrayField(element_type="bigint")
    nos: Any = ArrayField(element_type="int")

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
    event_id = fields.TextField(null=True)

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


class CreditNotice(Model):
    """One credit that a bank has announced, or taken back."""

    home = fields.SmallIntField()
    account_id = fields.BigIntField(primary_key=True, generated=False)
    booked_on = fields.DateField()
    number = fields.SmallIntField()
    line_no = fields.IntField()
    inquiry = fields.TextField()
    amount = fields.BigIntField()
    cancels = fields.BooleanField()
    reference = fields.TextField(null=True)
    reply_id = fields.BigIntField()

    class Meta:
        table = "credit_notice"


class ListedException(Model):
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
    detail: fields.JSONField[Any] = fields.JSONField(null=True)

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
