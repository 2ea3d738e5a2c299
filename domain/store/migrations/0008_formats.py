"""Formats of banks: formats.sql changes the tables, this tells Tortoise."""

from pathlib import Path

from domain.store.declared import DeclaredField
from tortoise import fields, migrations
from tortoise.migrations import operations as ops

FORMATS = (Path(__file__).parent / "formats.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [('store', '0007_hooks')]  # noqa: RUF012 - Tortoise reads lists

    initial = False

    operations = [  # noqa: RUF012
        ops.RunSQL(FORMATS, ""),
        DeclaredField('Bank', 'format', fields.TextField(unique=False)),
    ]
