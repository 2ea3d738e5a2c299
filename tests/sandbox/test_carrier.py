"""The carrier: batches in, notices out, signed both ways."""

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook

from tests.sandbox.conftest import Maker
from tests.sandbox.worlds import OTHER_SECRET, SECRET, Sandbox, configuration

BATCH = "057312345001000018"
PATH = "/carriers/sandbox-carrier/shipment-batches"


def shipment(number: int, model: str | None = "MM100", **changes: Any) -> dict[str, Any]:
    contract = f"{57312000001000000 + number:018d}"
    return {
        "shipment_id": f"{contract}01",
        "contract_id": contract,
        "number": str(4100 + number),
        "ship_from": {"name": "C社", "postal_code": None, "address": "渋谷区恵比寿"},
        "ship_to": {"name": "D社", "postal_code": None, "address": "港区青山"},
        "goods": [{"name": "プリンタ", "model": model, "quantity": 1}],
    } | changes


def batch(*shipments: dict[str, Any], batch_id: str = BATCH) -> bytes:
    content = {"batch_id": batch_id, "site_id": "130", "instructed_on": "2000-09-25", "shipments": list(shipments)}
    return json.dumps(content, ensure_ascii=False).encode()


async def post(sandbox: Sandbox, body: bytes, key: str = BATCH, secret: str = SECRET, age: int = 0, path: str = PATH) -> httpx2.Response:
    timestamp = int(sandbox.machine()) - age
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(raw, f"{key}.{timestamp}.".encode() + body, "sha256").digest()
    headers = {
        "idempotency-key": key,
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,bm9ib2R5 v1,{base64.b64encode(digest).decode()}",
    }
    return await sandbox.http.post(path, content=body, headers=headers)


async def test_a_batch_and_its_notice(sandbox: Sandbox):
    await sandbox.clock("09-25 10:00")
    answer = await post(sandbox, batch(shipment(1), shipment(2)))
    assert answer.status_code == 201
    result = {"status": "accepted", "reason": None}
    assert answer.json() == {
        "batch_id": BATCH,
        "results": [{"shipment_id": shipment(n)["shipment_id"], **result, "tracking_number": f"90000000000{n}"} for n in (1, 2)],
    }
    assert (await sandbox.http.get(f"{PATH}/{BATCH}")).json() == answer.json()

    status = await sandbox.clock("09-28 08:59")
    assert (sandbox.api.hooks, status["next"]) == ([], "2000-09-28T09:00:00+09:00")
    status = await sandbox.clock("09-28 09:00")
    assert (len(sandbox.api.hooks), status["hooks_undelivered"]) == (1, 0)
    assert sandbox.api.events == [
        {
            "event_id": f"sc-00000{n}",
            "type": "picked_up",
            "shipment_id": shipment(n)["shipment_id"],
            "occurred_on": "2000-09-28",
            "sequence": 1,
            "tracking_number": f"90000000000{n}",
            "reason": None,
        }
        for n in (1, 2)
    ]
    known = (await sandbox.http.get("/carriers/sandbox-carrier/shipments")).json()["shipments"]
    assert [(s["number"], s["status"], s["instructed_on"]) for s in known] == [
        ("4101", "picked_up", "2000-09-25"),
        ("4102", "picked_up", "2000-09-25"),
    ]
    told = shipment(1)
    assert {key: known[0][key] for key in ("ship_from", "ship_to", "goods")} == {
        key: told[key] for key in ("ship_from", "ship_to", "goods")
    }


async def test_notices_are_signed_as_others_sign(sandbox: Sandbox):
    """Our signature is the one that the standard's own package makes."""
    await post(sandbox, batch(shipment(1)))
    await sandbox.clock("09-23 09:00")
    hook = sandbox.api.hooks[0]
    message_id, timestamp = hook["headers"]["webhook-id"], int(hook["headers"]["webhook-timestamp"])
    assert timestamp == int(sandbox.machine())  # the machine's clock, not the year 2000
    expected = Webhook(OTHER_SECRET).sign(message_id, datetime.fromtimestamp(timestamp, UTC), hook["raw"].decode())
    assert hook["headers"]["webhook-signature"] == expected


@pytest.mark.parametrize("secret, age, status", [(SECRET, 0, 201), (SECRET, 299, 201), (OTHER_SECRET, 0, 401), (SECRET, 301, 401)])
async def test_who_may_instruct(sandbox: Sandbox, secret: str, age: int, status: int):
    assert (await post(sandbox, batch(shipment(1)), secret=secret, age=age)).status_code == status


async def test_an_unsigned_instruction(sandbox: Sandbox):
    assert (await sandbox.http.post(PATH, content=batch(shipment(1)))).status_code == 401


@pytest.mark.parametrize("kind, status, body", [("deduplicating", 200, None), ("plain", 409, {"code": "DUPLICATE"})])
async def test_the_same_batch_again(make_sandbox: Maker, kind: str, status: int, body: dict[str, str] | None):
    config = configuration()
    config["carriers"][0]["kind"] = kind
    sandbox = await make_sandbox(config)
    first = await post(sandbox, batch(shipment(1)))
    again = await post(sandbox, batch(shipment(1)))
    assert (again.status_code, again.json()) == (status, body or first.json())
    other = await post(sandbox, batch(shipment(2)))
    assert (other.status_code, other.json()) == (409, {"code": "KEY_REUSED"})
    assert (await sandbox.http.get(f"{PATH}/{BATCH}")).json() == first.json()
    await sandbox.clock("09-30 09:00")
    assert len(sandbox.api.events) == 1


async def test_a_known_shipment_in_another_batch(sandbox: Sandbox):
    await post(sandbox, batch(shipment(1)))
    answer = await post(sandbox, batch(shipment(1), shipment(2), batch_id="b2"), key="b2")
    assert [r["status"] for r in answer.json()["results"]] == ["rejected", "accepted"]
    await sandbox.clock("09-30 09:00")
    assert [e["shipment_id"] for e in sandbox.api.events] == [shipment(n)["shipment_id"] for n in (1, 2)]


@pytest.mark.parametrize(
    "body, paths",
    [
        (b"{", [""]),
        (b"[]", [""]),
        (batch(), ["shipments"]),
        (batch(*[shipment(n) for n in range(1001)]), ["shipments"]),
        (batch(shipment(1), batch_id="other"), ["batch_id"]),
        (batch(shipment(1), shipment(2, goods=[])), ["shipments[1].goods"]),
        (batch(shipment(1, ship_to=None, shipment_id=5)), ["shipments[0].shipment_id", "shipments[0].ship_to"]),
    ],
)
async def test_the_whole_call_is_refused(sandbox: Sandbox, body: bytes, paths: list[str]):
    answer = await post(sandbox, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID")
    assert [e["path"] for e in answer.json()["errors"]] == paths
    assert (await sandbox.http.get(f"{PATH}/{BATCH}")).status_code == 404


@pytest.mark.parametrize(
    "model, story",
    [
        ("MM100", ["09-23 picked_up 1"]),
        (None, ["09-23 picked_up 1"]),
        ("EXPRESS", ["09-22 picked_up 1"]),
        ("SILENT", []),
        ("REJECT_LATER", ["09-21 rejected 1"]),
        ("CANCELLED", ["09-21 cancelled 1"]),
        ("DELIVERS", ["09-23 picked_up 1", "09-24 delivered 2"]),
        ("NOTICES", ["09-20 accepted 1", "09-23 picked_up 2", "09-23 in_transit 3", "09-24 delivered 4"]),
        ("RETURNED", ["09-23 picked_up 1", "09-25 returned 2"]),
        ("LOST", ["09-23 picked_up 1", "09-25 lost 2"]),
        ("LOST_BEFORE", ["09-23 lost 1"]),
        ("TWICE", ["09-23 picked_up 1", "09-23 picked_up 1"]),
        ("DISORDER", ["09-23 in_transit 2", "09-23 picked_up 1"]),
        ("SKIPS", ["09-24 delivered 3"]),
    ],
)
async def test_models(sandbox: Sandbox, model: str, story: list[str]):
    assert (await post(sandbox, batch(shipment(1, model)))).json()["results"][0]["status"] == "accepted"
    await sandbox.clock("09-30 09:00")
    assert [f"{e['occurred_on'][5:]} {e['type']} {e['sequence']}" for e in sandbox.api.events] == story
    if model == "TWICE":
        first, second = sandbox.api.hooks
        assert first["events"] == second["events"]
        assert first["headers"]["webhook-id"] != second["headers"]["webhook-id"]


async def test_rejected_at_once(sandbox: Sandbox):
    answer = await post(sandbox, batch(shipment(1, "REJECT"), shipment(2)))
    result = answer.json()["results"][0]
    assert (result["status"], result["tracking_number"]) == ("rejected", None)
    assert result["reason"]
    await sandbox.clock("09-30 09:00")
    assert [e["shipment_id"] for e in sandbox.api.events] == [shipment(2)["shipment_id"]]


async def test_models_can_be_named_in_the_configuration(make_sandbox: Maker):
    config = configuration()
    config["carriers"][0]["models"] = {"MM100": "LOST"}
    sandbox = await make_sandbox(config)
    await post(sandbox, batch(shipment(1)))
    await sandbox.clock("09-30 09:00")
    assert [e["type"] for e in sandbox.api.events] == ["picked_up", "lost"]


async def test_at_most_a_thousand_events_in_a_message(sandbox: Sandbox):
    for start in (0, 900):
        await post(sandbox, batch(*(shipment(start + n) for n in range(900)), batch_id=f"b{start}"), key=f"b{start}")
    await sandbox.clock("09-23 09:00")
    assert [len(hook["events"]) for hook in sandbox.api.hooks] == [1000, 800]
    assert len({e["event_id"] for e in sandbox.api.events}) == 1800


async def test_notices_wait_until_they_are_taken(sandbox: Sandbox):
    await post(sandbox, batch(shipment(1)))
    sandbox.api.away = 2
    status = await sandbox.clock("09-23 09:00")
    assert (status["hooks_undelivered"], status["idle"]) == (1, False)
    await sandbox.world.retry_hooks()  # the machine's clock has not moved: not yet
    assert sandbox.api.away == 1
    sandbox.machine.seconds += 1
    await sandbox.world.retry_hooks()
    assert (sandbox.api.away, sandbox.api.hooks) == (0, [])
    sandbox.machine.seconds += 0.5
    await sandbox.world.retry_hooks()
    assert sandbox.api.hooks == []
    sandbox.machine.seconds += 1
    await sandbox.world.retry_hooks()
    status = await sandbox.settle()
    assert (len(sandbox.api.hooks), status["hooks_undelivered"], status["idle"]) == (1, 0, True)


@pytest.mark.parametrize("answer, status, known", [("busy", 503, False), ("error_before", 500, False), ("error_after", 500, True)])
async def test_a_carrier_in_trouble(sandbox: Sandbox, answer: str, status: int, known: bool):
    rule = {"action": {"answer": answer}, "times": 1}
    assert (await sandbox.http.post("/carriers/sandbox-carrier/rules", json=rule)).status_code == 201
    first = await post(sandbox, batch(shipment(1)))
    assert first.status_code == status
    assert ("retry-after" in first.headers) == (answer == "busy")
    assert ((await sandbox.http.get(f"{PATH}/{BATCH}")).status_code == 200) == known
    assert (await post(sandbox, batch(shipment(1)))).status_code == (200 if known else 201)
    await sandbox.clock("09-30 09:00")
    assert len(sandbox.api.events) == 1


async def test_strangers_to_the_sandbox(sandbox: Sandbox):
    for path in ("/carriers/nobody/shipments", "/banks/9998/book", f"/carriers/nobody/shipment-batches/{BATCH}"):
        assert (await sandbox.http.get(path)).status_code == 404


async def stop(sandbox: Sandbox, number: int, reason: str = "x", **how: Any) -> tuple[int, Any]:
    shipment_id = shipment(number)["shipment_id"]
    path = f"/carriers/sandbox-carrier/shipments/{shipment_id}/stop"
    body = json.dumps({"shipment_id": shipment_id, "reason": reason}).encode()
    answer = await post(sandbox, body, f"stop-{shipment_id}", path=path, **how)
    return answer.status_code, answer.json()


async def test_a_shipment_is_stopped(sandbox: Sandbox):
    """Once: what is stopped stays, is told at once as `cancelled`, and its plan is over; what has left is too late."""
    await sandbox.clock("09-25 10:00")
    await post(sandbox, batch(shipment(1), shipment(2, "HURRIED"), shipment(3, "REJECT"), shipment(4)))
    assert await stop(sandbox, 9) == (404, {"code": "UNKNOWN_SHIPMENT"})
    assert (await stop(sandbox, 1, secret=OTHER_SECRET))[0] == 401
    for _ in range(2):
        stopped = {n: (await stop(sandbox, n))[1]["status"] for n in (1, 2, 3)}
        assert stopped == {1: "stopped", 2: "too_late", 3: "stopped"}
    assert [(e["type"], e["shipment_id"], e["reason"]) for e in sandbox.api.events] == [("cancelled", shipment(1)["shipment_id"], "x")]
    await sandbox.clock("09-28 09:00")
    assert [e["type"] for e in sandbox.api.events] == ["cancelled", "picked_up", "picked_up"]
    assert (await stop(sandbox, 4))[1]["status"] == "too_late"
    rule = {"action": {"stop_answer": "maybe"}}
    assert (await sandbox.http.post("/carriers/sandbox-carrier/rules", json=rule)).status_code == 422


async def test_somebody_at_the_carrier_cancels(sandbox: Sandbox):
    """Told as `cancelled`, like a request by call."""
    await post(sandbox, batch(shipment(1)))
    path = f"/carriers/sandbox-carrier/shipments/{shipment(1)['shipment_id']}/cancel"
    assert (await sandbox.http.post(path, json={"reason": "by phone"})).json()["status"] == "cancelled"
    await sandbox.clock("09-30 09:00")
    assert [(e["type"], e["reason"]) for e in sandbox.api.events] == [("cancelled", "by phone")]
