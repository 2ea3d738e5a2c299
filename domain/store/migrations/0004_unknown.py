"""An index for debit files that are looked up on each statement of their account (結果不明)."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("store", "0003_credit_notices")]  # noqa: RUF012 - Tortoise reads a list

    operations = [  # noqa: RUF012 - Tortoise reads a list
        ops.RunSQL("create index batch_unknown on batch (home, account_id) where status = 9", "drop index batch_unknown"),
    ]
