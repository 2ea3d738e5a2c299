"""Settings of banks, approval of totals, and where a finding is: banks.sql changes the tables, this tells Tortoise."""

from pathlib import Path

from domain.store.declared import DeclaredField
from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

BANKS = (Path(__file__).parent / "banks.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [('store', '0001_first')]  # noqa: RUF012 - Tortoise reads lists

    initial = False

    operations = [  # noqa: RUF012
        ops.RunSQL(BANKS, ""),
        DeclaredField('Bank', 'framing', fields.TextField(unique=False)),
        DeclaredField('Bank', 'encoding', fields.TextField(unique=False)),
        DeclaredField('Bank', 'tolerant', fields.BooleanField()),
        DeclaredField('Bank', 'max_lines', fields.IntField()),
        DeclaredField('Bank', 'max_yen', fields.BigIntField()),
        DeclaredField('Bank', 'max_line_yen', fields.BigIntField()),
        DeclaredField('Bank', 'scheduled_debits', fields.BooleanField()),
        DeclaredField('Bank', 'splits_fees', fields.BooleanField()),
        DeclaredField('Bank', 'recalls', fields.BooleanField()),
        DeclaredField('Bank', 'statements', fields.BooleanField()),
        DeclaredField('Bank', 'approves_totals', fields.BooleanField()),
        DeclaredField('Batch', 'awaits_approval', fields.BooleanField()),
        DeclaredField('Batch', 'approved_by', fields.BigIntField(null=True)),
        DeclaredField('Batch', 'approved_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
        DeclaredField('ListedException', 'detail', fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
    ]
