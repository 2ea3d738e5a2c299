"""Webhooks and mail: who is told, what waits for him, and what became of it. See the package for what these models are for."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model


class Hook(Model):
    """A stored subscription and where its events go."""

    home = fields.SmallIntField()
    hook_id = fields.BigIntField(primary_key=True, generated=False)
    channel = fields.SmallIntField()
    site_id = fields.IntField(null=True)
    firm_id = fields.BigIntField(null=True)
    client_id = fields.TextField(null=True)
    user_id = fields.BigIntField(null=True)
    address = fields.TextField()
    language = fields.TextField()
    document = fields.TextField(null=True)
    variables: fields.JSONField[Any] = fields.JSONField(null=True)
    settlements = fields.BooleanField()
    contract_id = fields.BigIntField(null=True)
    only_site = fields.IntField(null=True)
    kinds: Any = ArrayField(element_type="smallint", null=True)
    secret = fields.TextField(null=True)
    old_secret = fields.TextField(null=True)
    old_secret_until = fields.DatetimeField(null=True)
    status = fields.SmallIntField()
    reason = fields.TextField(null=True)
    code_hash = fields.BinaryField(null=True)
    code_until = fields.DatetimeField(null=True)
    code_tries = fields.SmallIntField()
    machine_at = fields.DatetimeField()
    due_at = fields.DatetimeField(null=True)
    failures = fields.IntField()
    failing_since = fields.DatetimeField(null=True)
    rate_from = fields.DatetimeField(null=True)
    rate_count = fields.IntField()
    lease_holder = fields.TextField(null=True)
    lease_until = fields.DatetimeField(null=True)

    class Meta:
        table = "hook"


class HookHead(Model):
    """How far a home's log has been looked through for hooks."""

    home = fields.SmallIntField(primary_key=True, generated=False)
    epoch = fields.IntField()
    day = fields.IntField()
    pos = fields.BigIntField()

    class Meta:
        table = "hook_head"


class HookWake(Model):
    """A stretch of a log in which there may be something for a hook."""

    home = fields.SmallIntField()
    hook_id = fields.BigIntField(primary_key=True, generated=False)
    log_home = fields.SmallIntField()
    after_day = fields.IntField()
    after_pos = fields.BigIntField()
    after_index = fields.IntField()
    upto_day = fields.IntField()
    upto_pos = fields.BigIntField()
    lease_holder = fields.TextField(null=True)
    lease_until = fields.DatetimeField(null=True)
    next_try_at = fields.DatetimeField(null=True)
    tries = fields.IntField()

    class Meta:
        table = "hook_wake"


class HookDelivery(Model):
    """What was told to a receiver."""

    home = fields.SmallIntField()
    delivery_id = fields.BigIntField(primary_key=True, generated=False)
    hook_id = fields.BigIntField()
    contract_id = fields.BigIntField(null=True)
    event_kind = fields.SmallIntField(null=True)
    message_id = fields.TextField()
    cursor = fields.TextField(null=True)
    roles = fields.SmallIntField()
    body = fields.TextField(null=True)
    sha256 = fields.BinaryField()
    status = fields.SmallIntField()
    note = fields.TextField(null=True)
    machine_at = fields.DatetimeField()
    done_at = fields.DatetimeField(null=True)

    class Meta:
        table = "hook_delivery"


class HookWork(Model):
    """What waits to be taken, in order for each contract."""

    home = fields.SmallIntField()
    hook_id = fields.BigIntField()
    contract_id = fields.BigIntField()
    delivery_id = fields.BigIntField(primary_key=True, generated=False)
    log_home = fields.SmallIntField(null=True)
    day = fields.IntField(null=True)
    pos = fields.BigIntField(null=True)
    index = fields.IntField(null=True)
    tries = fields.SmallIntField()
    next_try_at = fields.DatetimeField()

    class Meta:
        table = "hook_work"


class HookAttempt(Model):
    """One try. Appended only."""

    home = fields.SmallIntField()
    delivery_id = fields.BigIntField()
    no = fields.SmallIntField(primary_key=True, generated=False)
    machine_at = fields.DatetimeField()
    status_code = fields.SmallIntField(null=True)
    milliseconds = fields.IntField()
    error = fields.TextField(null=True)

    class Meta:
        table = "hook_attempt"
