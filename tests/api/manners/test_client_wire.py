"""What public clients really send, as it was seen on the wire: Apollo Client 4, urql 5 and Relay 21. `make clients` runs the clients themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.negotiate import GRAPHQL_JSON, JSON
from tests.api.serving import Served, serving
from tests.store.trading import contract

APOLLO_ACCEPT = "application/graphql-response+json,application/json;q=0.9"
URQL_ACCEPT = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
LIBRARY = {"clientLibrary": {"name": "@apollo/client", "version": "4.3.8"}}

# Apollo and urql add `__typename` to every selection but the root.
APOLLO = """query Q($first: Int) {
  contracts(first: $first) {
    edges {
      node {
        number
        __typename
      }
      __typename
    }
    __typename
  }
}"""
HASHED = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(APOLLO.encode()).hexdigest()}}

# relay-compiler adds `id` to whatever has one, and `cursor`, `__typename` and all of `pageInfo` to a @connection.
RELAY = """query documentsListQuery(
  $first: Int
  $after: String
  $last: Int
  $before: String
) {
  ...documents_list_pbnwq
}

fragment documents_contract on Contract {
  number
  amount
  currency
  id
}

fragment documents_list_pbnwq on Query {
  contracts(first: $first, after: $after, last: $last, before: $before) {
    edges {
      node {
        number
        ...documents_contract
        id
        __typename
      }
      cursor
    }
    pageInfo {
      endCursor
      hasNextPage
      hasPreviousPage
      startCursor
    }
  }
}
"""
RELAY_REGISTERS = """mutation documentsRegisterMutation(
  $input: RegisterContractInput!
) {
  registerContract(input: $input) {
    __typename
    ... on ContractRegistered {
      contract {
        id
        amount
      }
    }
    ... on Problem {
      __isProblem: __typename
      code
      message
      path
    }
    ... on ContractConflict {
      existing {
        id
      }
    }
  }
}
"""


@pytest.fixture(scope="module")
async def api(engines: Any, template_database: str) -> AsyncIterator[Served]:
    from tests.conftest import a_database

    async with a_database(engines, template_database) as url, serving(url) as served:
        await served.world.register(*(contract(f"W-{number}") for number in range(1, 6)))
        yield served


async def sent(api: Served, method: str, accept: str, **parts: Any) -> tuple[int, str, dict[str, Any]]:
    """Status, media type and body of the answer to a request as a client makes it."""
    headers = {**await api.bearer("site"), "accept": accept, "content-type": JSON}
    if method == "GET":
        parameters = {name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":")) for name, value in parts.items()}
        answer = await api.http.get("/graphql", params=parameters, headers=headers)
    else:
        answer = await api.http.post("/graphql", json=parts, headers=headers)
    return answer.status_code, answer.headers["content-type"].partition(";")[0], answer.json()


def numbers(body: dict[str, Any]) -> list[str]:
    return [edge["node"]["number"] for edge in body["data"]["contracts"]["edges"]]


async def test_apollo_asks(api: Served):
    status, media, body = await sent(
        api, "POST", APOLLO_ACCEPT, operationName="Q", variables={"first": 2}, extensions=LIBRARY, query=APOLLO
    )
    assert (status, media, numbers(body)) == (200, GRAPHQL_JSON, ["W-5", "W-4"])
    assert body["data"]["contracts"]["edges"][0]["__typename"] == "ContractEdge"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_apollo_sends_a_hash_and_when_it_is_not_known_the_text(api: Served, method: str):
    asked = {"operationName": "Q", "variables": {"first": 1}, "extensions": {**LIBRARY, **HASHED}}
    status, media, body = await sent(api, method, APOLLO_ACCEPT, **asked)
    assert (status, media) == (400, JSON)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["PERSISTED_QUERY_NOT_FOUND"]
    status, _, body = await sent(api, "POST", APOLLO_ACCEPT, **asked, query=APOLLO)
    assert (status, numbers(body)) == (200, ["W-5"])


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_urql_asks_by_get_where_the_address_is_short_enough(api: Served, method: str):
    status, media, body = await sent(api, method, URQL_ACCEPT, query=APOLLO, operationName="Q", variables={"first": 2})
    assert (status, media, numbers(body)) == (200, GRAPHQL_JSON, ["W-5", "W-4"])


async def test_relay_pages_both_ways(api: Served):
    async def page(**variables: Any) -> dict[str, Any]:
        asked = {"first": None, "after": None, "last": None, "before": None, **variables}
        status, _, body = await sent(api, "POST", "*/*", query=RELAY, variables=asked)
        assert status == 200, body
        return body

    middle = await page(first=1, after=(await page(first=2))["data"]["contracts"]["pageInfo"]["endCursor"])
    info = middle["data"]["contracts"]["pageInfo"]
    assert (numbers(middle), info["hasNextPage"], info["hasPreviousPage"]) == (["W-3"], True, True)
    assert numbers(await page(first=9, after=info["endCursor"])) == ["W-2", "W-1"]
    assert numbers(await page(last=9, before=info["startCursor"])) == ["W-5", "W-4"]


async def test_relay_reads_unions_by_what_it_adds(api: Served):
    async def registered(**more: Any) -> dict[str, Any]:
        _, _, body = await sent(api, "POST", JSON, query=RELAY_REGISTERS, variables={"input": contract("W-1", **more)})
        return dict(body["data"]["registerContract"])

    same = await registered()
    assert (same["__typename"], same["contract"]["amount"]) == ("ContractRegistered", 30_000)
    other = await registered(amount=1)
    assert other == {
        "__typename": "ContractConflict",
        "__isProblem": "ContractConflict",
        "code": "CONTENT_DIFFERS",
        "message": other["message"],
        "path": [],
        "existing": {"id": same["contract"]["id"]},
    }
