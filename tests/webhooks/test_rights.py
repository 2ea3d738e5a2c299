"""Who may do what with webhooks, and what is refused, in which words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.statuses import EventKind
from domain.store import grants, people
from domain.store.connection import transaction
from kessai.embedded import Engines
from tests.api.oauth.people import HASH
from tests.conftest import a_database
from tests.webhooks.office import EVENTS, LOG, REGISTER, Office, Raw, cleared, opened


@pytest.fixture(scope="module")
async def house(engines: Engines, template_database: str) -> AsyncIterator[Office]:
    async with a_database(engines, template_database) as url, opened(url) as made:
        yield made


@pytest.fixture
async def office(house: Office) -> Office:
    return await cleared(house)


ACTS: dict[str, dict[str, Any]] = {
    "changeWebhook": {"url": "http://127.0.0.1:9/other"},
    "disableWebhook": {},
    "enableWebhook": {},
    "rotateWebhookSecret": {},
    "deleteWebhook": {},
    "sendSampleEvent": {"kind": Raw("PAID")},
    "replayWebhook": {"after": "0"},
}


async def code(office: Office, who: str | int, scope: str | None, query: str, variables: Any = None) -> Any:
    """(code, scope that is wanted) of an error, or the data."""
    headers = {"authorization": await office.bearer(who, scope)}
    body = (await office.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)).json()
    if "errors" in body:
        extensions = body["errors"][0]["extensions"]
        return extensions["code"], extensions.get("wanted")
    return body["data"]


async def test_a_webhook_is_its_owners_alone(office: Office):
    hook, _ = await office.hook(130, "http://127.0.0.1:9/hook")
    firms, _ = await office.hook("A", "http://127.0.0.1:9/hook")
    for stranger, others in ((320, hook), ("A", hook), ("B", firms), (130, firms)):
        assert await office.run(stranger, LOG, {"id": others}) == {"webhook": None}
        assert await office.run(stranger, "query ($id: ID!) { node(id: $id) { id } }", {"id": others}) == {"node": None}
        for name, more in ACTS.items():
            for named in (others, "w000000000000000000", "nonsense"):  # not yours and not there look alike
                answer = await office.act(stranger, name, webhook=named, **more)
                assert answer == {
                    "__typename": "WebhookRefused",
                    "code": "NOT_FOUND",
                    "path": ["webhook"],
                    "message": "There is no such webhook, or it is not yours.",
                }
    assert [found["id"] for found in (await office.run(130, "{ webhooks { id } }"))["webhooks"]] == [hook]
    assert (await office.run(320, "{ webhooks { id } }"))["webhooks"] == []
    assert (await office.run(130, "query ($id: ID!) { node(id: $id) { ... on Webhook { status } } }", {"id": hook})) == {
        "node": {"status": "ACTIVE"}
    }
    without = "contracts:read settlements:read"
    for query in ("{ webhooks { id } }", f'{{ webhook(id: "{hook}") {{ id }} }}', f'{{ node(id: "{hook}") {{ id }} }}'):
        assert await code(office, 130, without, query) == ("INSUFFICIENT_SCOPE", "webhooks:write")
    for name, more in ACTS.items():
        given = ", ".join(
            f"{key}: {value if isinstance(value, Raw) else json.dumps(value)}" for key, value in {"webhook": hook, **more}.items()
        )
        query = f"mutation {{ {name}(input: {{ {given} }}) {{ __typename }} }}"
        assert await code(office, 130, without, query) == ("INSUFFICIENT_SCOPE", "webhooks:write")
    wanted = {"url": "http://127.0.0.1:9/", "document": EVENTS}
    assert await code(office, 130, without, REGISTER, wanted) == ("INSUFFICIENT_SCOPE", "webhooks:write")
    paid = {**wanted, "document": "subscription { settlementUpdated { id } }"}
    assert await code(office, 130, "webhooks:write contracts:read", REGISTER, paid) == ("INSUFFICIENT_SCOPE", "settlements:read")
    for name, more in ACTS.items():  # the owner may; the last one takes it away
        if name != "deleteWebhook":
            assert "code" not in await office.act(130, name, webhook=hook, **more), name
    assert await office.act(130, "deleteWebhook", "... on WebhookDeleted { id }", webhook=hook) == {
        "__typename": "WebhookDeleted",
        "id": hook,
    }
    async with transaction() as tx:
        for table in ("hook", "hook_work", "hook_wake", "hook_delivery"):
            assert await tx.value(f"select count(*) from {table} where hook_id = $1", int(hook[1:])) == 0


NOT_STORED: tuple[tuple[str, Any, str], ...] = (
    ("{ viewer { clientId } }", None, "one operation, and that is a subscription"),
    ("subscription A { settlementUpdated { id } } subscription B { settlementUpdated { id } }", None, "one operation"),
    ("subscription { settlementUpdated { nothing } }", None, "Cannot query field 'nothing'"),
    ("subscription { a: settlementUpdated { id } b: settlementUpdated { id } }", None, "must select only one top level field"),
    ("subscription {", None, "Syntax Error"),
    (EVENTS, {"after": 5}, "Variable '$after' has invalid value"),
    (EVENTS, {"after": "nonsense"}, "This is no cursor of the log."),
    (EVENTS, [1], "Variables are a JSON object."),
    (EVENTS, {"x": "y" * 10_001}, "at most 10000 characters"),
    ('subscription { contractStatusChanged(of: {contractId: "1"}) { id } }', None, "There is no such contract, or it is not yours."),
    ("subscription { contractStatusChanged { contract { timeline(first: 500) { edges { cursor } } } } }", None, "At most 200"),
)


async def test_documents_that_cannot_be_stored(office: Office):
    for document, variables, message in NOT_STORED:
        data = await office.run(130, REGISTER, {"url": "http://127.0.0.1:9/", "document": document, "variables": variables})
        refused = data["registerWebhook"]
        assert refused["code"] in {"DOCUMENT_NOT_POSSIBLE", "NOT_FOUND"}, document
        assert message in refused["message"]
        assert refused["path"][0] in {"document", "variables"}
    assert (await office.run(130, "{ webhooks { id } }"))["webhooks"] == []


async def test_all_mistakes_at_once_and_in_japanese(office: Office):
    query = REGISTER.replace("message path", "message path ... on WebhookRefused { problems { code path } }")
    given = {"url": "ftp://x", "document": "{ viewer { clientId } }"}
    refused = (await office.run(130, query, given, accept_language="ja"))["registerWebhook"]
    assert refused["message"] == "2 か所に誤りがあります。"
    assert refused["problems"] == [
        {"code": "ADDRESS_NOT_ALLOWED", "path": ["url"]},
        {"code": "DOCUMENT_NOT_POSSIBLE", "path": ["document"]},
    ]


async def test_a_site_has_so_many_and_no_more(office: Office):
    for _ in range(20):
        await office.hook(130, "http://127.0.0.1:9/hook")
    data = await office.run(130, REGISTER, {"url": "http://127.0.0.1:9/", "document": EVENTS})
    assert data["registerWebhook"]["code"] == "TOO_MANY"


async def test_what_a_person_made_ends_with_the_person(office: Office):
    """A password that changes, a user who is stopped, a client whose rights he takes back: nothing of his goes on by itself."""
    receiver = await office.receiver()
    firm = office.market.firms["A"]
    await office.market.contract("130/1", "A", "B", 1000)
    user = await people.create("a-sha", firm_id=firm, password_hash=HASH, machine_now=office.clock.now)
    for end in ("password", "client", "stop"):
        hook, _ = await office.hook("A", receiver.url)
        async with transaction() as tx:
            await tx.run("update hook set user_id = $1 where hook_id = $2", user, int(hook[1:]))
        assert await office.status("A", hook) == ("ACTIVE", None)
        if end == "password":
            await people.set_password("a-sha", HASH, machine_now=office.clock.now)
        elif end == "client":
            async with transaction() as tx:
                await grants.revoke_user(tx, user, office.clock.now, office.clients["A None"])
        else:
            await people.stop("a-sha", machine_now=office.clock.now)
        assert await office.status("A", hook) == ("DISABLED", "OWNER_STOPPED")
        await office.tell("130/1", EventKind.DEBITED)
        await office.work()
        await office.act("A", "deleteWebhook", webhook=hook)
    assert receiver.calls == []


async def test_secrets_are_shown_once_and_stand_in_no_log(office: Office, capsys: pytest.CaptureFixture[str]):
    await office.market.contract("130/1", "A", "B", 1000)
    receiver = await office.receiver(lambda _call: 500)
    hook, secret = await office.hook(130, receiver.url)
    await office.tell("130/1", EventKind.DEBITED)
    await office.work()
    from domain.store import hooks

    async with transaction() as tx:
        found = await hooks.by_id(tx, 1, int(hook[1:]))
    shown = json.dumps(await office.run(130, LOG, {"id": hook})) + repr(found) + capsys.readouterr().out
    assert secret not in shown
    assert secret.removeprefix("whsec_") not in shown
    assert receiver.url not in repr(found), "an address may hold a secret of the receiver"
