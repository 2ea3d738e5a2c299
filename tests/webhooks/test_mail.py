"""Mail [0038], handed to a real SMTP server: confirmed first, in the reader's language, once for each event, and not too much of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.statuses import EventKind
from domain.store.connection import transaction
from kessai.embedded import Engines
from tests.conftest import a_database
from tests.webhooks.office import Office, cleared, opened
from tests.webhooks.postoffice import PostOffice
from workers.channels.mail import BadMailServer, MailServer, SmtpPost, message_of

K = EventKind
FIELDS = "__typename ... on NotificationsSet { notifications { email confirmed kinds language } } ... on Problem { code path message }"
SET = f"mutation ($input: SetNotificationsInput!) {{ setNotifications(input: $input) {{ {FIELDS} }} }}"
CONFIRM = f"mutation ($code: String!) {{ confirmNotifications(input: {{ code: $code }}) {{ {FIELDS} }} }}"
ALL = ["SHIPPED", "DEBIT_FAILED", "PAID", "WEBHOOK_DISABLED"]


@pytest.fixture(scope="module")
async def house(engines: Engines, template_database: str) -> AsyncIterator[Office]:
    async with a_database(engines, template_database) as url, opened(url) as made:
        yield made


@pytest.fixture
async def office(house: Office) -> AsyncIterator[tuple[Office, PostOffice]]:
    made = await cleared(house)
    post = await PostOffice().start()
    server = MailServer.of_url(f"smtp://127.0.0.1:{post.port}?security=none", "kessai@kessai.example")
    made.out.mail = SmtpPost(server, made.clock)
    await made.market.contract("130/1", "A", "B", 30_000, tracking_number="T-1\r\nBcc: x@x.example", shipped_on="09-26")
    yield made, post
    await post.stop()


async def wish(office: Office, who: str | int, email: str, kinds: list[str] | None = None, language: str = "EN") -> Any:
    given = {"email": email, "kinds": ALL if kinds is None else kinds, "language": language}
    return (await office.run(who, SET, {"input": given}))["setNotifications"]


def code_in(post: PostOffice) -> str:
    text = str(post.letters[-1][1].get_content())
    return next(word for word in text.split() if word.isdigit() and len(word) == 8)


async def confirmed(office: Office, post: PostOffice, who: str | int, email: str, **more: Any) -> None:
    await wish(office, who, email, **more)
    await office.work()
    answer = (await office.run(who, CONFIRM, {"code": code_in(post)}))["confirmNotifications"]
    assert answer["notifications"]["confirmed"] is True
    post.letters.clear()


async def test_an_address_is_confirmed_before_anything_goes_there(office: tuple[Office, PostOffice]):
    house, post = office
    answer = await wish(house, "A", "a-sha@shop.example", language="JA")
    assert answer == {
        "__typename": "NotificationsSet",
        "notifications": {"email": "a-sha@shop.example", "confirmed": False, "kinds": ALL, "language": "JA"},
    }
    await house.tell("130/1", K.SHIPPED)
    await house.work()
    ((to, letter, _),) = post.letters
    assert (to, letter["Subject"]) == ("a-sha@shop.example", "メールアドレスの確認コード")
    assert (await wish(house, "A", "b@shop.example"))["code"] == "TOO_MANY", "one code a minute"
    for stranger in ("B", 130, 320):
        assert (await house.run(stranger, CONFIRM, {"code": code_in(post)}))["confirmNotifications"]["code"] == "CODE_WRONG"
        assert (await house.run(stranger, "{ notifications { email } }"))["notifications"] is None
    assert (await house.run("A", CONFIRM, {"code": "00000000"}))["confirmNotifications"]["path"] == ["code"]
    answer = (await house.run("A", CONFIRM, {"code": code_in(post)}))["confirmNotifications"]
    assert answer["notifications"]["confirmed"] is True
    async with transaction() as tx:
        assert await tx.value("select count(*) from hook_delivery where body is not null") == 0, "the code is forgotten"
    house.clock.forward(minutes=2)
    assert (await house.run("A", "{ notifications { email confirmed } }"))["notifications"] == {
        "email": "a-sha@shop.example",
        "confirmed": True,
    }
    assert (await wish(house, "A", "other@shop.example"))["notifications"]["confirmed"] is False, "another address begins anew"


async def test_five_wrong_codes_are_enough(office: tuple[Office, PostOffice]):
    house, post = office
    await wish(house, "A", "a@shop.example")
    await house.work()
    for _ in range(5):
        assert (await house.run("A", CONFIRM, {"code": "11111111"}))["confirmNotifications"]["code"] == "CODE_WRONG"
    assert (await house.run("A", CONFIRM, {"code": code_in(post)}))["confirmNotifications"]["code"] == "CODE_WRONG"


async def test_letters_in_both_languages_by_rights_once_for_each_event(office: tuple[Office, PostOffice]):
    house, post = office
    await confirmed(house, post, "A", "seller@shop.example", language="JA")
    await confirmed(house, post, "B", "buyer@shop.example")
    await confirmed(house, post, 130, "site@market.example", kinds=["PAID"])
    async with transaction() as tx:
        await tx.run("update contract_state set debit = 5, failure = 1, failed_on = '2000-09-24' where home = 1")
    await house.tell("130/1", K.DEBIT_FAILED, K.DEBITED, K.SHIPPED, K.PAID)
    await house.work()
    got: dict[str, list[str]] = {}
    for to, letter, _ in post.letters:
        got.setdefault(to, []).append(letter["Subject"])
    assert got == {
        "seller@shop.example": ["振替不能: 市場130 1", "発送済み: 市場130 1", "清算完了: 市場130 1"],
        "buyer@shop.example": ["Debit failed: 市場130 1", "Shipped: 市場130 1"],
        "site@market.example": ["Paid: 市場130 1"],
    }
    failed = next(letter for to, letter, _ in post.letters if to.startswith("seller")).get_content()
    assert "資金不足" in failed
    assert "契約ID: 0" in failed
    shipped = next(letter for to, letter, _ in post.letters if to.startswith("buyer") and "Shipped" in letter["Subject"])
    assert "Tracking number: T-1 Bcc: x@x.example" in shipped.get_content(), "a line break of somebody's is none in a letter"
    assert shipped["Bcc"] is None
    assert shipped["Auto-Submitted"] == "auto-generated"
    assert len({letter["Message-ID"] for _, letter, _ in post.letters}) == len(post.letters)
    await house.work()
    assert len(post.letters) == 6


async def test_a_mail_server_that_is_away_is_waited_for_and_one_that_refuses_is_not(office: tuple[Office, PostOffice]):
    house, post = office
    await confirmed(house, post, "A", "a@shop.example")
    post.refuse["DATA"] = "451 later"
    await house.tell("130/1", K.SHIPPED)
    await house.work()
    post.refuse.clear()
    house.clock.forward(seconds=6)
    await house.work()
    assert len(post.letters) == 1
    post.refuse["RCPT"] = "550 nobody"
    await house.tell("130/1", K.PAID)
    await house.work()
    async with transaction() as tx:
        assert await tx.value("select note from hook_delivery where status = 2") == "the address was refused with 550"


async def test_so_many_in_an_hour_and_the_others_wait(office: tuple[Office, PostOffice], monkeypatch: pytest.MonkeyPatch):
    house, post = office
    monkeypatch.setattr("domain.store.hook_sending.MOST_MAILS", 3)
    await confirmed(house, post, "A", "a@shop.example")
    house.clock.forward(hours=2)
    await house.tell("130/1", *[K.SHIPPED] * 5)
    await house.work()
    assert len(post.letters) == 3
    house.clock.forward(minutes=59)
    await house.work()
    assert len(post.letters) == 3
    house.clock.forward(minutes=2)
    await house.work()
    assert len(post.letters) == 5


async def test_the_owner_is_told_when_a_webhook_is_disabled(office: tuple[Office, PostOffice]):
    house, post = office
    await confirmed(house, post, "A", "a@shop.example", kinds=["WEBHOOK_DISABLED"])
    receiver = await house.receiver(lambda _call: 410)
    hook, _ = await house.hook("A", receiver.url)
    await house.tell("130/1", K.SHIPPED)
    await house.work()
    ((_, letter, _),) = post.letters
    assert letter["Subject"] == "A webhook was disabled"
    assert f"Webhook {hook} was disabled: its receiver answered 410 Gone." in letter.get_content()


async def test_paid_needs_the_right_to_see_it_and_odd_addresses_are_refused(office: tuple[Office, PostOffice]):
    house, _ = office
    headers = {"authorization": await house.bearer("A", "contracts:read")}
    body = {"query": SET, "variables": {"input": {"email": "a@shop.example", "kinds": ["PAID"]}}}
    answer = (await house.http.post("/graphql", json=body, headers=headers)).json()
    assert answer["errors"][0]["extensions"]["wanted"] == "settlements:read"
    for email in (
        "",
        "a",
        "a@b",
        "a@b.c\r\nBcc: x@y.zz",
        "a b@shop.example",
        "<a@shop.example>",
        "a@shop.example, b@shop.example",
        "x" * 250 + "@b.cc",
    ):
        assert (await wish(house, "A", email))["code"] == "INPUT_INVALID", email


def test_no_other_header_gets_in():
    from tests.store.trading import MACHINE

    message = message_of("k@k.example", "a@b.example", "a\r\nBcc: x@y.example", "text", "e1-w2", "en", MACHINE)
    assert message["Bcc"] is None
    assert message["Subject"] == "a Bcc: x@y.example"
    with pytest.raises(ValueError, match="no mail address"):
        message_of("k@k.example", "a@b.example\r\nBcc: x@y.example", "s", "text", "e1-w2", "en", MACHINE)


@pytest.mark.parametrize(
    "url, sender",
    [
        ("http://h", "k@k.example"),
        ("smtp://", "k@k.example"),
        ("smtp://h:x", "k@k.example"),
        ("smtp://h?security=maybe", "k@k.example"),
        ("smtp://u:hidden@h?security=none", "k@k.example"),
        ("smtps://h", "nobody"),
    ],
)
def test_mail_servers_that_cannot_be_meant(url: str, sender: str):
    with pytest.raises(BadMailServer) as refused:
        MailServer.of_url(url, sender)
    assert "hidden" not in str(refused.value)


def test_mail_servers():
    assert MailServer.of_url("smtps://u%40x:p%2F@h", "k@k.example") == MailServer("h", 465, "tls", "u@x", "p/", "k@k.example")
    starttls = MailServer.of_url("smtp://u:hidden@h", "k@k.example")
    assert (starttls.port, starttls.security) == (587, "starttls")
    assert "hidden" not in repr(starttls)
