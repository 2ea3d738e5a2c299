"""Webhooks from the log to the receiver: what is told, in which order, how often, and when it is given up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.hooks import PAUSES
from domain.statuses import EventKind
from domain.store.connection import transaction
from kessai.embedded import Engines
from tests.conftest import a_database
from tests.webhooks.office import EVENTS, Call, Killed, Office, Raw, cleared, opened, signed_by

K = EventKind


@pytest.fixture(scope="module")
async def house(engines: Engines, template_database: str) -> AsyncIterator[Office]:
    async with a_database(engines, template_database) as url, opened(url) as made:
        yield made


@pytest.fixture
async def office(house: Office) -> Office:
    made = await cleared(house)
    await made.market.contract("130/1", "A", "B", 1000)
    return made


async def test_an_event_is_posted_as_the_socket_would_send_it_and_signed(office: Office):
    receiver = await office.receiver()
    hook, secret = await office.hook(130, receiver.url)
    line = await office.line(130)
    await line.follow(EVENTS)
    await office.joined(1)
    await office.tell("130/1", K.DEBITED, K.SHIPPED, K.PAID)
    await office.work()
    shown = [(await line.next())["payload"] for _ in range(3)]
    assert [json.loads(call.body) for call in receiver.calls] == shown
    assert receiver.kinds() == ["DEBITED", "SHIPPED", "PAID"]
    for call, told in zip(receiver.calls, shown, strict=True):
        event = told["data"]["contractStatusChanged"]["id"]
        assert call.headers["webhook-id"] == f"{event}-{hook}"
        assert call.headers["content-type"] == "application/json"
        assert int(call.headers["webhook-timestamp"]) == int(office.clock.now.timestamp())
        assert signed_by(call, secret)
        assert not signed_by(Call(call.path, call.headers, call.body + b" "), secret)
    rows = await office.log(130, hook)
    assert [(row["kind"], row["status"], row["attempts"][0]["statusCode"], row["attempts"][0]["error"]) for row in rows] == [
        (kind, "DELIVERED", 204, None) for kind in ("PAID", "SHIPPED", "DEBITED")
    ]
    assert [row["bodySha256"] for row in reversed(rows)] == [hashlib.sha256(call.body).hexdigest() for call in receiver.calls]
    assert await office.waiting() == 0


async def test_what_was_before_is_not_told_and_after_says_from_where(office: Office):
    await office.tell("130/1", K.DEBITED)
    now, since, always = [await office.receiver() for _ in range(3)]
    as_of = (await office.run(130, "{ contracts { asOf } }"))["contracts"]["asOf"]
    await office.tell("130/1", K.SHIPPED)
    await office.hook(130, now.url)
    await office.hook(130, since.url, variables={"after": as_of})
    await office.hook(130, always.url, variables={"after": "0"})
    await office.tell("130/1", K.PAID)
    await office.work()
    assert now.kinds() == ["PAID"]
    assert since.kinds() == ["SHIPPED", "PAID"]
    assert always.kinds() == ["REGISTERED", "DEBITED", "SHIPPED", "PAID"]


async def test_the_next_event_of_a_contract_waits_and_other_contracts_go_on(office: Office):
    await office.market.contract("130/2", "A", "B", 1000)
    bad = True
    receiver = await office.receiver(lambda call: 500 if bad and call.told["contract"]["number"] == "1" else 200)
    hook, _ = await office.hook(130, receiver.url)
    await office.tell("130/1", K.DEBITED, K.SHIPPED)
    await office.tell("130/2", K.DEBITED, K.SHIPPED)
    await office.work()
    assert receiver.kinds("1") == ["DEBITED"]
    assert receiver.kinds("2") == ["DEBITED", "SHIPPED"]
    bad = False
    await office.work()
    assert receiver.kinds("1") == ["DEBITED"], "not before its time"
    office.clock.forward(seconds=6)
    await office.work()
    assert receiver.kinds("1") == ["DEBITED", "DEBITED", "SHIPPED"]
    first, again, _ = [call for call in receiver.calls if call.told["contract"]["number"] == "1"]
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    assert len(await office.log(130, hook, status="DELIVERED")) == 4


async def test_ten_tries_by_the_schedule_then_it_is_given_up_and_the_next_one_comes(office: Office):
    receiver = await office.receiver(lambda call: 503 if call.told["kind"] == "DEBITED" else 200)
    hook, _ = await office.hook(130, receiver.url)
    await office.tell("130/1", K.DEBITED, K.SHIPPED)
    await office.work()
    for number, pause in enumerate(PAUSES, 1):
        assert len(receiver.calls) == number
        office.clock.forward(seconds=pause.total_seconds() - 1)
        await office.work()
        assert len(receiver.calls) == number, f"after {number} tries it is too early"
        office.clock.forward(seconds=pause.total_seconds() * 0.1 + 2)
        await office.work()
    assert receiver.kinds() == ["DEBITED"] * 10, "and nothing was taken for three days"
    assert await office.status(130, hook) == ("DISABLED", "FAILING")
    waiting, given_up = await office.log(130, hook)
    assert (given_up["status"], given_up["note"], len(given_up["attempts"])) == ("GIVEN_UP", "answered 503", 10)
    assert waiting["status"] == "WAITING"
    assert (await office.act(130, "enableWebhook", webhook=hook))["__typename"] == "WebhookChanged"
    await office.work()
    assert receiver.kinds()[10:] == ["SHIPPED"], "enabled again it goes on where it stopped"


async def test_one_that_is_given_up_does_not_disable_who_takes_others(office: Office):
    await office.market.contract("130/2", "A", "B", 1000)
    receiver = await office.receiver(lambda call: 400 if call.told["contract"]["number"] == "1" else 200)
    hook, _ = await office.hook(130, receiver.url)
    await office.tell("130/1", K.DEBITED)
    await office.work()
    for pause in PAUSES:
        office.clock.forward(seconds=pause.total_seconds() * 1.1 + 1)
        await office.tell("130/2", K.DEBITED)
        await office.work()
    assert await office.status(130, hook) == ("ACTIVE", None)
    assert [row["status"] for row in await office.log(130, hook) if row["attempts"][0]["statusCode"] == 400] == ["GIVEN_UP"]


async def test_410_disables_at_once_and_what_happens_meanwhile_is_not_lost(office: Office):
    gone = True
    receiver = await office.receiver(lambda _call: 410 if gone else 200)
    hook, _ = await office.hook(130, receiver.url)
    await office.tell("130/1", K.DEBITED)
    await office.work()
    assert await office.status(130, hook) == ("DISABLED", "GONE")
    await office.tell("130/1", K.SHIPPED)
    office.clock.forward(days=1)
    await office.work()
    assert len(receiver.calls) == 1
    gone = False
    await office.act(130, "enableWebhook", webhook=hook)
    await office.work()
    assert receiver.kinds() == ["DEBITED", "DEBITED", "SHIPPED"]
    await office.act(130, "disableWebhook", webhook=hook)
    assert await office.status(130, hook) == ("DISABLED", "BY_OWNER")
    await office.tell("130/1", K.PAID)
    await office.act(130, "enableWebhook", webhook=hook, fromNow=True)
    await office.tell("130/1", K.DELIVERED)
    await office.work()
    assert receiver.kinds()[3:] == ["DELIVERED"]


async def test_retry_after_makes_the_pause_longer(office: Office):
    receiver = await office.receiver(lambda _call: b"HTTP/1.1 429 X\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n")
    await office.hook(130, receiver.url)
    await office.tell("130/1", K.DEBITED)
    await office.work()
    office.clock.forward(seconds=100)
    await office.work()
    assert len(receiver.calls) == 1
    office.clock.forward(seconds=21)
    await office.work()
    assert len(receiver.calls) == 2


async def test_a_sender_killed_between_the_post_and_its_record_sends_again_with_the_same_id(office: Office):
    receiver = await office.receiver()
    hook, _ = await office.hook(130, receiver.url)
    await office.tell("130/1", K.DEBITED, K.SHIPPED)
    office.crash_at = "hook:after_post"
    with pytest.raises(Killed):
        await office.work()
    office.crash_at = None
    assert receiver.kinds() == ["DEBITED"]
    assert (await office.log(130, hook))[1]["attempts"] == [], "nothing was written down"
    await office.work()
    assert receiver.kinds() == ["DEBITED"], "the dead one's lease has not run out"
    office.clock.forward(seconds=16)
    await office.work()
    assert receiver.kinds() == ["DEBITED", "DEBITED", "SHIPPED"]
    assert receiver.ids()[0] == receiver.ids()[1] != receiver.ids()[2]


NO_ANSWERS: tuple[tuple[bytes | None, str], ...] = (
    (b"HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "answered 302, and redirects are not followed"),
    (b"HTTP/1.1 200 X\r\ncontent-length: 70000\r\n\r\n" + b"x" * 70_000, "answered with more than 65536 bytes"),
    (b"hello\r\n\r\n", "no answer: RemoteProtocolError"),
    (None, "no answer within 2 seconds"),
)


def always(answer: bytes | None) -> Callable[[Call], bytes | None]:
    return lambda _call: answer


async def test_answers_that_are_none(office: Office):
    made = []
    for answer, error in NO_ANSWERS:
        receiver = await office.receiver(always(answer))
        made.append((await office.hook(130, receiver.url), receiver, error))
    await office.tell("130/1", K.DEBITED)
    await office.work()
    for (hook, _), receiver, error in made:
        (row,) = await office.log(130, hook)
        assert (row["status"], [one["error"] for one in row["attempts"]]) == ("WAITING", [error])
        assert len(receiver.calls) == 1


async def test_a_replay_tells_again_what_the_socket_would_tell_from_there(office: Office):
    receiver = await office.receiver()
    hook, _ = await office.hook(130, receiver.url)
    await office.market.contract("130/2", "A", "B", 1000)
    await office.tell("130/1", K.DEBITED, K.SHIPPED)
    await office.tell("130/2", K.DEBITED)
    await office.tell("130/1", K.PAID)
    await office.work()
    first = {(call.told["contract"]["number"], call.told["kind"]): call for call in receiver.calls}
    cursor = first["1", "SHIPPED"].told["cursor"]
    receiver.calls.clear()
    answer = await office.act(130, "replayWebhook", webhook=hook, after=cursor)
    assert answer["__typename"] == "WebhookChanged"
    await office.work()
    line = await office.line(130)
    await line.follow(EVENTS, {"after": cursor})
    shown = [(await line.next())["payload"]["data"]["contractStatusChanged"] for _ in receiver.calls]
    assert await line.silent()
    for number in ("1", "2"):  # contracts go side by side, each in its order
        assert [call.told for call in receiver.calls if call.told["contract"]["number"] == number] == [
            told for told in shown if told["contract"]["number"] == number
        ]
    assert len(shown) == 2
    assert set(receiver.ids()) == {first[key].headers["webhook-id"] for key in (("2", "DEBITED"), ("1", "PAID"))}
    errors = (
        await office.http.post(
            "/graphql",
            json={"query": f'mutation {{ replayWebhook(input: {{webhook: "{hook}", after: "nonsense"}}) {{ __typename }} }}'},
            headers={"authorization": await office.bearer(130)},
        )
    ).json()["errors"]
    assert errors[0]["extensions"]["code"] == "CURSOR_INVALID"


async def test_a_replay_while_something_waits_keeps_the_order(office: Office):
    up = False
    receiver = await office.receiver(lambda _call: 200 if up else 500)
    hook, _ = await office.hook(130, receiver.url, variables={"after": "0"})
    await office.tell("130/1", K.DEBITED, K.SHIPPED)
    await office.work()
    await office.act(130, "replayWebhook", webhook=hook, after="0")
    up = True
    receiver.calls.clear()
    await office.work()
    assert receiver.kinds() == ["REGISTERED", "DEBITED", "SHIPPED"]
    assert {row["note"] for row in await office.log(130, hook, status="DROPPED")} == {"replayed"}


async def test_a_firm_is_told_of_all_its_sites_by_its_rights(office: Office):
    await office.market.contract("320/1", "B", "A", 1000)
    receiver = await office.receiver()
    await office.hook("B", receiver.url)
    await office.tell("130/1", K.DEBITED, K.PAID)
    await office.tell("320/1", K.DEBITED, K.PAID)
    await office.work()
    assert receiver.kinds() == ["DEBITED", "DEBITED", "PAID"], "the buyer of 130/1 is not told how its seller is paid"


async def test_what_is_lost_between_telling_and_sending_is_not_sent(office: Office):
    receiver = await office.receiver()
    hook, _ = await office.hook("A", receiver.url)
    await office.tell("130/1", K.DEBITED)
    await office.work(steps=("look_through", "render_hook"))
    async with transaction() as tx:
        await tx.run("update party set firm_id = null where home = 1 and party_id = $1", office.market.parties[130, "A"])
    await office.tell("130/1", K.SHIPPED)
    await office.work()
    assert receiver.calls == []
    (row,) = await office.log("A", hook)
    assert (row["status"], row["note"], row["body"]) == ("DROPPED", "not yours any more", None)


@pytest.mark.parametrize("lost", ["client", "scope"])
async def test_a_client_that_may_no_more_is_served_no_more(office: Office, lost: str):
    receiver = await office.receiver()
    hook, _ = await office.hook(130, receiver.url, scope="contracts:read webhooks:write")
    await office.tell("130/1", K.DEBITED)
    await office.work()
    client_id = office.clients["130 contracts:read webhooks:write"]
    async with transaction() as tx:
        change = "stopped_at = now()" if lost == "client" else "scopes = '{webhooks:write}'"
        await tx.run(f"update oauth_client set {change} where client_id = $1", client_id)
    await office.tell("130/1", K.SHIPPED)
    await office.work()
    assert receiver.kinds() == ["DEBITED"]
    assert await office.status(130, hook) == ("DISABLED", "OWNER_STOPPED")
    await office.act(130, "enableWebhook", webhook=hook)
    await office.work()
    assert receiver.kinds() == ["DEBITED", "SHIPPED"], "another client of the site has lent it his rights"


async def test_two_secrets_sign_for_a_day(office: Office):
    receiver = await office.receiver()
    hook, old = await office.hook(130, receiver.url)
    turned = await office.act(130, "rotateWebhookSecret", "... on WebhookSecretRotated { secret previousUntil }", webhook=hook)
    new = turned["secret"]
    await office.tell("130/1", K.DEBITED)
    await office.work()
    office.clock.forward(hours=25)
    await office.tell("130/1", K.SHIPPED)
    await office.work()
    assert [(signed_by(call, old), signed_by(call, new)) for call in receiver.calls] == [(True, True), (False, True)]


async def test_a_sample_says_that_it_is_one_and_holds_nobodys_data(office: Office):
    receiver = await office.receiver()
    document = "subscription { contractStatusChanged { ...E } } fragment E on ContractEvent { kind cursor contract { seller { name } goods { quantity } } }"
    hook, secret = await office.hook(130, receiver.url, document)
    more = "... on SampleEventSent { webhookId }"
    sent = await office.act(130, "sendSampleEvent", more, webhook=hook, kind=Raw("DEBIT_FAILED"))
    await office.work()
    (call,) = receiver.calls
    assert signed_by(call, secret)
    assert call.headers["webhook-id"] == sent["webhookId"]
    assert sent["webhookId"].startswith("sample-")
    assert b'"sample":true' in call.body
    assert call.told["kind"] == "DEBIT_FAILED"
    assert call.told["contract"] == {"seller": {"name": "見本"}, "goods": [{"quantity": 1}]}
    await office.act(130, "replayWebhook", webhook=hook, after=call.told["cursor"])
    await office.act(130, "disableWebhook", webhook=hook)
    refused = await office.act(130, "sendSampleEvent", webhook=hook, kind=Raw("PAID"))
    assert (refused["__typename"], refused["code"], refused["path"]) == ("WebhookRefused", "DISABLED", ["webhook"])


async def test_only_so_many_wait_and_the_rest_stays_in_the_log(office: Office, monkeypatch: pytest.MonkeyPatch):
    from domain.store import hook_routing

    monkeypatch.setattr(hook_routing, "MOST_WAITING", 4)
    monkeypatch.setattr(hook_routing, "ROOM_AGAIN", 2)
    monkeypatch.setattr("api.webhooks.renderer.AT_ONCE", 3)
    up = False
    receiver = await office.receiver(lambda _call: 200 if up else 500)
    await office.hook(130, receiver.url)
    told = [K.DEBITED, K.SHIPPED, K.IN_TRANSIT, K.DELIVERED, K.FUNDED, K.PAYOUT_INSTRUCTED, K.PAID]
    await office.tell("130/1", *told)
    await office.work()
    assert await office.waiting() == 6
    up = True
    office.clock.forward(minutes=1)
    await office.work()
    assert receiver.kinds()[1:] == [kind.name for kind in told]


async def test_bodies_go_after_a_week_and_the_log_after_a_month(office: Office):
    from workers.hooks import tidy

    receiver = await office.receiver(lambda call: 200 if call.told["kind"] == "DEBITED" else 500)
    hook, _ = await office.hook(130, receiver.url)
    await office.tell("130/1", K.DEBITED, K.SHIPPED)
    await office.work()

    async def bodies() -> list[Any]:
        await tidy(holder=str(office.clock.now), machine_now=office.clock.now)
        return [(row["kind"], row["body"] is None) for row in await office.log(130, hook)]

    assert await bodies() == [("SHIPPED", False), ("DEBITED", False)]
    office.clock.forward(days=8)
    assert await bodies() == [("SHIPPED", False), ("DEBITED", True)], "what waits keeps its body"
    office.clock.now += timedelta(days=23)
    assert await bodies() == [("SHIPPED", False)]


async def test_operators_see_what_is_not_taken_and_tell_again(office: Office):
    from domain.store import hook_lists
    from domain.store.administration import NotThere, Refused

    up = False
    receiver = await office.receiver(lambda _call: 200 if up else 500)
    hook, _ = await office.hook(130, receiver.url + "?token=hidden")
    await office.tell("130/1", K.DEBITED)
    await office.work()
    (row,) = await hook_lists.list_hooks(failing=True)
    assert (row["hook_id"], row["owner"], row["waiting"], row["status"]) == (hook, "site 130", 1, "ACTIVE")
    assert "hidden" not in str(row)
    (failure,) = await hook_lists.list_failures()
    assert (failure["hook_id"], failure["error"], failure["tries"], failure["status"]) == (hook, "answered 500", 1, "WAITING")
    up = True
    since = office.clock.now
    office.clock.forward(minutes=10)
    await office.tell("130/1", K.SHIPPED)
    await office.work()
    assert await hook_lists.list_failures() == []
    receiver.calls.clear()
    number = int(hook[1:])
    assert await hook_lists.replay_since(number, since + timedelta(minutes=5), machine_now=office.clock.now) == 1
    await office.work()
    assert receiver.kinds() == ["SHIPPED"]
    await office.act(130, "disableWebhook", webhook=hook)
    with pytest.raises(Refused):
        await hook_lists.replay_since(number, since, machine_now=office.clock.now)
    with pytest.raises(NotThere):
        await hook_lists.replay_since(number + 10, since, machine_now=office.clock.now)
