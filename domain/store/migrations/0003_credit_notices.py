"""Incoming-credit notices (振込入金通知, 01)."""

from pathlib import Path

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from domain.store.declared import Declared

SQL = (Path(__file__).parent / "credit_notices.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("store", "0002_banks")]  # noqa: RUF012 - Tortoise reads a list

    operations = [  # noqa: RUF012 - Tortoise reads a list
        ops.RunSQL(SQL, ""),
        Declared(
            name="CreditNotice",
            fields=[
                ("home", fields.SmallIntField()),
                ("account_id", fields.BigIntField(primary_key=True, generated=False)),
                ("booked_on", fields.DateField()),
                ("number", fields.SmallIntField()),
                ("line_no", fields.IntField()),
                ("inquiry", fields.TextField(unique=False)),
                ("amount", fields.BigIntField()),
                ("cancels", fields.BooleanField()),
                ("reference", fields.TextField(null=True, unique=False)),
                ("reply_id", fields.BigIntField()),
            ],
            options={
                "table": "credit_notice",
                "app": "store",
                "pk_attr": "account_id",
                "table_description": "One credit that a bank has announced, or taken back.",
            },
            bases=["Model"],
        ),
    ]
