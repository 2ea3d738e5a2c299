"""Bringing a database to this version: migrations under a lock, partitions a year ahead, and drift found by comparison."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime

import asyncpg
from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor

from domain.store.connection import Tx, config_of, connect, disconnect, transaction
from domain.store.partitions import ensure_partitions

# Any number will do; it only has to be the same in every process that migrates this database.
MIGRATION_LOCK = 0x6B65_7373


async def migrate(database_url: str) -> list[str]:
    """Runs what is missing and answers the names of what it ran. Any number of processes may call it at once."""
    url, config = database_url, config_of(database_url)
    credentials = config["connections"]["default"]["credentials"]
    gate = await asyncpg.connect(
        host=credentials["host"],
        port=credentials["port"],
        user=credentials["user"],
        password=credentials["password"] or None,
        database=credentials["database"],
    )
    try:
        await gate.execute("select pg_advisory_lock($1)", MIGRATION_LOCK)
        ran = await pending(url)
        if ran:
            await connect(url)
            try:
                await MigrationExecutor(get_connection("default"), config["apps"]).migrate()
            finally:
                await disconnect()
        await connect(url)
        try:
            async with transaction() as tx:
                await ensure_partitions(tx, datetime.now(UTC))
        finally:
            await disconnect()
        return ran
    finally:
        await gate.close()


async def pending(database_url: str) -> list[str]:
    """Names of migrations that this version has and the database has not run."""
    await connect(database_url)
    try:
        executor = MigrationExecutor(get_connection("default"), config_of(database_url)["apps"])
        return [step.migration.name for step in await executor.plan()]
    finally:
        await disconnect()


async def drift(database_url: str) -> list[str]:
    """What the models say and the migrations do not, or the migrated database does not. Empty when all three agree."""
    found: list[str] = []
    config = config_of(database_url)
    await connect(database_url)
    try:
        apps = Tortoise.apps
        assert apps is not None
        for writer in await MigrationAutodetector(apps, config["apps"]).changes():
            found += [f"the migrations lack: {operation.describe()}" for operation in writer.operations]
        async with transaction() as tx:
            found += await differences(tx)
    finally:
        await disconnect()
    return sorted(found)


async def differences(tx: Tx) -> list[str]:
    """Where the database and the models of this version differ, in words."""
    models = importlib.import_module("domain.store.models")
    rows = await tx.rows(
        "select table_name, column_name, is_nullable = 'YES' as nullable from information_schema.columns where table_schema = 'public'"
    )
    real: dict[str, dict[str, bool]] = {}
    for row in rows:
        real.setdefault(row["table_name"], {})[row["column_name"]] = row["nullable"]
    found: list[str] = []
    for model in models.ALL:
        table = model._meta.db_table
        declared = {field.source_field or name: field.null for name, field in model._meta.fields_map.items() if field.has_db_field}
        if table not in real:
            found.append(f"the database lacks table {table}")
            continue
        there = real[table]
        found += [f"{table}.{column} is in the models, not in the database" for column in declared.keys() - there.keys()]
        found += [f"{table}.{column} is in the database, not in the models" for column in there.keys() - declared.keys()]
        found += [
            f"{table}.{column}: nullable is {declared[column]} in the models, {there[column]} in the database"
            for column in declared.keys() & there.keys()
            if declared[column] != there[column]
        ]
    return sorted(found)
