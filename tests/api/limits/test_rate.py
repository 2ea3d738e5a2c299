"""How often a client may ask: together in Redis, alone without it, and never stopped by its absence."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import pytest

from api.errors import HttpRefusal
from api.limits.rate import Rate
from api.options import Limits
from tests.api.serving import Clock, serving

TEN = Limits(rate=10, rate_seconds=10)
AWAY = "redis://127.0.0.1:1/0"


async def spend(rate: Rate, clock: Clock, client: str = "a", tries: int = 30) -> int:
    """How many of so many tries are let through."""
    let = 0
    for _ in range(tries):
        with contextlib.suppress(HttpRefusal):
            await rate.take(client, clock.now)
            let += 1
    return let


@pytest.mark.parametrize("address", [None, AWAY])
async def test_each_client_has_its_own_count_and_a_new_one_in_the_next_window(address: str | None):
    rate, clock = Rate(TEN, address), Clock()
    assert [await spend(rate, clock), await spend(rate, clock), await spend(rate, clock, "b")] == [10, 0, 10]
    clock.forward(seconds=10)
    assert await spend(rate, clock) == 10
    await rate.close()


async def test_processes_count_together(redis_url: str):
    clock = Clock()
    one, two = Rate(TEN, redis_url), Rate(TEN, redis_url)
    assert [await spend(one, clock, tries=4), await spend(two, clock), await spend(one, clock)] == [4, 6, 0]
    clock.forward(seconds=10)
    assert await spend(two, clock) == 10
    await one.close()
    await two.close()


async def test_redis_away_lets_each_process_count_by_itself(redis_url: str):
    clock = Clock()
    rate = Rate(TEN, redis_url)
    assert await spend(rate, clock, tries=4) == 4
    good, rate._redis = rate._redis, Rate(TEN, AWAY)._redis
    assert await spend(rate, clock) == 6
    rate._redis = good
    clock.forward(seconds=10)
    assert await spend(rate, clock) == 10
    await rate.close()


async def test_a_block_is_one_question(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    """Forty shares of a window: most requests cost no round trip."""
    asked = 0
    rate, clock = Rate(Limits(rate=400, rate_seconds=10), redis_url), Clock()
    real = rate._block_of

    async def counting(*arguments: Any):
        nonlocal asked
        asked += 1
        return await real(*arguments)

    monkeypatch.setattr(rate, "_block_of", counting)
    assert await spend(rate, clock, tries=100) == 100
    assert asked == 10
    await rate.close()


async def test_what_is_left_is_told():
    rate, clock = Rate(TEN, None), Clock()
    clock.now = clock.now.replace(second=3, microsecond=0)
    first = await rate.take("a", clock.now)
    second = await rate.take("a", clock.now + timedelta(seconds=1))
    assert first is not None
    assert second is not None
    assert first.headers() == {"ratelimit-policy": '"client";q=10;w=10', "ratelimit": '"client";r=9;t=7'}
    assert second.headers()["ratelimit"] == '"client";r=8;t=6'


async def test_nobody_counts_where_that_is_configured():
    rate, clock = Rate(Limits(rate=0), None), Clock()
    assert await rate.take("a", clock.now) is None


async def test_over_the_wire(database_url: str):
    async with serving(database_url, limits=Limits(rate=3, rate_seconds=10)) as api:
        answers = [await api.post("{ __typename }", headers={"graphql-cost": "1", "accept-language": "ja"}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
        (error,) = answers[3].json()["errors"]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert 0 < error["extensions"]["retryAfter"] == int(answers[3].headers["retry-after"]) <= 10
        assert "回を超えました" in error["message"]
        assert answers[0].json()["extensions"] == {"cost": {"requested": 1, "limit": 80_000, "dearest": "__typename"}}
        assert (await api.post("{ __typename }", who="other")).status_code == 200
        api.clock.forward(seconds=10)
        answer = await api.post("{ __typename }")
        assert (answer.status_code, "extensions" in answer.json()) == (200, False)
