"""Webhooks and mail: SQL for the database (hooks.sql says why), and what Tortoise should know of it."""

from pathlib import Path

from domain.store.declared import Declared
from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields

HOOKS = (Path(__file__).parent / "hooks.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [('store', '0006_carriers')]

    initial = False

    operations = [  # noqa: RUF012 - Tortoise reads a list
        ops.RunSQL(HOOKS, ""),
        Declared(
            name='Hook',
            fields=[
                ('home', fields.SmallIntField()),
                ('hook_id', fields.BigIntField(primary_key=True, generated=False)),
                ('channel', fields.SmallIntField()),
                ('site_id', fields.IntField(null=True)),
                ('firm_id', fields.BigIntField(null=True)),
                ('client_id', fields.TextField(null=True, unique=False)),
                ('user_id', fields.BigIntField(null=True)),
                ('address', fields.TextField(unique=False)),
                ('language', fields.TextField(unique=False)),
                ('document', fields.TextField(null=True, unique=False)),
                ('variables', fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ('settlements', fields.BooleanField()),
                ('contract_id', fields.BigIntField(null=True)),
                ('only_site', fields.IntField(null=True)),
                ('kinds', ArrayField(null=True, element_type='SMALLINT')),
                ('secret', fields.TextField(null=True, unique=False)),
                ('old_secret', fields.TextField(null=True, unique=False)),
                ('old_secret_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('status', fields.SmallIntField()),
                ('reason', fields.TextField(null=True, unique=False)),
                ('code_hash', fields.BinaryField(null=True)),
                ('code_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('code_tries', fields.SmallIntField()),
                ('machine_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('due_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('failures', fields.IntField()),
                ('failing_since', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('rate_from', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('rate_count', fields.IntField()),
                ('lease_holder', fields.TextField(null=True, unique=False)),
                ('lease_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'hook', 'app': 'store', 'pk_attr': 'hook_id', 'table_description': 'A stored subscription and where its events go.'},
            bases=['Model'],
        ),
        Declared(
            name='HookAttempt',
            fields=[
                ('home', fields.SmallIntField()),
                ('delivery_id', fields.BigIntField()),
                ('no', fields.SmallIntField(primary_key=True, generated=False)),
                ('machine_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('status_code', fields.SmallIntField(null=True)),
                ('milliseconds', fields.IntField()),
                ('error', fields.TextField(null=True, unique=False)),
            ],
            options={'table': 'hook_attempt', 'app': 'store', 'pk_attr': 'no', 'table_description': 'One try. Appended only.'},
            bases=['Model'],
        ),
        Declared(
            name='HookDelivery',
            fields=[
                ('home', fields.SmallIntField()),
                ('delivery_id', fields.BigIntField(primary_key=True, generated=False)),
                ('hook_id', fields.BigIntField()),
                ('contract_id', fields.BigIntField(null=True)),
                ('event_kind', fields.SmallIntField(null=True)),
                ('message_id', fields.TextField(unique=False)),
                ('cursor', fields.TextField(null=True, unique=False)),
                ('roles', fields.SmallIntField()),
                ('body', fields.TextField(null=True, unique=False)),
                ('sha256', fields.BinaryField()),
                ('status', fields.SmallIntField()),
                ('note', fields.TextField(null=True, unique=False)),
                ('machine_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('done_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'hook_delivery', 'app': 'store', 'pk_attr': 'delivery_id', 'table_description': 'What was told to a receiver.'},
            bases=['Model'],
        ),
        Declared(
            name='HookHead',
            fields=[
                ('home', fields.SmallIntField(primary_key=True, generated=False)),
                ('epoch', fields.IntField()),
                ('day', fields.IntField()),
                ('pos', fields.BigIntField()),
            ],
            options={'table': 'hook_head', 'app': 'store', 'pk_attr': 'home', 'table_description': "How far a home's log has been looked through for hooks."},
            bases=['Model'],
        ),
        Declared(
            name='HookWake',
            fields=[
                ('home', fields.SmallIntField()),
                ('hook_id', fields.BigIntField(primary_key=True, generated=False)),
                ('log_home', fields.SmallIntField()),
                ('after_day', fields.IntField()),
                ('after_pos', fields.BigIntField()),
                ('after_index', fields.IntField()),
                ('upto_day', fields.IntField()),
                ('upto_pos', fields.BigIntField()),
                ('lease_holder', fields.TextField(null=True, unique=False)),
                ('lease_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('next_try_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('tries', fields.IntField()),
            ],
            options={'table': 'hook_wake', 'app': 'store', 'pk_attr': 'hook_id', 'table_description': 'A stretch of a log in which there may be something for a hook.'},
            bases=['Model'],
        ),
        Declared(
            name='HookWork',
            fields=[
                ('home', fields.SmallIntField()),
                ('hook_id', fields.BigIntField()),
                ('contract_id', fields.BigIntField()),
                ('delivery_id', fields.BigIntField(primary_key=True, generated=False)),
                ('log_home', fields.SmallIntField(null=True)),
                ('day', fields.IntField(null=True)),
                ('pos', fields.BigIntField(null=True)),
                ('index', fields.IntField(null=True)),
                ('tries', fields.SmallIntField()),
                ('next_try_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'hook_work', 'app': 'store', 'pk_attr': 'delivery_id', 'table_description': 'What waits to be taken, in order for each contract.'},
            bases=['Model'],
        ),
    ]
