"""Carriers: names of events, requests to stop a shipment, and routes."""

from pathlib import Path

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from domain.store.declared import Declared, DeclaredChange, DeclaredField

SQL = (Path(__file__).parent / "carriers.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("store", "0005_lists")]  # noqa: RUF012 - Tortoise reads a list

    operations = [  # noqa: RUF012 - Tortoise reads a list
        ops.RunSQL(SQL, ""),
        DeclaredChange("Site", "carrier_id", fields.TextField(null=True, unique=False)),
        DeclaredField("ReplyLine", "event_id", fields.TextField(null=True, unique=False)),
        Declared(
            name="DeliveryStop",
            fields=[
                ("home", fields.SmallIntField()),
                ("contract_id", fields.BigIntField(primary_key=True, generated=False)),
                ("attempt", fields.SmallIntField()),
                ("carrier_id", fields.TextField(unique=False)),
                ("asked_by", fields.BigIntField()),
                ("asked_at", fields.DatetimeField()),
                ("reason", fields.TextField(unique=False)),
                ("answer", fields.SmallIntField()),
                ("answered_at", fields.DatetimeField(null=True)),
                ("lease_holder", fields.TextField(null=True, unique=False)),
                ("lease_until", fields.DatetimeField(null=True)),
                ("tries", fields.IntField()),
                ("next_try_at", fields.DatetimeField(null=True)),
                ("problem", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "delivery_stop",
                "app": "store",
                "pk_attr": "contract_id",
                "table_description": "Somebody has asked that a shipment stays.",
            },
            bases=["Model"],
        ),
        Declared(
            name="SiteRoute",
            fields=[
                ("site_id", fields.IntField(primary_key=True, generated=False)),
                ("place", fields.IntField()),
                ("postal_code", fields.TextField(null=True, unique=False)),
                ("prefecture", fields.TextField(null=True, unique=False)),
                ("goods", fields.TextField(null=True, unique=False)),
                ("carrier_id", fields.TextField(unique=False)),
            ],
            options={
                "table": "site_route",
                "app": "store",
                "pk_attr": "site_id",
                "table_description": "One rule of a site: which carrier its goods go with.",
            },
            bases=["Model"],
        ),
    ]
