"""The doors to the database: a connection that broke is never lent again, and says that the database is away."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from asyncpg.transaction import Transaction

from domain.store.availability import is_unavailable
from domain.store.connection import StoreUnavailable, reading, transaction
from domain.store.faults import AWAY

BETWEEN_STATES = asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")


@pytest.fixture
async def database_url(database_url: str) -> str:
    """With one connection: what is wrong with it is met at once."""
    return f"{database_url}?maxsize=1"


async def backend() -> int:
    async with reading() as tx:
        return int(await tx.value("select pg_backend_pid()"))


async def broken_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    async with transaction() as tx:
        await tx.run("create table half(a int)")
        raise BETWEEN_STATES


async def broken_at_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def commit(self: Any) -> None:
        raise BETWEEN_STATES

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "commit", commit)
        async with transaction() as tx:
            await tx.run("create table half(a int)")


async def cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async with transaction() as tx:
        await tx.run("create table half(a int)")
        async with asyncio.timeout(0):
            await asyncio.Event().wait()


@pytest.mark.parametrize("breaks", [broken_in_the_middle, broken_at_the_commit])
async def test_a_broken_connection_is_an_absent_database_and_is_not_lent_again(store: Any, monkeypatch: pytest.MonkeyPatch, breaks: Any):
    before = await backend()
    with pytest.raises(AWAY) as raised:
        await breaks(monkeypatch)
    assert is_unavailable(raised.value)
    assert await backend() != before
    async with reading() as tx:
        assert await tx.value("select to_regclass('half')") is None


async def test_a_break_at_the_commit_says_what_happened(store: Any, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(StoreUnavailable, match="broke under a statement"):
        await broken_at_the_commit(monkeypatch)


async def test_a_time_limit_in_the_middle_gives_the_connection_back_and_nothing_stays(store: Any, monkeypatch: pytest.MonkeyPatch):
    before = await backend()
    with pytest.raises(TimeoutError):
        await cancelled(monkeypatch)
    assert await backend() == before
    async with reading() as tx:
        assert await tx.value("select to_regclass('half')") is None
