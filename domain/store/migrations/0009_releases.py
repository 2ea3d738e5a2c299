"""Releases of claims by two operators."""

from pathlib import Path

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from domain.store.declared import Declared

SQL = (Path(__file__).parent / "releases.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("store", "0008_formats")]  # noqa: RUF012 - Tortoise reads a list

    operations = [  # noqa: RUF012 - Tortoise reads a list
        ops.RunSQL(SQL, ""),
        Declared(
            name="ClaimRelease",
            fields=[
                ("home", fields.SmallIntField()),
                ("release_id", fields.BigIntField(primary_key=True, generated=False)),
                ("party_id", fields.BigIntField()),
                ("firm_id", fields.BigIntField()),
                ("asked_by", fields.BigIntField()),
                ("machine_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("approved_by", fields.BigIntField(null=True)),
                ("approved_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("withdrawn_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "claim_release",
                "app": "store",
                "pk_attr": "release_id",
                "table_description": "A claim that two operators let go: one asks, another agrees (I18).",
            },
            bases=["Model"],
        ),
    ]
