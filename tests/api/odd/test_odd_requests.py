"""No input gives a 5xx, an error without a code, or a word about our insides. `make fuzz` sends ten thousand; here are a few hundred."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import hypothesis
import pytest
import schemathesis
from graphql import StringValueNode
from hypothesis import strategies

from api.errors import ErrorCode
from api.options import Limits
from api.schema import sdl
from tests.api.odd.requests import Maker, Odd
from tests.api.serving import Served, serving

SEEDS = [int(seed) for seed in os.environ.get("KESSAI_FUZZ_SEEDS", "1").split(",")]
COUNT = int(os.environ.get("KESSAI_FUZZ_COUNT", "300"))
INSIDES = re.compile(r"Traceback|asyncpg|tortoise|strawberry|site-packages|\.py\b|SELECT |relation \"|0x[0-9a-f]{8}")
SCALARS = {
    "Amount": ["0", "30000", "-1", "1.5", "9" * 30],
    "Cursor": ["0", "x", ""],
    "Date": ["2000-09-25", "2000-02-30", "x"],
    "DateTime": ["2000-09-25T09:00:00+09:00", "x"],
}
OAUTH = frozenset({"/oauth/token", "/hooks/carriers/x"})  # these have error bodies of their own (RFC 6749; docs/wire.md)


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url, limits=Limits(rate=0)) as served:
        yield served


def fault(answer: httpx2.Response, path: str) -> str | None:
    """What is wrong with an answer, if anything."""
    if answer.status_code >= 500:
        return f"status {answer.status_code}"
    if found := INSIDES.search(answer.text):
        return f"insides: {found[0]}"
    if not answer.headers.get("x-request-id"):
        return "no request ID"
    if answer.request.method == "HEAD":  # has no body
        return None
    if answer.status_code >= 400 and path in OAUTH:
        return None if {"error", "code", "errors"} & set(answer.json()) else "no code"
    if not answer.headers.get("content-type", "").startswith(("application/json", "application/graphql-response+json")):
        return "not JSON" if answer.status_code >= 400 else None
    body: Any = answer.json()
    for error in body.get("errors", ()) if isinstance(body, dict) else ():
        code = error.get("extensions", {}).get("code")
        if code not in ErrorCode.__members__:
            return f"code {code!r}"
        if code in {"INTERNAL", "UNAVAILABLE", "TIMEOUT"}:
            return f"{code}: {error['message']}"
    if answer.status_code >= 400 and "errors" not in body and path.startswith("/graphql"):
        return "refused without an error"
    return None


async def sent(api: Served, odd: Odd) -> str | None:
    headers = {**odd.headers, **(await api.bearer("site") if odd.signed_in else {})}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    async with asyncio.timeout(20):
        answer = await api.http.request(odd.method, odd.path, content=odd.content, headers=raw)
    return fault(answer, odd.path.partition("?")[0])


@pytest.mark.parametrize("seed", SEEDS)
async def test_odd_requests(api: Served, seed: int):
    maker = Maker(seed)
    wrong: list[str] = []
    for number in range(COUNT):
        odd = maker.request()
        if found := await sent(api, odd):
            wrong.append(f"{number}: {found}: {odd.method} {odd.path[:200]} {odd.headers} {odd.content[:600]!r}")
    assert not wrong, "\n".join(wrong[:10])
    assert (await api.ask("{ viewer { siteId } }"))["viewer"]["siteId"] == "130"


async def test_what_a_stranger_makes_of_the_schema(api: Served):
    """Operations that Schemathesis makes from the schema: each is answered, or refused with a code."""
    for name, values in SCALARS.items():
        schemathesis.graphql.scalar(name, strategies.sampled_from(values).map(lambda value: StringValueNode(value=value)))
    bodies: list[Any] = []
    known = schemathesis.graphql.from_file(sdl())

    @hypothesis.given(case=known.as_strategy())
    @hypothesis.settings(
        max_examples=max(40, COUNT // 10),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def collect(case: Any) -> None:
        bodies.append(case.body)

    await asyncio.to_thread(collect)
    wrong = []
    for body in bodies:
        answer = await api.http.post("/graphql", json={"query": body} if isinstance(body, str) else body, headers=await api.bearer("site"))
        if found := fault(answer, "/graphql"):
            wrong.append(f"{found}: {body}")
    assert not wrong, "\n".join(wrong[:10])
    assert len(bodies) >= 40
