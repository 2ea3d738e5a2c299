"""Lists along indexes: lists.sql makes the tables and indexes, lists_fill.sql fills them from the contracts that are there."""

from pathlib import Path

from domain.store.declared import Declared
from tortoise import fields, migrations
from tortoise.migrations import operations as ops

_HERE = Path(__file__).parent
LISTS = (_HERE / "lists.sql").read_text(encoding="utf-8")
FILL = (_HERE / "lists_fill.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("store", "0004_unknown")]  # noqa: RUF012 - Tortoise reads lists

    operations = [  # noqa: RUF012
        ops.RunSQL(LISTS, ""),
        ops.RunSQL(FILL, ""),
        Declared(
            name='ContractDate',
            fields=[
                ('home', fields.SmallIntField()),
                ('site_id', fields.IntField()),
                ('which', fields.SmallIntField()),
                ('on_date', fields.DateField()),
                ('contract_id', fields.BigIntField(primary_key=True, generated=False)),
                ('buyer_id', fields.BigIntField()),
                ('seller_id', fields.BigIntField()),
            ],
            options={'table': 'contract_date', 'app': 'store', 'pk_attr': 'contract_id', 'table_description': 'A date of a contract, from when it is known: 1 debited, 2 settled. Partitioned by birth.'},
            bases=['Model'],
        ),
        Declared(
            name='Standing',
            fields=[
                ('home', fields.SmallIntField()),
                ('contract_id', fields.BigIntField(primary_key=True, generated=False)),
                ('place', fields.SmallIntField()),
                ('site_id', fields.IntField()),
                ('buyer_id', fields.BigIntField()),
                ('seller_id', fields.BigIntField()),
            ],
            options={'table': 'standing', 'app': 'store', 'pk_attr': 'contract_id', 'table_description': 'A contract in a place that is not its usual end (domain/places.py).'},
            bases=['Model'],
        ),
        Declared(
            name='SettlementSum',
            fields=[
                ('home', fields.SmallIntField()),
                ('site_id', fields.IntField()),
                ('seller_id', fields.BigIntField(primary_key=True, generated=False)),
                ('currency', fields.SmallIntField()),
                ('status', fields.SmallIntField()),
                ('rows', fields.BigIntField()),
                ('amount', fields.BigIntField()),
            ],
            options={'table': 'settlement_sum', 'app': 'store', 'pk_attr': 'seller_id', 'table_description': 'How many contracts of a seller (0: of the whole site) have a payout status, and how much they bring.'},
            bases=['Model'],
        ),
        Declared(
            name='SumPlace',
            fields=[
                ('home', fields.SmallIntField(primary_key=True, generated=False)),
                ('day', fields.IntField()),
                ('pos', fields.BigIntField()),
                ('machine_at', fields.DatetimeField()),
            ],
            options={'table': 'sum_place', 'app': 'store', 'pk_attr': 'home', 'table_description': "How far a home's stream has been folded into the sums."},
            bases=['Model'],
        ),
    ]
