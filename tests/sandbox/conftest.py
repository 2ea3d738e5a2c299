"""A sandbox of its own for each test, in process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.worlds import Sandbox, configuration

Maker = Callable[..., Awaitable[Sandbox]]


@pytest.fixture
async def make_sandbox(tmp_path: Path) -> AsyncIterator[Maker]:
    """Makes sandboxes; a second one in the same directory is a second start."""
    made: list[Sandbox] = []

    async def make(config: dict[str, Any] | None = None, name: str = "world") -> Sandbox:
        sandbox = Sandbox(tmp_path / name, config or configuration())
        made.append(sandbox)
        return sandbox

    yield make
    for sandbox in made:
        await sandbox.close()


@pytest.fixture
async def sandbox(make_sandbox: Maker) -> Sandbox:
    return await make_sandbox()
