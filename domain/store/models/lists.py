"""What the lists are read by: dates, places and sums, kept beside the state rows. See the package for what these models are for."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class ContractDate(Model):
    """A date of a contract, from when it is known: 1 debited, 2 settled. Partitioned by birth."""

    home = fields.SmallIntField()
    site_id = fields.IntField()
    which = fields.SmallIntField()
    on_date = fields.DateField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)
    buyer_id = fields.BigIntField()
    seller_id = fields.BigIntField()

    class Meta:
        table = "contract_date"


class Standing(Model):
    """A contract in a place that is not its usual end (domain/places.py)."""

    home = fields.SmallIntField()
    contract_id = fields.BigIntField(primary_key=True, generated=False)
    place = fields.SmallIntField()
    site_id = fields.IntField()
    buyer_id = fields.BigIntField()
    seller_id = fields.BigIntField()

    class Meta:
        table = "standing"


class SettlementSum(Model):
    """How many contracts of a seller (0: of the whole site) have a payout status, and how much they bring."""

    home = fields.SmallIntField()
    site_id = fields.IntField()
    seller_id = fields.BigIntField(primary_key=True, generated=False)
    currency = fields.SmallIntField()
    status = fields.SmallIntField()
    rows = fields.BigIntField()
    amount = fields.BigIntField()

    class Meta:
        table = "settlement_sum"


class SumPlace(Model):
    """How far a home's stream has been folded into the sums."""

    home = fields.SmallIntField(primary_key=True, generated=False)
    day = fields.IntField()
    pos = fields.BigIntField()
    machine_at = fields.DatetimeField()

    class Meta:
        table = "sum_place"
