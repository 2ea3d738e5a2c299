"""Market sites: at their hour they register contracts by GraphQL, like any client with a token of its own."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx2
import orjson

from sandbox.config import Config, SiteConfig

log = logging.getLogger("sandbox.site")

REGISTER_CONTRACTS = """
mutation RegisterContracts($input: RegisterContractsInput!) {
  registerContracts(input: $input) {
    __typename
    ... on ContractsRegistered {
      results {
        __typename
        ... on ContractRegistered { alreadyRegistered }
        ... on Problem { code message path }
      }
    }
    ... on Problem { code message path }
  }
}
"""
_PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)


class NotNow(Exception):
    """The API cannot be asked yet: no address, no credentials, no connection, or 5xx."""


class Sites:
    """All market sites. A registration that got no answer is sent again: it is the same contract by its number."""

    def __init__(
        self,
        config: Config,
        client: httpx2.AsyncClient,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._config = config
        self._client = client
        self._pause = pause

    def api(self) -> str | None:
        """The API's address: the configuration's, or that of the credentials file once it is there."""
        address = self._config.api or self._credentials().get("api")
        return None if address is None else str(address).rstrip("/")

    async def register(self, site_id: str, contracts: Sequence[Any]) -> list[dict[str, Any]]:
        """One call with all contracts of the hour; returns what was not as expected."""
        body = orjson.dumps(
            {
                "query": REGISTER_CONTRACTS,
                "operationName": "RegisterContracts",
                "variables": {"input": {"contracts": contracts, "onProblem": "REGISTER_OTHERS"}},
            }
        )
        for pause in (*_PAUSES_SECONDS, None):
            try:
                answer = await self._call(self._config.sites[site_id], body)
            except NotNow as reason:
                if pause is None:
                    return [{"site": site_id, "problem": str(reason), "numbers": [c.get("number") for c in contracts]}]
                log.info("site %s: %s, trying again", site_id, reason)
                await self._pause(pause)
            else:
                return _unexpected(site_id, contracts, answer)
        raise AssertionError("the last try returns")

    async def _call(self, site: SiteConfig, body: bytes) -> Any:
        api, (client_id, client_secret) = self.api(), self._client_of(site)
        if api is None:
            raise NotNow("the address of the API is not known")
        grant = {"grant_type": "client_credentials", "scope": site.scope}
        token = await self._post(f"{api}/oauth/token", data=grant, auth=(client_id, client_secret))
        if token.status_code != 200:
            return {"status": token.status_code, "from": "/oauth/token"}
        headers = {
            "authorization": f"Bearer {token.json()['access_token']}",
            "content-type": "application/json",
            "accept": "application/graphql-response+json, application/json;q=0.9",
        }
        answer = await self._post(f"{api}/graphql", content=body, headers=headers)
        try:
            return answer.json()
        except ValueError:
            return {"status": answer.status_code, "from": "/graphql"}

    async def _post(self, url: str, **arguments: Any) -> httpx2.Response:
        try:
            answer = await self._client.post(url, **arguments)
        except httpx2.HTTPError as error:
            raise NotNow(f"no answer ({type(error).__name__})") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise NotNow(f"answered with {answer.status_code}")
        return answer

    def _client_of(self, site: SiteConfig) -> tuple[str, str]:
        if site.client_id is not None and site.client_secret is not None:
            return site.client_id, site.client_secret
        found = self._credentials().get("sites", {}).get(site.id)
        if found is None:
            raise NotNow("no credentials yet")
        return found["client_id"], found["client_secret"]

    def _credentials(self) -> Any:
        path = self._config.credentials_file
        if path is None:
            return {}
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            # Somebody is writing it at this moment.
            return {}


def _unexpected(site_id: str, contracts: Sequence[Any], answer: Any) -> list[dict[str, Any]]:
    """Everything in the answer that is not a registered contract."""
    outcome = ((answer or {}).get("data") or {}).get("registerContracts") or {}
    results = outcome.get("results")
    if outcome.get("__typename") != "ContractsRegistered" or not isinstance(results, list) or len(results) != len(contracts):
        return [{"site": site_id, "problem": "unexpected answer", "answer": answer}]
    return [
        {"site": site_id, "number": contract.get("number"), "problem": result.get("__typename"), "answer": result}
        for contract, result in zip(contracts, results, strict=True)
        if result.get("__typename") != "ContractRegistered"
    ]
