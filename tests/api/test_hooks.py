"""Carriers' notices: stored raw before the answer, once, and only from who it says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from domain import signing
from domain.store.connection import reading, transaction
from tests.api.serving import Served, serving
from tests.store.trading import NOW, SECRET

BODY = json.dumps({"events": []}).encode()
OTHER = signing.SECRET_PREFIX + "b3RoZXItc2VjcmV0"


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


async def hook(
    api: Served, body: bytes = BODY, *, carrier: str = "sbx", name: str = "m1", secret: str = SECRET, late: int = 0, **headers: str
) -> Any:
    signed = signing.sign([secret], name, api.clock.now - timedelta(seconds=late), body)
    return await api.http.post(f"/hooks/carriers/{carrier}", content=body, headers={**signed, **headers})


async def stored() -> list[Any]:
    async with reading() as tx:
        return await tx.rows("select r.*, b.body from reply r join reply_body b using (reply_id) order by reply_id")


async def messages() -> int:
    async with reading() as tx:
        return int(await tx.value("select count(*) from outbox where actor = 'read_reply'"))


async def test_a_notice_is_stored_raw_and_left_for_a_worker(api: Served):
    assert (await hook(api)).status_code == 202
    (row,) = await stored()
    assert (row["channel"], row["name"], row["kind"], row["status"], row["body"], row["at"]) == (
        "carrier:sbx",
        "m1",
        "notices",
        0,
        BODY,
        NOW,
    )
    assert await messages() == 1
    assert (await hook(api)).status_code == 202, "a repeat is welcome"
    assert len(await stored()) == 1
    assert await messages() == 1


async def test_the_same_id_over_other_bytes_is_held(api: Served):
    await hook(api)
    for _ in range(2):
        replay = await hook(api, b'{"events": [1]}')
        assert (replay.status_code, replay.json()["code"]) == (409, "ID_REUSED")
    assert [row["status"] for row in await stored()] == [0, 3]
    assert await messages() == 1
    assert (await hook(api)).status_code == 202, "the first bytes stay good"


@pytest.mark.parametrize(
    "change, status",
    [
        ({"secret": OTHER}, 401),
        ({"late": 301}, 401),
        ({"late": -301}, 401),
        ({"webhook-id": "m2"}, 401),
        ({"webhook-signature": ""}, 401),
        ({"carrier": "nobody"}, 404),
        ({"carrier": "nobody", "secret": "whsec_" + "A" * 43 + "="}, 404),
        ({"name": "x" * 201}, 400),
        ({"body": b"x" * 1_000_001}, 413),
        ({"content-encoding": "gzip"}, 415),
    ],
)
async def test_what_is_not_stored(api: Served, change: dict[str, Any], status: int):
    answer = await hook(api, **change)
    assert answer.status_code == status
    assert await stored() == []
    assert await messages() == 0


async def test_a_call_without_signature_is_refused(api: Served):
    assert (await api.http.post("/hooks/carriers/sbx", content=BODY)).status_code == 401


async def test_while_a_secret_is_changed_both_are_good(api: Served):
    from domain.store.connection import transaction

    async with transaction() as tx:
        await tx.run("update carrier set secret = $1", f"{OTHER} {SECRET}")
    assert (await hook(api, name="old")).status_code == 202
    assert (await hook(api, name="new", secret=OTHER)).status_code == 202


# -- banks that are called ---------------------------------------------------------------------------------------------------------

BANK_SECRET = signing.SECRET_PREFIX + "QUJD" * 12


async def bank_hook(api: Served, name: str, body: bytes = b"{}", *, bank: str = "9991", secret: str = BANK_SECRET) -> Any:
    return await api.http.post(f"/hooks/banks/{bank}", content=body, headers=signing.sign([secret], name, api.clock.now, body))


async def call_bank_9991() -> None:
    async with transaction() as tx:
        await tx.run(
            "update bank set connector = 'http', format = 'json', address = $1 where bank_code = '9991'",
            json.dumps({"url": "http://127.0.0.1:9", "secret": f"{OTHER} {BANK_SECRET}"}),
        )


@pytest.mark.parametrize(
    "name, kind, status",
    [
        ("057312345001000018.receipt", "receipt", 0),
        ("057312345001000018.receipt.2", "receipt", 0),
        ("057312345001000018.result", "result", 0),
        ("03_999110119130001_20000924_001", "statement", 0),
        ("something else", "other", 3),
    ],
)
async def test_a_banks_message_is_stored_as_what_its_id_says(api: Served, name: str, kind: str, status: int):
    await call_bank_9991()
    assert (await bank_hook(api, name)).status_code == 202
    assert (await bank_hook(api, name)).status_code == 202, "a repeat is welcome"
    (row,) = await stored()
    assert (row["channel"], row["name"], row["kind"], row["status"]) == ("bank:9991", name, kind, status)
    assert (await bank_hook(api, name, b"[]")).status_code == 409


async def test_only_a_bank_that_is_called_has_a_hook(api: Served):
    await call_bank_9991()
    name = "057312345001000018.receipt"
    assert (await bank_hook(api, name, secret=SECRET)).status_code == 401
    assert (await bank_hook(api, name, bank="9990")).status_code == 404, "it is given files"
    assert (await bank_hook(api, name, bank="9998")).status_code == 404
    assert (await bank_hook(api, name, secret=OTHER)).status_code == 202, "two secrets stand side by side while one is changed"
    assert len(await stored()) == 1
