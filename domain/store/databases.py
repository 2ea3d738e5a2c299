"""Making a database on a server of ours. Servers that somebody else keeps have theirs already."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import asyncpg


def on_server(server_url: str, name: str) -> str:
    """The address of another database of the same server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


async def ensure_database(server_url: str, name: str) -> str:
    """Makes the database where it is missing, and answers its address."""
    assert name.isidentifier()
    connection = await asyncpg.connect(server_url)
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
            await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
    return on_server(server_url, name)
