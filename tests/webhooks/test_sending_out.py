"""The last line of defence: the number that is really connected to. And many receivers beside a dead one."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.hook_address import Where
from domain.statuses import EventKind
from tests.api.serving import Clock
from tests.webhooks.office import Office, Receiver, opened
from workers.channels.webhook import HttpSender

NOT_CALLED = "the address is private, local or reserved, and is not called"
SECRET = ["whsec_a2Vzc2FpLXRlc3Qtc2VjcmV0LTAwMDE="]


async def tried(url: str, *names: list[str], where: Where | None = None) -> tuple[str | None, list[str]]:
    """What comes of a call when the name resolves to these numbers, one list for each look; and what was looked up."""
    looked: list[str] = []
    answers = list(names)

    async def resolver(host: str, port: int) -> list[str]:
        looked.append(host)
        return answers.pop(0) if answers else [host]

    sender = HttpSender(where or Where(), Clock(), resolver=resolver, answer_seconds=2.0)
    try:
        answer = await sender.post(url, "m", b"{}", SECRET)
    finally:
        await sender.close()
    return answer.error, looked


@pytest.mark.parametrize(
    "numbers",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:7f00:1"], ["fe80::1"], ["8.8.8.8", "127.0.0.1"], []],
    ids=str,
)
async def test_a_name_that_leads_inside_is_not_called(numbers: list[str]):
    """Nothing is connected: a test that calls out would be an error of its own."""
    assert await tried("https://shop.example/hook", numbers) == (NOT_CALLED, ["shop.example"])


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://shop.example/", "https://2130706433/", "https://[::ffff:a00:1]/"])
async def test_what_was_registered_under_other_settings_is_not_called(url: str):
    assert await tried(url) == (NOT_CALLED, [])


async def test_a_name_that_is_looked_up_again_for_each_connection_and_leads_elsewhere_then():
    receiver = await Receiver().start()
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def resolver(_host: str, _port: int) -> list[str]:
        return answers.pop(0)

    where, closing = Where(allow_private=True), b"HTTP/1.1 200 X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    receiver.answer = lambda _call: closing
    sender = HttpSender(where, Clock(), resolver=resolver)
    url = f"http://shop.example:{receiver.port}/"
    first, second = await sender.post(url, "a", b"{}", SECRET), await sender.post(url, "b", b"{}", SECRET)
    assert (first.error, second.error) == (None, NOT_CALLED)
    assert receiver.calls[0].headers["host"] == f"shop.example:{receiver.port}", "the name is told, the number is called"
    await sender.close()
    await receiver.stop()


def self_signed(place: Path) -> ssl.SSLContext:
    """A server's side with a certificate that nobody has vouched for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    signed = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (place / "pem").write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "pem")
    return context


async def test_a_certificate_that_is_not_good_is_not_trusted(tmp_path: Path):
    """Something that speaks no TLS, and nobody at all, have words of their own; none tells about our network."""
    where = Where(allow_private=True)

    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert (await tried(f"https://127.0.0.1:{port}/", where=where))[0] == "no connection: no TLS"
    server.close()
    assert (await tried(f"http://127.0.0.1:{port}/", where=where))[0] == "no connection: refused"
    server = await asyncio.start_server(plain, "127.0.0.1", 0, ssl=self_signed(tmp_path))
    port = server.sockets[0].getsockname()[1]
    error = (await tried(f"https://127.0.0.1:{port}/", where=where))[0]
    server.close()
    assert error is not None
    assert error.startswith("no connection: its certificate is not good (self"), error
    context = HttpSender(where, Clock())._pool._ssl_context
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


async def test_a_thousand_deliveries_to_twenty_receivers_of_which_one_is_dead(database_url: str):
    async with opened(database_url) as office:
        await self_filled(office)


async def self_filled(office: Office) -> None:
    dead = await office.receiver(lambda _call: None)
    alive = await office.receiver()
    await office.hook(130, dead.url)
    for number in range(19):
        await office.hook(130, f"{alive.url}/{number}")
    for number in range(10):
        await office.market.contract(f"130/{number}", "A", "B", 1000)
    kinds = (EventKind.DEBITED, EventKind.SHIPPED, EventKind.FUNDED, EventKind.PAID)
    for number in range(10):
        await office.tell(f"130/{number}", *kinds)
    await office.work(steps=("look_through", "render_hook"))
    assert await office.waiting() == 20 * 50  # registered, and four more of each contract
    began, cpu = time.monotonic(), time.process_time()
    office.out.poke()
    while len(alive.calls) < 19 * 50:
        await asyncio.sleep(0.01)
        assert time.monotonic() - began < 60
    took, used = time.monotonic() - began, time.process_time() - cpu
    print(f"950 taken in {took:.2f} s, {used / 950 * 1000:.1f} ms of CPU each, the receiver's side included")  # noqa: T201
    for number in range(19):
        mine: dict[str, list[str]] = {}
        for call in alive.calls:
            if call.path == f"/hook/{number}":
                mine.setdefault(call.told["contract"]["number"], []).append(call.told["kind"])
        assert mine == {str(name): ["REGISTERED", *(kind.name for kind in kinds)] for name in range(10)}
    assert 0 < len(dead.calls) <= 10, "one of each contract at most, and never the next one"
    await cancelled(office)


async def cancelled(office: Office) -> None:
    """The process stops: the dead receiver is not waited for."""
    pump: Any = office.out._pump
    pump._running.cancel()
    await asyncio.gather(pump._running, return_exceptions=True)
