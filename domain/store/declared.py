"""A model that Tortoise should know of and whose table the migration makes in SQL.

Tortoise can write neither composite keys nor partitions nor most of our checks (its `Meta.constraints` of a new model never reach the
database), so a migration has two halves: SQL that makes or changes the tables, and `Declared` models and fields that keep the drift test honest.
"""

from __future__ import annotations

from tortoise.migrations.operations import AddField, AlterField, CreateModel
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State


class Declared(CreateModel):
    """CreateModel for Tortoise's own state only: the table is made by the SQL beside it."""

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        """Nothing: the SQL has made the table."""

    async def database_backward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        """Nothing: the SQL takes the table away."""


class DeclaredField(AddField):
    """AddField for Tortoise's own state only: the column is added by the SQL beside it."""

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        """Nothing: the SQL has added the column."""

    async def database_backward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        """Nothing: the SQL takes the column away."""


class DeclaredChange(AlterField):
    """AlterField for Tortoise's own state only: the column is changed by the SQL beside it."""

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        """Nothing: the SQL has changed the column."""

    async def database_backward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        """Nothing: the SQL changes the column back."""
