"""The door: what gets in, in which form answers leave, and what happens when something is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from api import documents
from api.options import Limits
from domain.store import clock
from tests.api.serving import Served, serving
from tests.store.trading import contract

TYPENAME = {"query": "{ __typename }"}


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


async def send(api: Served, content: bytes, *, who: str = "site", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.http.post("/graphql", content=content, headers={"content-type": "application/json", **await api.bearer(who), **named})


def only_code(answer: Any) -> str:
    (error,) = answer.json()["errors"]
    assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    return str(error["extensions"]["code"])


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "content, status, code",
    [
        (b"", 400, "BAD_USER_INPUT"),
        (b"null", 400, "BAD_USER_INPUT"),
        (b"[]", 400, "BAD_USER_INPUT"),
        (b'"x"', 400, "BAD_USER_INPUT"),
        (b"{", 400, "BAD_USER_INPUT"),
        (b"{}", 400, "BAD_USER_INPUT"),
        (b'{"query": ""}', 400, "BAD_USER_INPUT"),
        (b'{"query": 5}', 400, "BAD_USER_INPUT"),
        (b'{"query": "{ __typename }", "variables": []}', 400, "BAD_USER_INPUT"),
        (b'{"query": "{ __typename }", "operationName": 5}', 400, "BAD_USER_INPUT"),
        (b'{"query": "\xff"}', 400, "BAD_USER_INPUT"),
        (b'{"query": "{ __typename }", "variables": {"x": ' + b"9" * 5_000 + b"}}", 400, "BAD_USER_INPUT"),
        (b'{"query": "{ __typename }", "variables": {"x": ' + b"9" * 30 + b"}}", 200, ""),
        (b"[" * 100_000, 400, "BAD_USER_INPUT"),
        (b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 60_000 + b"1" + b"}" * 60_000 + b"}", 400, "BAD_USER_INPUT"),
        (b'{"query": "{ __typename }", "variables": {"x": "' + b"x" * 400_000 + b'"}}', 200, ""),
        (b'{"query": "' + b"x" * 1_000_001 + b'"}', 413, "BODY_TOO_LARGE"),
    ],
    ids=lambda value: None if isinstance(value, int | str) else (value[:12].decode("latin-1") + f"~{len(value)}"),
)
async def test_bodies(api: Served, content: bytes, status: int, code: str):
    answer = await send(api, content)
    assert answer.status_code == status, answer.text
    if code:
        assert only_code(answer) == code


async def test_a_body_is_given_up_as_soon_as_it_is_too_large(api: Served):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 1_000_000
        raise AssertionError("it read on")

    answer = await api.http.post("/graphql", content=endless(), headers={"content-type": "application/json", **await api.bearer("firm")})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
    ],
)
async def test_media_types_of_requests(api: Served, headers: dict[str, str], status: int):
    answer = await api.http.post(
        "/graphql",
        content=b'{"query": "{ __typename }"}',
        headers={"content-type": "application/json", **await api.bearer("site"), **headers},
    )
    assert answer.status_code == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused_cleanly(api: Served, method: str):
    answer = await api.http.request(method, "/graphql?query={__typename}", headers=await api.bearer("site"))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert only_code(answer) == "BAD_USER_INPUT"


# ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "query, name, code",
    [
        ("{", None, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", None, "OPERATION_RESOLUTION_FAILURE"),
        ("query A { __typename }", "B", "OPERATION_RESOLUTION_FAILURE"),
        ("fragment F on Query { __typename }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($by: ContractKeyInput!) { contract(by: $by) { id } }", None, "BAD_USER_INPUT"),
        ("query ($n: Int) { contracts(first: $n) { asOf } }", None, ""),
    ],
)
async def test_operations_that_cannot_run(api: Served, query: str, name: str | None, code: str):
    for accept, failed in (("application/json", 200), ("application/graphql-response+json", 400)):
        body = {"query": query, "operationName": name}
        answer = await api.http.post("/graphql", json=body, headers={**await api.bearer("site"), "accept": accept})
        assert answer.headers["content-type"] == f"{accept}; charset=utf-8"
        assert answer.status_code == (failed if code else 200)
        if code:
            assert only_code(answer) == code
            assert "data" not in answer.json()


async def test_a_document_is_parsed_and_validated_once(api: Served, monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []
    real = documents.Documents._make

    def counting(self: Any, text: str) -> Any:
        seen.append(text)
        return real(self, text)

    monkeypatch.setattr(documents.Documents, "_make", counting)
    for _ in range(3):
        await api.ask("{ viewer { scopes } }")
    assert seen == ["{ viewer { scopes } }"]


async def test_nothing_tells_what_the_schema_has(api: Served):
    (error,) = await api.errors("{ viewre { scopes } }")
    assert "Did you mean" not in error["message"]


# ── request IDs, errors ──────────────────────────────────────────────────────────────────────────────────────────────
async def test_request_ids_come_in_and_go_out(api: Served):
    given = await api.http.post("/graphql", json=TYPENAME, headers={"x-request-id": "order-17.a_b"})
    assert given.headers["x-request-id"] == "order-17.a_b"
    for odd in ("with space", "x" * 65, "<script>"):
        answer = await api.http.get("/healthz", headers={"x-request-id": odd})
        assert answer.headers["x-request-id"] != odd
        assert len(answer.headers["x-request-id"]) == 24


async def test_what_nobody_planned_for_is_masked(api: Served, monkeypatch: pytest.MonkeyPatch, capsys: Any, caplog: Any):
    async def broken(*_: Any, **__: Any) -> Any:
        raise ValueError("account 9000001 of 山田")

    monkeypatch.setattr("api.queries.reading.scope_of", broken)
    with caplog.at_level(logging.DEBUG):
        answer = await api.post('{ contract(by: {contractId: "1"}) { id } viewer { scopes } }')
    body = answer.json()
    assert body["data"] == {"contract": None, "viewer": {"scopes": ["contracts:read", "contracts:write", "settlements:read"]}}
    assert (answer.status_code, only_code(answer), body["errors"][0]["path"]) == (200, "INTERNAL", ["contract"])
    written = capsys.readouterr()
    for text in (answer.text, written.out, written.err, caplog.text):
        assert "9000001" not in text
        assert "山田" not in text
    assert "unplanned_error" in written.out + written.err + caplog.text


async def test_a_fault_outside_of_any_field_is_masked_too(api: Served, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: Any) -> Any:
        raise ValueError("secret")

    monkeypatch.setattr(clock, "state", broken)
    answer = await api.post("{ __typename }")
    assert (answer.status_code, only_code(answer)) == (500, "INTERNAL")
    assert "secret" not in answer.text


class Line:
    """A line to the database that can be cut."""

    def __init__(self, database_url: str) -> None:
        self.target = urlsplit(database_url)
        self.open: set[asyncio.Task[None]] = set()
        self.server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        who = self.target.netloc.rpartition("@")[0]
        return urlunsplit(self.target._replace(netloc=f"{who}@127.0.0.1:{self.port}"))

    async def mend(self) -> None:
        self.server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self.server is not None
        self.server.close()
        for task in self.open:
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        back, forth = await asyncio.open_connection(self.target.hostname, self.target.port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                sink.write(data)

        try:
            await asyncio.wait(
                [asyncio.ensure_future(pump(reader, forth)), asyncio.ensure_future(pump(back, writer))], return_when="FIRST_COMPLETED"
            )
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()
            forth.transport.abort()


async def test_the_database_away_is_said_at_once_and_the_work_goes_on_when_it_is_back(database_url: str):
    line = Line(database_url)
    await line.mend()
    async with serving(line.url) as api:
        await api.bearer("site")
        await api.bearer("firm")
        await line.cut()
        for answer in (
            await api.post("{ viewer { firmName } }", who="firm"),
            await api.post("{ viewer { scopes } }"),
            await api.post(
                "mutation ($i: RegisterContractsInput!) { registerContracts(input: $i) { __typename } }",
                {"i": {"contracts": [contract("1")]}},
            ),
            await api.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=api.clients["site"]),
            await api.http.get("/readyz"),
        ):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            assert "Traceback" not in answer.text
        await line.mend()
        assert (await api.ask("{ viewer { siteId firmName } }", who="firm"))["viewer"]["firmName"] == "甲社"
        assert (await api.http.get("/readyz")).status_code == 200
        await line.cut()


async def test_a_request_that_takes_too_long_is_stopped(database_url: str, monkeypatch: pytest.MonkeyPatch):
    async def stuck(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    async with serving(database_url, limits=Limits(request_seconds=0.2)) as api:
        await api.bearer("site")
        monkeypatch.setattr("api.queries.reading.scope_of", stuck)
        answer = await api.post('{ contract(by: {contractId: "1"}) { id } }')
        assert (answer.status_code, only_code(answer)) == (503, "TIMEOUT")


# ── health ───────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_it_lives_and_can_serve(api: Served):
    assert (await api.http.get("/healthz")).text == "ok\n"
    ready = await api.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "checks": {"database": "ok", "schema": "ok", "redis": "none"}})


async def test_without_redis_it_serves_degraded(database_url: str, redis_url: str):
    async with serving(database_url, redis_url=redis_url) as api:
        assert (await api.http.get("/readyz")).json()["checks"]["redis"] == "ok"
    async with serving_again(database_url, "redis://127.0.0.1:1/0") as (status, body):
        assert (status, body["status"], body["checks"]["redis"]) == (200, "degraded", "away")


async def test_a_schema_behind_cannot_serve(api: Served, monkeypatch: pytest.MonkeyPatch):
    async def behind(_: str) -> list[str]:
        return ["0002_next"]

    monkeypatch.setattr("api.health.schema_behind", behind)
    ready = await api.http.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["schema"]) == (503, "behind")


def serving_again(database_url: str, redis_url: str) -> Any:
    """Another API on the same database; its answer to /readyz."""
    import contextlib

    import httpx2

    from api.app import create_app
    from api.options import ApiOptions
    from tests.api.serving import BASE

    @contextlib.asynccontextmanager
    async def run() -> AsyncIterator[tuple[int, Any]]:
        app = create_app(ApiOptions(database_url=database_url, base_url=BASE, redis_url=redis_url))
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http,
        ):
            answer = await http.get("/readyz")
            yield answer.status_code, answer.json()

    return run()
