"""The API with people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.oauth.people import People, with_people


@pytest.fixture
async def town(database_url: str) -> AsyncIterator[People]:
    async with with_people(database_url) as found:
        yield found
