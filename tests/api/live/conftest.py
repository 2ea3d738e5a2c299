"""An API to follow."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.live.lines import House, opened


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with opened(database_url) as found:
        yield found
