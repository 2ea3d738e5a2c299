"""Asking our own API like any client: a token by client_credentials, then GraphQL."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx2

from kessai.credentials import Client
from kessai.trouble import Trouble


class ApiTrouble(Trouble):
    """The API does not answer as it should. Codes: API_AWAY, TOKEN_REFUSED, GRAPHQL_ERROR."""

    exit_status = 1


class BadRequest(ApiTrouble):
    """The API did not understand what it was asked."""

    exit_status = 2


class Api:
    """A client of the API."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx2.AsyncClient(base_url=url, timeout=60.0, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def ready(self) -> bool:
        """Whether it serves."""
        try:
            return (await self._http.get("/readyz", timeout=2.0)).status_code == 200
        except httpx2.HTTPError:
            return False

    async def token(self, client: Client) -> tuple[str, int]:
        """An access token and for how many seconds it is good."""
        try:
            answer = await self._http.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(client.client_id, client.client_secret),
            )
        except httpx2.HTTPError as error:
            raise self._away(error) from error
        if answer.status_code != 200:
            raise ApiTrouble(
                f"No token for {client.client_id}",
                why=answer.text[:200],
                do=("kessai client list", "kessai up --reset    makes a world with new secrets"),
                code="TOKEN_REFUSED",
            )
        content = answer.json()
        return str(content["access_token"]), int(content["expires_in"])

    async def graphql(
        self, token: str, document: str, variables: Mapping[str, Any] | None = None, *, language: str | None = None
    ) -> dict[str, Any]:
        """The `data` of an answer. Raises ApiTrouble for entries in `errors`."""
        headers = {"Authorization": f"Bearer {token}"} | ({"Accept-Language": language} if language else {})
        try:
            answer = await self._http.post("/graphql", json={"query": document, "variables": dict(variables or {})}, headers=headers)
        except httpx2.HTTPError as error:
            raise self._away(error) from error
        try:
            content = answer.json()
        except ValueError:
            content = {"errors": [{"message": answer.text[:200]}]}
        if answer.status_code >= 400 or content.get("errors"):
            errors = content.get("errors") or [{"message": answer.text[:200]}]
            code = (errors[0].get("extensions") or {}).get("code", f"status {answer.status_code}")
            yours = code in {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "INSUFFICIENT_SCOPE"}
            kind = BadRequest if yours else ApiTrouble
            raise kind("The API answered with an error", why=f"{code}: {errors[0]['message']}", code="GRAPHQL_ERROR")
        data: dict[str, Any] = content["data"]
        return data

    def _away(self, error: Exception) -> ApiTrouble:
        return ApiTrouble(
            "The API does not answer",
            why=f"{type(error).__name__} at {self.url}",
            do=("kessai status", "kessai up"),
            code="API_AWAY",
        )
