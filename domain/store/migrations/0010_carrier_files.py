"""Carriers that are given files."""

from pathlib import Path
from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from domain.store.declared import Declared, DeclaredChange, DeclaredField

SQL = (Path(__file__).parent / "carrier_files.sql").read_text(encoding="utf-8")
_WORDS: fields.JSONField[Any] = fields.JSONField()
_ADDRESS: fields.JSONField[Any] = fields.JSONField()


class Migration(migrations.Migration):
    dependencies = [("store", "0009_releases")]  # noqa: RUF012 - Tortoise reads a list

    operations = [  # noqa: RUF012 - Tortoise reads a list
        ops.RunSQL(SQL, ""),
        DeclaredChange("Carrier", "url", fields.TextField(null=True, unique=False)),
        DeclaredChange("Carrier", "secret", fields.TextField(null=True, unique=False)),
        DeclaredField("Carrier", "connector", fields.TextField(unique=False)),
        DeclaredField("Carrier", "address", _ADDRESS),
        DeclaredField("Carrier", "billing_code", fields.TextField(null=True, unique=False)),
        DeclaredField("Carrier", "status_words", _WORDS),
        Declared(
            name="CarrierPoll",
            fields=[
                ("carrier_id", fields.CharField(primary_key=True, max_length=255)),
                ("machine_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("moves", fields.BigIntField()),
                ("problem", fields.TextField(null=True, unique=False)),
                ("failures", fields.IntField()),
            ],
            options={
                "table": "carrier_poll",
                "app": "store",
                "pk_attr": "carrier_id",
                "table_description": "When a carrier's out/ was last looked through.",
            },
            bases=["Model"],
        ),
    ]
