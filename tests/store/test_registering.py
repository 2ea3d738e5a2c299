"""Registration against a real database: once for ever, all or nothing where asked, and the same answer to everybody at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from domain.calendar import JST
from domain.problems import InputProblem, ProblemCode
from domain.routing import Consignment
from domain.statuses import DeliverWhen, Kind, Mode, Release
from domain.store import administration as admin
from domain.store import mandates, registering, routes, site_rules
from domain.store.connection import Tx, reading, transaction
from domain.store.registering import Conflict, OnProblem, Refused, Registered, Withheld
from tests.store.trading import NOW, Trading, contract, party

TABLES = ("contract_number", "contract", "delivery_record", "contract_state", "event", "work", "stream")


@pytest.fixture
async def market(store: Any) -> Trading:
    return await Trading().build()


async def counts() -> dict[str, int]:
    async with reading() as tx:
        return {table: await tx.value(f"select count(*) from {table}") for table in TABLES}


async def one(sql: str, *args: Any) -> dict[str, Any]:
    async with reading() as tx:
        row = await tx.row(sql, *args)
    assert row is not None
    return dict(row)


async def changed(sql: str, *args: Any) -> None:
    async with transaction() as tx:
        await tx.run(sql, *args)
    site_rules.forget()


def registered(outcome: object) -> Registered:
    assert isinstance(outcome, Registered), outcome
    return outcome


def problems(outcome: object) -> list[tuple[ProblemCode, str]]:
    assert isinstance(outcome, Refused), outcome
    return [(problem.code, ".".join(problem.path)) for problem in outcome.problems]


# ── what is written ──────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_registration_is_stored_whole(market: Trading):
    answer = registered((await market.register(contract("4101")))[0])
    assert answer == Registered(answer.contract_id, False, datetime(2000, 9, 20, 11, tzinfo=JST), date(2000, 9, 24))
    row = await one("select * from contract where home = 1 and contract_id = $1", answer.contract_id)
    expected = {
        "number": "4101",
        "amount": 30_000,
        "due_on": None,
        "debit_on": date(2000, 9, 24),
        "mode": Mode.ESCROW,
        "release": Release.ON_SHIPMENT,
        "registered_at": NOW,
        "planned_debited_on": date(2000, 9, 24),
        "planned_delivery_on": date(2000, 9, 24),
        "planned_shipped_on": date(2000, 9, 27),
        "planned_settled_on": date(2000, 9, 28),
    }
    assert {key: row[key] for key in expected} == expected
    state = await one("select * from contract_state where home = 1 and contract_id = $1", answer.contract_id)
    assert (state["debit"], state["delivery"], state["payout"], state["event_count"]) == (0, 0, 0, 1)
    assert (state["gross"], state["net"], state["held"], state["deliver_when"]) == (30_000, 30_000, 0, DeliverWhen.ON_DEBITED)
    mandate = await one("select account_number from mandate where home = 1 and mandate_id = $1", state["mandate_id"])
    assert mandate["account_number"] == "9100001"
    record = await one("select * from delivery_record where home = 1 and contract_id = $1", answer.contract_id)
    assert (record["seller_name"], record["buyer_name"], record["buyer_address"]) == ("s社", "b1社", "港区青山")
    event = await one("select * from event where home = 1 and contract_id = $1", answer.contract_id)
    assert (event["no"], event["kind"], event["at"], event["happened_on"]) == (1, 1, NOW, date(2000, 9, 20))
    told = await one("select * from stream where home = 1")
    assert (told["site_id"], told["kind"], told["contract_ids"], told["nos"]) == (130, 1, [answer.contract_id], [1])
    waits = await one("select b.* from work w join batch b using (home, batch_id) where w.contract_id = $1", answer.contract_id)
    assert (waits["kind"], waits["bank_code"], waits["value_on"], waits["status"]) == (Kind.DEBIT, "9991", date(2000, 9, 24), 0)
    async with reading() as tx:
        assert await tx.value("select count(*) from posting") == 0, "no money has moved"


async def test_contracts_of_one_account_and_date_wait_in_one_batch(market: Trading):
    await market.register(*(contract(str(n), buyer=n % 3 + 1) for n in range(7)))
    async with reading() as tx:
        rows = await tx.rows("select count(*) as n from work group by batch_id")
    assert [row["n"] for row in rows] == [7]


# ── once, for ever (S37, I13) ────────────────────────────────────────────────────────────────────────────────────────
async def test_the_same_content_again_is_the_same_contract(market: Trading):
    first = registered((await market.register(contract("1")))[0])
    before = await counts()
    assert await market.register(contract("1")) == [replace(first, already=True)]
    await changed("update batch set closed_at = seal_at")
    market.now += timedelta(days=900)  # its date is long past, and the contract is the same all the same
    assert await market.register(contract("1")) == [replace(first, already=True, next_sealing_at=None)]
    assert await counts() == before


async def test_other_content_is_a_conflict_that_names_what_differs(market: Trading):
    first = registered((await market.register(contract("1")))[0])
    other = contract("1", amount=31_000, dueOn="2000-10-10", buyer=2)
    before = await counts()
    outcome = (await market.register(other))[0]
    assert isinstance(outcome, Conflict)
    assert outcome.contract_id == first.contract_id
    assert {".".join(path) for path in outcome.differing} == {"amount", "dueOn", "buyer.code", "buyer.name", *BUYER_2}
    assert await counts() == before


BUYER_2 = {"buyer.account.number", "buyer.account.holder"}


async def test_numbers_of_two_sites_are_two_numbers(market: Trading):
    a, b = registered((await market.register(contract("1")))[0]), registered((await market.register(contract("1"), site=320))[0])
    assert a.contract_id // 1_000_000 % 1000 == 1
    assert b.contract_id // 1_000_000 % 1000 == 2


async def test_a_number_twice_in_one_call(market: Trading):
    first, again, other = await market.register(contract("1"), contract("1"), contract("1", amount=5))
    assert again == replace(registered(first), already=True)
    assert other == Conflict(registered(first).contract_id, (("amount",),))
    assert (await counts())["contract"] == 1


async def test_a_refused_contract_leaves_its_number_to_the_next_one(market: Trading):
    refused, good = await market.register(contract("1", buyer=99), contract("1"))
    assert problems(refused) == [(ProblemCode.NO_MANDATE, "buyer.account")]
    assert registered(good).already is False


async def test_fifty_at_once_get_one_contract_and_equal_answers(market: Trading):
    answers = [registered(answer[0]) for answer in await asyncio.gather(*(market.register(contract("1")) for _ in range(50)))]
    assert sum(not answer.already for answer in answers) == 1
    assert len({replace(answer, already=True) for answer in answers}) == 1
    assert await counts() == {**dict.fromkeys(TABLES, 1)}


async def test_two_contents_at_once_have_one_winner(market: Trading):
    async def call(amount: int) -> list[registering.Outcome]:
        return await market.register(contract("shared", amount=amount), contract(f"own-{amount}"), on_problem=OnProblem.REGISTER_NONE)

    answers = await asyncio.gather(*(call(amount) for amount in range(1, 9)))
    winners = [answer for answer in answers if isinstance(answer[0], Registered)]
    losers = [answer for answer in answers if isinstance(answer[0], Conflict)]
    assert (len(winners), len(losers)) == (1, 7)
    assert all(isinstance(answer[1], Withheld) for answer in losers)
    assert (await counts())["contract"] == 2, "a loser leaves nothing behind, its own contract neither"


async def waiting(other: asyncpg.Connection, count: int) -> None:
    """Until so many statements of this database wait for a lock."""
    sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while await other.fetchval(sql) < count:
            await other.execute("select pg_stat_clear_snapshot()")  # a transaction sees one picture of the others


NUMBER_HELD = "insert into contract_number values (1, 130, 'm', 1, '')"
PARTY_HELD = "insert into party(home, site_id, party_id, code, name, address) values (1, 130, 1, 'm', 'm', 'm')"


@pytest.mark.parametrize("held, numbers", [(NUMBER_HELD, "amz"), (PARTY_HELD, "123")], ids=["numbers", "parties"])
async def test_calls_that_cross_do_not_lock_each_other_out(market: Trading, database_url: str, held: str, numbers: str):
    await market.register(contract("before"))  # its batch is there: nobody waits for that
    raws = [contract(number, seller=party(code, "9990", "9000001")) for number, code in zip(numbers, "amz", strict=True)]
    others = raws if held is NUMBER_HELD else [{**raw, "number": f"other-{raw['number']}"} for raw in raws]
    calls = []
    other = await asyncpg.connect(database_url)
    holding = other.transaction()
    await holding.start()
    await other.execute(held)
    for count, call in enumerate((raws, list(reversed(others))), 1):
        calls.append(asyncio.create_task(market.register(*call)))
        await waiting(other, count)
    await holding.rollback()
    await other.close()
    outcomes = [outcome for call in calls for outcome in await call]
    assert all(isinstance(outcome, Registered) for outcome in outcomes)


async def test_a_later_file_for_the_same_date_is_not_the_one_of_an_earlier_contract(market: Trading):
    await changed("update bank set files_per_debit_date = 2")
    first = registered((await market.register(contract("1")))[0])
    await changed("update batch set closed_at = seal_at")
    await changed("update contract_state set debit = 1")
    second = registered((await market.register(contract("2")))[0])
    assert second.debit_on == first.debit_on
    again = await market.register(contract("1"), contract("2"))
    assert [registered(outcome).next_sealing_at for outcome in again] == [None, second.next_sealing_at]


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "more, expected",
    [
        ({"buyer": party("b", "9991", "9199999")}, [(ProblemCode.NO_MANDATE, "buyer.account")]),
        ({"buyer": party("b", "9993", "9100001")}, [(ProblemCode.NOT_ROUTABLE, "buyer.account.bankCode")]),
        ({"terms": {"mode": "DIRECT"}}, [(ProblemCode.DIRECT_NOT_POSSIBLE, "terms.mode")]),
        ({"terms": {"deliveryTrigger": "AFTER_SETTLEMENT"}}, [(ProblemCode.TERMS_DEADLOCK, "terms.deliveryTrigger")]),
        ({"dueOn": "2000-09-19"}, [(ProblemCode.DATE_NOT_POSSIBLE, "dueOn")]),
        ({"siteId": "320"}, [(ProblemCode.INPUT_INVALID, "siteId")]),
        (
            {"siteId": "320", "dueOn": "2000-09-19", "buyer": party("b", "9991", "9199999")},
            [(ProblemCode.INPUT_INVALID, "siteId"), (ProblemCode.NO_MANDATE, "buyer.account"), (ProblemCode.DATE_NOT_POSSIBLE, "dueOn")],
        ),
    ],
)
async def test_what_the_site_cannot_have_settled_is_refused_at_once(market: Trading, more: dict[str, Any], expected: list[Any]):
    outcomes = await market.register(contract("bad", **more), contract("good"))
    assert problems(outcomes[0]) == expected
    assert registered(outcomes[1]).already is False
    assert (await counts())["contract_number"] == 1


async def test_the_limit_of_a_mandate_counts_the_buyers_fee(market: Trading):
    await admin.set_fees(admin.Fees(130, date(2000, 1, 1), buyer_fixed=100, seller_fixed=50))
    limited = mandates.Consent("9991", "101", 1, "9100001", "書面2", limit=30_000)
    await mandates.add_mandates(130, [limited], now=market.now, machine_now=market.machine_now)
    site_rules.forget()
    assert problems((await market.register(contract("1")))[0]) == [(ProblemCode.NO_MANDATE, "buyer.account")]
    answer = registered((await market.register(contract("1", amount=29_900)))[0])
    state = await one("select gross, net from contract_state where contract_id = $1", answer.contract_id)
    assert state == {"gross": 30_000, "net": 29_850}


async def test_a_stopped_mandate_is_none(market: Trading):
    await mandates.stop_mandates(130, "9991", "101", 1, "9100001", because="payer", now=market.now)
    assert problems((await market.register(contract("1")))[0]) == [(ProblemCode.NO_MANDATE, "buyer.account")]


async def test_refusals_from_before_keep_their_place(market: Trading):
    from tests.store.trading import normal

    fault = InputProblem(ProblemCode.REQUIRED, "x", "x", ("number",))
    items: list[registering.Item] = [[fault], normal(contract("1")), [fault]]
    outcomes = await registering.register(130, items, now=market.now, machine_now=market.machine_now)
    assert [type(outcome) for outcome in outcomes] == [Refused, Registered, Refused]


async def test_register_none_stores_nothing_when_something_is_refused(market: Trading):
    before = await counts()
    outcomes = await market.register(contract("1"), contract("2", buyer=99), contract("3"), on_problem=OnProblem.REGISTER_NONE)
    assert [type(outcome) for outcome in outcomes] == [Withheld, Refused, Withheld]
    assert await counts() == before
    outcomes = await market.register(contract("1"), contract("3"), on_problem=OnProblem.REGISTER_NONE)
    assert [type(outcome) for outcome in outcomes] == [Registered, Registered]


async def test_a_site_without_a_main_account_registers_nothing(market: Trading):
    await changed("update account set main = false")
    with pytest.raises(site_rules.SiteNotReady):
        await market.register(contract("1"))
    with pytest.raises(site_rules.SiteNotReady):
        await market.register(contract("1"), site=999)


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_without_a_due_date_a_closed_file_means_the_next_date(market: Trading):
    registered((await market.register(contract("1")))[0])
    await changed("update batch set closed_at = seal_at")
    answer = registered((await market.register(contract("2")))[0])
    assert (answer.debit_on, answer.next_sealing_at) == (date(2000, 9, 25), datetime(2000, 9, 21, 11, tzinfo=JST))
    planned = await one("select planned_debited_on, planned_shipped_on from contract where contract_id = $1", answer.contract_id)
    assert planned == {"planned_debited_on": date(2000, 9, 25), "planned_shipped_on": date(2000, 9, 28)}


async def test_with_a_due_date_a_closed_file_means_what_the_banks_rule_says(market: Trading):
    due: dict[str, Any] = {"dueOn": "2000-10-10"}
    first = registered((await market.register(contract("1", **due)))[0])
    assert (first.debit_on, first.next_sealing_at) == (date(2000, 10, 10), datetime(2000, 10, 6, 11, tzinfo=JST))
    await changed("update batch set closed_at = seal_at")
    moved = registered((await market.register(contract("2", **due)))[0])
    assert moved.debit_on == date(2000, 10, 11)
    row = await one("select due_on, debit_on from contract where contract_id = $1", moved.contract_id)
    assert row == {"due_on": date(2000, 10, 10), "debit_on": date(2000, 10, 11)}, "asked for and effective (S22)"
    await changed("update bank set shift_rule = 0")
    before = await counts()
    assert problems((await market.register(contract("3", **due)))[0]) == [(ProblemCode.DATE_NOT_POSSIBLE, "dueOn")]
    assert await counts() == before


async def test_goods_that_leave_at_once_wait_for_the_carrier_from_registration(market: Trading):
    terms: dict[str, Any] = {"dueOn": "2000-10-10", "terms": {"shipBeforeAcceptance": True}}
    answer = registered((await market.register(contract("1", **terms)))[0])
    async with reading() as tx:
        rows = await tx.rows(
            "select b.kind, b.carrier_id, b.seal_at from work w join batch b using (home, batch_id) where contract_id = $1 order by kind",
            answer.contract_id,
        )
    assert [(row["kind"], row["carrier_id"]) for row in rows] == [(Kind.DEBIT, None), (Kind.DELIVERY, "sbx")]
    assert rows[1]["seal_at"] == NOW


async def test_direct_mode_goes_into_a_batch_of_the_sellers_own(market: Trading):
    await changed("update bank set direct_debits = true where bank_code = '9991'")
    seller = party("d", "9991", "9300001")
    await admin.create_party(admin.Party(130, "d", "d社", "港区青山"), machine_now=market.machine_now)
    own = await market.account(130, "9991", "9300001", seller_code="d")
    consent = mandates.Consent("9991", "101", 1, "9100001", "書面3", seller_code="d")
    await mandates.add_mandates(130, [consent], now=market.now, machine_now=market.machine_now)
    site_rules.forget()
    answer = registered((await market.register(contract("1", seller=seller, terms={"mode": "DIRECT"})))[0])
    state = await one("select direct, release, collecting_id from contract_state where contract_id = $1", answer.contract_id)
    assert state == {"direct": True, "release": Release.NONE, "collecting_id": own}
    batch = await one(
        "select b.direct, b.account_id from work join batch b using (home, batch_id) where contract_id = $1", answer.contract_id
    )
    assert batch == {"direct": True, "account_id": own}


# ── parties ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_parties_are_made_and_updated_by_the_site_and_accounts_never_change(market: Trading):
    await market.register(contract("1"))
    moved = party("b1", "9991", "9100001", address="京都市", postalCode="600-0000")
    await market.register(contract("2", buyer=moved))
    async with reading() as tx:
        parties = await tx.rows("select code, address, postal_code, firm_id from party where site_id = 130 order by code")
        accounts = await tx.value("select count(*) from party_account")
    assert [tuple(row) for row in parties] == [("b1", "京都市", "600-0000", None), ("s", "港区青山", None, None)]
    assert accounts == 2
    other_holder = party("b1", "9991", "9100001")
    other_holder["account"]["holder"] = "ｱﾀﾗｼｲ"
    await market.register(contract("3", buyer=other_holder))
    async with reading() as tx:
        assert await tx.value("select count(*) from party_account") == 3, "another holder is another row"


async def test_a_large_call_is_one_transaction(market: Trading):
    outcomes = await market.register(*(contract(f"n{n}", buyer=n % 20 + 1, amount=n + 1) for n in range(2_500)))
    ids = [registered(outcome).contract_id for outcome in outcomes]
    assert ids == sorted(ids), "IDs follow the order of the call"
    told = await one("select count(*) as rows, sum(cardinality(contract_ids)) as contracts from stream")
    assert told == {"rows": 1, "contracts": 2_500}


# ── carriers ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_each_contract_goes_with_the_carrier_of_its_rule(market: Trading, monkeypatch: pytest.MonkeyPatch):
    """Decided once, at registration, for all contracts of a call: with the carrier's own days, and its own delivery batch."""
    await admin.create_carrier(admin.Carrier("north", "北運輸", "http://127.0.0.1:9", "whsec_" + "QUJD" * 12, calendar=1, ship_days=5))
    await admin.create_carrier(admin.Carrier("cool", "冷運輸", "http://127.0.0.1:9", "whsec_" + "QUJD" * 12, calendar=1))
    first = await routes.add(130, "north", prefecture="北海道")
    await routes.add(130, "cool", goods="冷蔵*", place=5)
    assert first.place == 10
    site_rules.forget()
    cake = [{"name": "冷蔵ケーキ", "model": None, "quantity": 1}]
    terms: dict[str, Any] = {"dueOn": "2000-10-10", "terms": {"shipBeforeAcceptance": True}}
    far = party("b2", "9991", "9100002", address="北海道札幌市")
    monkeypatch.setattr(site_rules, "KEEP_SECONDS", 1e9)
    answers = await market.register(
        contract("C1", buyer=1, **terms),
        contract("C2", buyer=far, **terms),
        contract("C3", buyer=far, goods=cake, **terms),
    )
    assert all(isinstance(answer, Registered) for answer in answers)
    async with reading() as tx:
        rows = await tx.rows(
            "select c.number, c.carrier_id, s.carrier_id as state, c.planned_shipped_on - c.planned_delivery_on as days, b.carrier_id as batch "
            "from contract c join contract_state s using (home, contract_id) join work w using (home, contract_id) "
            "join batch b on b.home = w.home and b.batch_id = w.batch_id and b.kind = 2 order by c.number"
        )
    assert [tuple(row) for row in rows] == [
        ("C1", "sbx", "sbx", 3, "sbx"),
        ("C2", "north", "north", 5, "north"),
        ("C3", "cool", "cool", 3, "cool"),
    ]
    # nothing is asked per contract: ten contracts with rules cost what one does
    single = await statements(market, contract("C0", buyer=3, **terms))
    assert await statements(market, *(contract(f"D{n}", buyer=n + 4, **terms) for n in range(10))) == single


async def statements(market: Trading, *raws: dict[str, Any]) -> int:
    """How many statements a call of registration takes."""
    count = 0
    with pytest.MonkeyPatch.context() as patch:
        for name in ("rows", "row", "value", "run", "copy_in"):
            original = getattr(Tx, name)

            def counted(self: Tx, *args: Any, original: Any = original) -> Any:
                nonlocal count
                count += 1
                return original(self, *args)

            patch.setattr(Tx, name, counted)
        assert all(isinstance(answer, Registered) for answer in await market.register(*raws))
    return count


async def test_a_contract_without_a_carrier_is_refused(market: Trading):
    await changed("update site set carrier_id = null where site_id = 130")
    await routes.add(130, "sbx", postal_code="107")
    site_rules.forget()
    near = party("b1", "9991", "9100001", postalCode="107-0061")
    refused, fine = await market.register(contract("C1"), contract("C2", buyer=near))
    assert problems(refused) == [(ProblemCode.NOT_ROUTABLE, "buyer.address")]
    registered(fine)
    assert (await one("select carrier_id from contract"))["carrier_id"] == "sbx"


async def test_rules_are_kept_in_order(market: Trading):
    """Added, listed, tried and removed; what cannot be is refused with its reason."""
    await routes.add(130, "sbx", goods="冷蔵*", place=7)
    assert (await routes.add(130, "sbx", postal_code="1")).place == 17
    assert [(row["place"], row["goods"], row["postal_code"]) for row in await routes.listed(130)] == [(7, "冷蔵*", None), (17, None, "1")]
    assert [row["site_id"] for row in await routes.listed()] == [130, 130]
    tried = await routes.test(130, Consignment("150-0013", "東京都", (("机", None),)))
    assert (tried.carrier_id, tried.route and tried.route.place) == ("sbx", 17)
    assert (await routes.test(320, Consignment(None, "東京都", ()))).route is None
    for wrong, code in (
        ({"site_id": 999, "goods": "x"}, "NOT_FOUND"),
        ({"carrier_id": "nobody", "goods": "x"}, "NOT_FOUND"),
        ({}, "ROUTE"),
        ({"prefecture": "東京"}, "ROUTE"),
        ({"goods": "x", "place": 7}, "PLACE_TAKEN"),
    ):
        with pytest.raises(admin.Refused) as refused:
            await routes.add(**({"site_id": 130, "carrier_id": "sbx"} | wrong))  # type: ignore[arg-type]
        assert refused.value.code == code
    await routes.remove(130, 7)
    with pytest.raises(admin.NotThere):
        await routes.remove(130, 7)
    assert [row["place"] for row in await routes.listed(130)] == [17]
