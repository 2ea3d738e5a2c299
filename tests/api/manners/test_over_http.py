"""GraphQL over HTTP, from outside: what the public audits ask of a server, and what browsers of strangers must not get."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from api.app import create_app
from api.negotiate import GRAPHQL_JSON, JSON
from api.options import ApiOptions
from tests.api.serving import BASE, Served, serving

TYPENAME = "{ __typename }"
OF_TYPE = "query Type($name: String!) { __type(name: $name) { name } }"
NAMED = {"name": "sometype"}
ODD: tuple[Any, ...] = ({"obj": "ect"}, 0, False, ["array"])
NO_MAP: tuple[Any, ...] = ("string", 0, False, ["array"])


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


def posts() -> list[tuple[str, str | None, Any, int, str | None]]:
    """Label, Accept, body, status, and what the answer has: `data` without errors, `errors` without data, or None for either."""
    rows: list[tuple[str, str | None, Any, int, str | None]] = []
    for accept in (JSON, GRAPHQL_JSON):
        newer = accept == GRAPHQL_JSON
        rows += [
            ("a text as query", accept, {"query": TYPENAME}, 200, "data"),
            ("a text as operationName", accept, {"query": "query Query { __typename }", "operationName": "Query"}, 200, "data"),
            ("a map as variables", accept, {"query": OF_TYPE, "variables": NAMED}, 200, "data"),
            ("a map as extensions", accept, {"query": TYPENAME, "extensions": {"some": "value"}}, 200, "data"),
            ("not JSON", accept, b'{ "not a JSON', 400, "errors"),
            ("no body", accept, b"", 400, "errors"),
            ("a typing slip", accept, {"qeury": TYPENAME}, 400, "errors"),
            ("does not parse", accept, {"query": "{"}, 400 if newer else 200, "errors"),
            ("is not valid", accept, {"query": "{ nothing_like_it }"}, 400 if newer else 200, "errors"),
            ("a variable is missing", accept, {"query": OF_TYPE}, 400 if newer else 200, "errors"),
            ("a variable is wrong", accept, {"query": OF_TYPE, "variables": {"name": None}}, 400 if newer else 200, "errors"),
        ]
        rows += [
            (f"null as {name}", accept, {"query": TYPENAME, name: None}, 200, "data")
            for name in ("variables", "operationName", "extensions")
        ]
        rows += [(f"{odd!r} as query", accept, {"query": odd}, 400, "errors") for odd in ODD]
        rows += [(f"{odd!r} as operationName", accept, {"query": TYPENAME, "operationName": odd}, 400, "errors") for odd in ODD]
        for name in ("variables", "extensions"):
            rows += [(f"{odd!r} as {name}", accept, {"query": TYPENAME, name: odd}, 400, "errors") for odd in NO_MAP]
    rows += [("*/*", "*/*", {"query": TYPENAME}, 200, "data"), ("nothing that we have", "image/png", {"query": TYPENAME}, 406, "errors")]
    return rows


async def test_posts(api: Served):
    bearer = await api.bearer("site")
    for label, accept, body, status, has in posts():
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {**bearer, "content-type": JSON, **({} if accept is None else {"accept": accept})}
        answer = await api.http.post("/graphql", content=content, headers=headers)
        case = f"{label}, {accept}: {answer.text}"
        assert answer.status_code == status, case
        answer.content.decode("utf-8")
        if status == 200 and accept in {JSON, GRAPHQL_JSON}:
            assert answer.headers["content-type"] == f"{accept}; charset=utf-8", case
        assert (has == "data") is ("errors" not in answer.json()), case
        assert (has == "data") is ("data" in answer.json()), case
        for error in answer.json().get("errors", ()):
            assert error["extensions"]["code"], case


@pytest.mark.parametrize(
    "asked, accept, status",
    [
        ({"query": TYPENAME}, None, 200),
        ({"query": TYPENAME}, GRAPHQL_JSON, 200),
        ({"query": OF_TYPE, "variables": json.dumps(NAMED)}, JSON, 200),
        ({"query": OF_TYPE, "variables": json.dumps(NAMED)}, GRAPHQL_JSON, 200),
        ({"query": "query A { __typename } query B { __typename }", "operationName": "B"}, None, 200),
        ({"query": OF_TYPE, "variables": "{"}, None, 400),
        ({"query": OF_TYPE, "variables": "[]"}, None, 400),
        ({"query": ""}, None, 400),
        ({"query": "mutation { __typename }"}, GRAPHQL_JSON, 405),
        ({"query": "mutation { __typename }"}, None, 405),
        ({"query": "query A { __typename } mutation B { __typename }", "operationName": "B"}, None, 405),
    ],
)
async def test_gets_are_queries(api: Served, asked: dict[str, str], accept: str | None, status: int):
    headers = {**await api.bearer("site"), **({} if accept is None else {"accept": accept})}
    answer = await api.http.get(f"/graphql?{urlencode(asked)}", headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)
    assert (status == 200) is ("errors" not in answer.json())
    if status == 200:
        assert answer.headers["cache-control"] == "no-store"


async def test_a_page_cannot_send_operations_unasked(api: Served):
    """What a form, or a script without CORS, can send does not run; and without the header nobody is known (CSRF)."""
    bearer = await api.bearer("site")
    form = urlencode({"query": "mutation { __typename }"})
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        answer = await api.http.post("/graphql", content=form, headers={**bearer, "content-type": content_type})
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (415, "BAD_USER_INPUT")
    for method in ("GET", "POST"):
        answer = await api.http.request(method, f"/graphql?{form}", headers={"cookie": f"token={api.tokens['site']}"})
        assert answer.status_code == 401


async def test_nothing_is_answered_without_a_code(api: Served):
    for method, path, status, code in (
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("POST", "/healthz", 405, "BAD_USER_INPUT"),
        ("HEAD", "/graphql", 405, None),
        ("PATCH", "/oauth/token", 405, "BAD_USER_INPUT"),
    ):
        answer = await api.http.request(method, path)
        assert answer.status_code == status, path
        if code:
            assert answer.json()["errors"][0]["extensions"]["code"] == code
            assert answer.json()["errors"][0]["extensions"]["requestId"] == answer.headers["x-request-id"]


# ── languages ────────────────────────────────────────────────────────────────────────────────────────────────────────
JAPANESE: list[tuple[dict[str, Any], str]] = [
    ({"content": b"{}"}, "`query`（操作の本文）がありません。"),
    ({"content": b"nonsense"}, "本文が JSON のオブジェクトではありません。"),
    ({"content": b"{}", "type": "text/plain"}, "application/json で送ってください。"),
    ({"content": b'{"query": "{"}'}, "操作を GraphQL として読めません："),
    ({"content": b'{"query": "{ nothing }"}'}, "操作がスキーマに合いません："),
    ({"content": b'{"query": "query A {__typename} query B {__typename}"}'}, "文書に操作が複数あります。"),
    ({"content": b'{"query": "{ contracts(first: 300) { asOf } }"}'}, "1 ページは 200 行までです"),
    ({"content": b'{"query": "query ($n: String!) { __type(name: $n) { name } }"}'}, "入力が正しくありません："),
    ({"content": b"{}", "bearer": False}, "アクセストークンを送ってください"),
]


async def test_refusals_speak_japanese_to_those_who_prefer_it(api: Served):
    for sent, begins in JAPANESE:
        headers = {"content-type": sent.get("type", JSON), **(await api.bearer("site") if sent.get("bearer", True) else {})}
        found = {}
        for language in ("ja", "en"):
            answer = await api.http.post("/graphql", content=sent["content"], headers={**headers, "accept-language": language})
            found[language] = answer.json()["errors"][0]
        assert found["ja"]["message"].startswith(begins), found
        assert found["en"]["message"].isascii(), found
        assert found["ja"]["extensions"]["code"] == found["en"]["extensions"]["code"]


# ── pages of other origins ───────────────────────────────────────────────────────────────────────────────────────────
SHOP, STRANGER = "https://shop.example", "https://evil.example"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


@pytest.mark.parametrize(
    "origins, origin, allowed",
    [
        ((), SHOP, None),
        ((SHOP,), SHOP, SHOP),
        ((SHOP,), STRANGER, None),
        ((SHOP,), "https://shop.example.evil.example", None),
        ((SHOP,), "http://shop.example", None),
        ((SHOP,), "null", None),
        (("*",), STRANGER, "*"),
    ],
)
async def test_who_may_call_from_a_browser(database_url: str, origins: tuple[str, ...], origin: str, allowed: str | None):
    app = create_app(ApiOptions(database_url=database_url, base_url=BASE, cors_origins=frozenset(origins)))
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
        asked = await http.options("/graphql", headers={"origin": origin, **PREFLIGHT})
        called = await http.post("/graphql", json={"query": TYPENAME}, headers={"origin": origin})
    assert asked.status_code == (204 if allowed else 403)
    assert called.status_code == 401
    for answer in (asked, called):
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in answer.headers
        assert ("origin" in answer.headers.get("vary", "").lower()) is bool(origins)
        assert answer.headers["x-request-id"]
    if allowed:
        assert {"authorization", "content-type"} <= {name.strip() for name in asked.headers["access-control-allow-headers"].split(",")}
        assert "x-request-id" in called.headers["access-control-expose-headers"]


# ── trusted documents ────────────────────────────────────────────────────────────────────────────────────────────────
KNOWN = "query Known { viewer { scopes } }"
HASH = hashlib.sha256(KNOWN.encode()).hexdigest()
UNKNOWN = hashlib.sha256(b"another").hexdigest()
LOOSE = hashlib.sha256(TYPENAME.encode()).hexdigest()


@pytest.mark.parametrize(
    "sent, optional, only",
    [
        ({"documentId": HASH}, "", ""),
        ({"documentId": f"sha256:{HASH}"}, "", ""),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}}, "", ""),
        ({"query": KNOWN, "documentId": HASH}, "", ""),
        ({"query": KNOWN}, "", ""),
        ({"query": TYPENAME}, "", "PERSISTED_QUERY_NOT_FOUND"),
        ({"query": TYPENAME, "documentId": LOOSE}, "", "PERSISTED_QUERY_NOT_FOUND"),
        ({"query": KNOWN + " ", "documentId": HASH}, "BAD_USER_INPUT", "BAD_USER_INPUT"),
        ({"documentId": UNKNOWN}, "PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_FOUND"),
        ({"documentId": "md5:1"}, "BAD_USER_INPUT", "BAD_USER_INPUT"),
        ({"documentId": 7}, "BAD_USER_INPUT", "BAD_USER_INPUT"),
        ({"extensions": {"persistedQuery": 7}}, "BAD_USER_INPUT", "BAD_USER_INPUT"),
        ({"extensions": {"persistedQuery": {}}}, "BAD_USER_INPUT", "BAD_USER_INPUT"),
        ({"extensions": {}}, "BAD_USER_INPUT", "BAD_USER_INPUT"),
    ],
)
def test_which_document_is_meant(sent: dict[str, Any], optional: str, only: str):
    from api.errors import HttpRefusal
    from api.trusted import Trusted

    for strict, code in ((False, optional), (True, only)):
        trusted = Trusted({HASH: KNOWN}, only=strict)
        asked = (sent.get("query"), sent.get("documentId"), sent.get("extensions"))
        if not code:
            assert trusted.text(*asked) == (TYPENAME if sent.get("query") == TYPENAME else KNOWN)
            continue
        with pytest.raises(HttpRefusal) as refused:
            trusted.text(*asked)
        assert (refused.value.code.value, refused.value.status) == (code, 400)


async def test_only_trusted_documents_where_that_is_configured(database_url: str):
    async with serving(database_url, trusted={HASH: KNOWN}, trusted_only=True) as api:
        bearer = await api.bearer("site")
        for asked, status in (({"documentId": HASH}, 200), ({"query": KNOWN}, 200), ({"query": TYPENAME}, 400)):
            assert (await api.http.post("/graphql", json=asked, headers=bearer)).status_code == status
            assert (await api.http.get(f"/graphql?{urlencode(asked)}", headers=bearer)).status_code == status


def test_files_of_trusted_documents(tmp_path: Any):
    from api.trusted import BadTrustedFile, load_trusted

    file = tmp_path / "documents.json"
    for content in (
        {HASH: KNOWN},
        {"md5-of-relay": KNOWN},
        {"format": "apollo-persisted-query-manifest", "operations": [{"id": "1", "body": KNOWN}]},
    ):
        file.write_text(json.dumps(content), encoding="utf-8")
        assert load_trusted(file) == {HASH: KNOWN}
    for broken in ("{", "[]", '{"a": 1}', '{"operations": [1]}', '{"operations": [{}]}'):
        file.write_text(broken, encoding="utf-8")
        with pytest.raises(BadTrustedFile):
            load_trusted(file)
