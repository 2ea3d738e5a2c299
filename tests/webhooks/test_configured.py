"""What the settings decide about webhooks: where they may go, and which documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from api.trusted import sha256_of
from domain.hook_address import Where
from tests.webhooks.office import EVENTS, REGISTER, opened


async def test_outside_development_only_public_https_is_taken_and_only_trusted_documents_where_they_alone_are_run(database_url: str):
    trusted = {sha256_of(EVENTS): EVENTS}
    async with opened(database_url, where=Where(), trusted=trusted, trusted_only=False) as office:
        for url in ("http://shop.example/x", "https://127.0.0.1/", "https://shop.example:8443/", "https://localhost/"):
            data = await office.run(130, REGISTER, {"url": url, "document": EVENTS})
            assert (data["registerWebhook"]["code"], data["registerWebhook"]["path"]) == ("ADDRESS_NOT_ALLOWED", ["url"])
        hook, _ = await office.hook(130, "https://shop.example/hook", f"sha256:{sha256_of(EVENTS)}")
        assert (await office.run(130, f'{{ webhook(id: "{hook}") {{ document }} }}'))["webhook"]["document"] == EVENTS
    async with opened_again(database_url, trusted) as (office, ask):
        found = await ask("subscription { settlementUpdated { id } }")
        assert (found["code"], found["message"]) == ("DOCUMENT_NOT_POSSIBLE", "Only documents that were agreed on are run here.")
        assert "secret" in await ask(EVENTS)


def opened_again(database_url: str, trusted: dict[str, str]) -> Any:
    """The same database behind an API that runs trusted documents only."""
    import contextlib

    import httpx2

    from api.app import create_app
    from api.options import ApiOptions
    from domain.store import administration as admin
    from tests.api.serving import BASE, Clock

    @contextlib.asynccontextmanager
    async def made() -> AsyncIterator[Any]:
        clock = Clock()
        both = {**trusted, sha256_of(REGISTER): REGISTER}
        app = create_app(ApiOptions(database_url=database_url, base_url=BASE, trusted=both, trusted_only=True, machine_clock=clock))
        async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
            scopes = ("contracts:read", "webhooks:write", "settlements:read")
            given = await admin.create_client("again", site_id=130, scopes=scopes, machine_now=clock.now)
            token = (await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=given)).json()["access_token"]

            async def ask(document: str) -> Any:
                body = {"documentId": f"sha256:{sha256_of(REGISTER)}", "variables": {"url": "https://shop.example/", "document": document}}
                answer = await http.post("/graphql", json=body, headers={"authorization": f"Bearer {token}"})
                return answer.json()["data"]["registerWebhook"]

            yield None, ask

    return made()
