"""The checker finds what is broken, says it in the right place, and says nothing else (K1 to K7).

One small town is played to a morning on which something of everything is under way. Then each row of the table breaks one thing in a
transaction that is rolled back, and names exactly the rules that must be found broken.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.statuses import DebitStatus, DeliverWhen, DeliveryStatus, EventKind, PayoutStatus, Release
from domain.store import inbox, sums, verify, verify_contracts, verify_instructions, verify_lists, verify_money
from domain.store.connection import Tx, open_store, transaction
from domain.store.verify import Finding, Progress
from domain.store.verify_findings import Rule
from domain.store.verify_histories import History, judge
from tests.conftest import a_database
from tests.journeys.town import Town, registration, town


@pytest.fixture(scope="module")
async def here(engines: Any, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """4100 has failed, 4101 and 4102 are paid, 4103 is being paid, 4112 is swept and delivered, 4332 debited, 4662 waits."""
    directory: Path = tmp_path_factory.mktemp("town")
    async with a_database(engines, template_database) as url, open_store(url), town(directory) as place:
        await place.walk("09-20 10:00")
        await place.register(130, *(registration(number) for number in ("4100", "4101", "4102", "4103")))
        await place.walk("09-24 10:00")
        await place.register(130, registration("4112"))
        await place.walk("09-28 10:00")
        await place.register(130, registration("4332"))
        await place.walk("09-30 10:00")
        await place.register(130, registration("4662"))
        await place.settle()
        yield place


class Undo(Exception):
    pass


async def found_after(monkeypatch: pytest.MonkeyPatch, damage: str) -> list[Finding]:
    """What the checker says to a damage, which is undone again."""
    findings: list[Finding] = []
    with contextlib.suppress(Undo):
        async with transaction() as tx:

            @contextlib.asynccontextmanager
            async def same() -> AsyncIterator[Tx]:
                yield tx

            monkeypatch.setattr(verify, "reading", same)
            for statement in damage.split(";"):
                assert await tx.run(NAMED.sub(r"(select contract_id from contract where number = '\1')", statement)), statement
            findings = await verify.check()
            raise Undo
    return findings


NAMED = re.compile(r"#(\d{4})")
COLLECTING = "(select collecting_id from contract where number = '4101')"
MAIN = "(select main_id from contract where number = '4101')"
BATCH_OF = "(select batch_id from line where kind = {} and contract_id = #{})"
DEBIT_4332, PAYOUT_4103 = BATCH_OF.format(1, 4332), BATCH_OF.format(3, 4103)
DEBIT_4101, PAYOUT_4101 = BATCH_OF.format(1, 4101), BATCH_OF.format(3, 4101)
SWEEP_4101 = f"(select sweep_id from sweep_part where batch_id = {DEBIT_4101})"
LUMP_4101 = f"batch_id = {PAYOUT_4101} and not incoming"


OWED_0 = "insert into posting select home, day, cause, 99, 1, {0}, source, 3, cause, 7, booked_on, 392 from posting where cause = #4101 and source_kind = 3"
LONG_AGO = "'2000-09-01 00:00+09'"

# What is broken, and every rule that must be found broken (how it begins); no other may be.
DAMAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    # -- money of a contract
    ("update contract_state set held = held + 1 where contract_id = #4103", ("K1 what is held", "I02 collected")),
    ("update contract_state set settled = 0 where contract_id = #4101", ("K1 cash moved", "I02 collected", "I02 settled")),
    ("update contract_state set reserved = 0 where contract_id = #4103", ("I02 reserved",)),
    ("update contract_state set refunded = 5 where contract_id = #4101", ("K1 cash moved", "I02 collected")),
    (
        "update posting set amount = amount + 1 where cause = #4101 and source_kind = 3",
        ("K1 what is held", "K1 cash moved", "I01 an account's row", "I01 the ledger shows"),
    ),
    (OWED_0.format(4), ("K1 what is held", "K1 fees")),
    (OWED_0.format(9), ("K1 what is held", "K1 a direct settlement", "K1 nothing stays with a bank")),
    (
        "update posting set cause = cause + 1000000000 where cause = #4103 and source_kind = 3",
        ("K1 what is held", "K1 cash moved", "K1 what moves a contract's money"),
    ),
    # -- accounts and statements
    (f"update account set booked = booked + 1 where account_id = {MAIN}", ("I01 an account's row",)),
    (f"update account set reserved = reserved - 1 where account_id = {MAIN}", ("I01 reserved",)),
    (
        f"update posting set amount = amount + 1 where cause = {SWEEP_4101} and no = 2",
        ("K1 what is between two accounts", "I01 an account's row", "I01 the ledger shows"),
    ),
    (f"update sweep set arrived_on = null where sweep_id = {SWEEP_4101}", ("K1 what is between two accounts",)),
    (f"update statement_line set amount = amount + 1 where category = 14 and batch_id = {DEBIT_4101}", ("I01 a statement's lines",)),
    (
        f"update statement set opening = opening + 1, closing = closing + 1 where booked_on = '2000-09-29' and account_id = {MAIN}",
        ("I01 a statement opens", "I01 the ledger shows"),
    ),
    (
        f"update statement_line set matched = 0, contract_id = #4101 where {LUMP_4101}",
        ("K5 a return that waited", "I01 the ledger shows"),
    ),
    (  # a break that has its name on the list is not found again
        (
            f"update statement set opening = opening + 1, closing = closing + 1 where booked_on = '2000-09-29' and account_id = {MAIN};"
            "insert into exception(reference, at, code, reason, reply_id) select 'x', now(), 'STATEMENT_GAP', 'x', reply_id from statement "
            f"where booked_on = '2000-09-29' and account_id = {MAIN}"
        ),
        (),
    ),
    # -- events and statuses
    (
        "delete from event where contract_id = #4101 and no = 4",
        ("I16 events are numbered", "I16 the date of the delivery instruction", "K7 the stream tells every event once"),
    ),
    (
        "update event set kind = 10 where contract_id = #4101 and kind = 8",
        ("I16 the delivery status", "I16 the delivery date", "K7 the stream tells every event once"),
    ),
    (
        "update contract_state set debit = 6 where contract_id = #4662",
        ("I16 the debit status", "I04 who waits can", "K9 a contract stands in the lists of"),
    ),
    ("update contract_state set delivery = 5 where contract_id = #4101", ("I16 the delivery status",)),
    (
        "update contract_state set payout = 2 where contract_id = #4103",
        ("I16 the payout status", "K9 a contract stands in the lists of", "K9 what settlements"),
    ),
    ("update contract_state set funded = false where contract_id = #4101", ("I16 funded", "K5 what a sweep has brought")),
    # -- dates
    (
        "update contract_state set debited_on = debited_on + 1 where contract_id = #4101",
        ("I16 the debit date", "K9 a contract stands in the lists by"),
    ),
    (
        "update contract_state set instructed_on = debited_on + 1 where contract_id = #4101",
        ("I16 the date of the debit", "I11 nothing is debited"),
    ),
    ("update contract_state set scheduled_on = debited_on where contract_id = #4101", ("I16 a scheduled debit",)),
    ("update contract_state set failed_on = failed_on + 1 where contract_id = #4100", ("I16 the date of a failed debit",)),
    ("update contract_state set failure = 9 where contract_id = #4100", ("I16 the reason of a failed debit",)),
    ("update contract_state set shipped_on = shipped_on + 1 where contract_id = #4101", ("I16 the ship date",)),
    ("update contract_state set shipped_on = null where contract_id = #4101", ("I16 the ship date", "I16 what has gone")),
    ("update contract_state set shipped_on = '2000-09-20' where contract_id = #4101", ("I11 nothing is shipped",)),
    (
        "update contract_state set settled_on = settled_on + 30 where contract_id = #4101",
        ("I16 the settlement date", "I11 no date", "K9 a contract stands in the lists by"),
    ),
    # -- lines
    (
        "update line set outcome = 0 where contract_id = #4101 and kind = 1",
        ("I04 one open debit", "I05 one successful debit", "K3 no line of an ended batch", "I12 a part of a sweep", "K6 an applied result"),
    ),
    ("update line set blocking = false, outcome = 2 where contract_id = #4101 and kind = 3", ("I05 one successful payout",)),
    (
        "update line set outcome = 1 where contract_id = #4103 and kind = 3",
        ("I04 one open payout", "I05 one successful payout", "I01 reserved"),
    ),
    ("update line set outcome = 0 where contract_id = #4101 and kind = 2", ("I04 one open delivery", "I05 one successful delivery")),
    (
        "update line set outcome = 3 where contract_id = #4101 and kind = 1",
        ("I05 one successful debit", "I04 a line blocks", "I12 a part of a sweep"),
    ),
    ("update line set amount = amount + 1 where contract_id = #4332 and kind = 1", ("I06 each debit line", "I14 a batch adds up")),
    ("update line set amount = amount + 1 where contract_id = #4101 and kind = 2", ("I06 each delivery line", "I14 a batch adds up")),
    (
        "update line set amount = amount + 1 where contract_id = #4103 and kind = 3",
        ("I06 each payout line", "I14 a batch adds up", "I01 reserved"),
    ),
    ("update line set attempt = 2 where contract_id = #4332 and kind = 1", ("I14 the last debit attempt",)),
    ("update line set attempt = 2 where contract_id = #4101 and kind = 2", ("I14 the last delivery attempt",)),
    ("update line set attempt = 2 where contract_id = #4101 and kind = 3", ("I14 the last payout attempt",)),
    ("update contract_state set debit_attempt = 2 where contract_id = #4332", ("I14 each debit attempt", "I14 the last debit attempt")),
    ("update contract_state set delivery_attempt = 2 where contract_id = #4101", ("I14 each delivery attempt", "I14 the last delivery")),
    ("update contract_state set payout_attempt = 2 where contract_id = #4101", ("I14 each payout attempt", "I14 the last payout")),
    # -- what was registered
    ("delete from contract_number where contract_id = #4101", ("I13 a contract has its number",)),
    ("delete from delivery_record where contract_id = #4101", ("I13 a contract has its record",)),
    ("update contract_state set gross = gross + 1 where contract_id = #4662", ("I06 what is debited",)),
    ("update contract_state set net = net + 1 where contract_id = #4662", ("I06 what is paid", "K9 what settlements")),
    (
        "update event set contract_id = contract_id + 10000000 where contract_id = #4662",
        ("I16 events are numbered", "I14 what is written belongs", "K7 the stream tells every event once"),
    ),
    # -- batches, sweeps, waiting work
    (f"update batch set line_count = line_count + 1 where batch_id = {DEBIT_4332}", ("I14 a batch counts",)),
    (f"update batch set amount = amount + 1 where batch_id = {DEBIT_4332}", ("I14 a batch adds up",)),
    (f"update batch set kind = 4 where batch_id = {DEBIT_4332}", ("I14 the lines of a batch",)),
    (
        "update line set batch_id = batch_id + 1 where contract_id = #4332 and kind = 1",
        ("I14 a batch counts", "I14 a batch adds up", "I14 each line has its batch"),
    ),
    (f"update batch set status = 6, overdue_at = null where batch_id = {PAYOUT_4103}", ("K3 no line of an ended batch",)),
    (f"update sweep_part set amount = amount + 1 where batch_id = {DEBIT_4101}", ("I12 a sweep carries", "I12 a part of a sweep")),
    (f"delete from sweep_part where batch_id = {DEBIT_4101}", ("I12 a sweep carries", "I12 a part of a sweep")),
    (f"update sweep set amount = amount + 1 where sweep_id = {SWEEP_4101}", ("I12 a sweep carries", "I14 a batch adds up")),
    ("update work set batch_id = batch_id + 1 where contract_id = #4662", ("I14 who waits", "K5 a debit that is due")),
    ("insert into work select home, batch_id, #4332 from work where contract_id = #4662", ("I04 who waits can be instructed",)),
    ("delete from work where contract_id = #4662", ("K5 a debit that is due",)),
    # -- what is open past its time
    ("update contract_state set deliver_when = 0 where contract_id = #4662", ("K5 goods that may leave",)),
    (
        "update contract_state set release = 2 where contract_id = #4112; update contract_state set funded = true where contract_id = #4112",
        ("K5 a seller who may be paid", "I16 funded"),
    ),
    ("update batch set seal_at = seal_at - interval '9 days' where status = 0 and kind = 1", ("K5 a batch is sealed",)),
    (f"update batch set status = 1, sealed_at = {LONG_AGO} where batch_id = {PAYOUT_4103}", ("K5 a sealed batch is sent",)),
    (f"update batch set overdue_at = {LONG_AGO} where batch_id = {PAYOUT_4103}", ("K5 an answer that does not come",)),
    (f"update batch set overdue_at = null where batch_id = {PAYOUT_4103}", ("K5 what was sent has a time",)),
    (
        f"insert into batch_fact(home, batch_id, fact, happened_on, at) values (1, {PAYOUT_4103}, 3, '2000-09-01', {LONG_AGO})",
        ("K5 what happened to a batch",),
    ),
    (f"update sweep set status = 2, left_on = '2000-09-01' where sweep_id = {SWEEP_4101}", ("K5 what has left an account",)),
    ("update reply set status = 0 where reply_id = 3", ("K5 a reply is read and applied",)),
    ("insert into outbox(queue, actor, args, machine_at) values ('runs', 'x', '{}', '2000-01-01')", ("K5 messages",)),
    # -- lists and sums
    ("delete from standing where contract_id = #4662 and place = 1", ("K9 a contract stands in the lists of",)),
    ("update standing set place = 13 where contract_id = #4662 and place = 1", ("K9 a contract stands in the lists of",)),
    ("update standing set buyer_id = seller_id where contract_id = #4662", ("K9 a contract stands in the lists of",)),
    ("delete from contract_date where contract_id = #4101 and which = 1", ("K9 a contract stands in the lists by",)),
    ("update contract_date set seller_id = buyer_id where contract_id = #4101", ("K9 a contract stands in the lists by",)),
    ("insert into settlement_sum values (1, 130, 0, 392, 3, 1, 5)", ("K9 what settlements",)),
    # -- what came in, what was told
    ("delete from reply_body where reply_id = 3", ("K6 a reply is kept",)),
    ("update reply_body set body = set_byte(body, 5, 7) where reply_id = 3", ("K6 a reply has the hash",)),
    ("update reply set status = 3 where reply_id = 3", ("K6 a held reply",)),
    ("update stream set chain = '\\x00' where home = 1 and pos = 3", ("K7 each row of the stream",)),
    (
        "update stream set nos = array_replace(nos, 1, 9) where home = 1 and pos = 1",
        ("K7 each row of the stream", "K7 the stream tells every event once"),
    ),
    ("delete from stream where home = 1 and pos = 3", ("K7 the stream has no gaps", "K7 the stream tells every event once")),
    ("update stream_head set pos = pos + 1 where home = 1", ("K7 the head of the stream",)),
)


async def test_a_sound_town_has_no_findings(here: Town):
    told: list[Progress] = []
    assert await verify.check(progress=told.append) == []
    assert told[-1] == Progress(None, "replies", 7)
    assert {step.step for step in told} == {"contracts", "instructions", "money", "sums", "stream", "replies"}


@pytest.mark.parametrize("damage, broken", DAMAGES, ids=range(len(DAMAGES)))
async def test_a_damage_is_found_and_nothing_else(here: Town, monkeypatch: pytest.MonkeyPatch, damage: str, broken: tuple[str, ...]):
    findings = await found_after(monkeypatch, damage)
    said = {f"{finding.check} {finding.what}" for finding in findings}
    assert {text for text in said if not text.startswith(broken)} == set(), "more than was broken"
    assert [start for start in broken if not any(text.startswith(start) for text in said)] == [], "not found"


def test_every_rule_has_a_damage():
    rules: list[Rule] = [
        *verify_contracts.RULES,
        *verify_lists.RULES,
        *verify_instructions.RULES,
        *verify_instructions.IN_TIME,
        *verify_money.RULES,
    ]
    named = {f"{rule.check} {rule.what}" for rule in rules if rule.check}
    for rule in rules:
        named |= {f"{check} {what}".replace("''", "'") for check, what in re.findall(r"'([KI]\d+)',\s*'((?:[^']|'')+)'", rule.sql)}
    tried = tuple(start for _, broken in DAMAGES for start in broken)
    assert len(named) > 50
    assert {text for text in named if not text.startswith(tried)} == set()


async def test_sums_are_the_same_folded_and_not(here: Town, monkeypatch: pytest.MonkeyPatch):
    """Whatever has been folded of the stream so far, a reader finds what the contracts say."""
    site, sellers = [(1, 130)], "select distinct c.home, c.site_id, c.seller_id from contract c where c.home = 1 order by 3"
    async with transaction() as tx:
        keys = [tuple(row) for row in await tx.rows(sellers)]
        await tx.run("delete from settlement_sum")
        await tx.run("delete from sum_place")
        before = await sums.of_sites(tx, site), [await sums.of_sellers(tx, [key]) for key in keys]
        homes = await sums.behind(tx, here.machine)
    assert {row.status.name for row in before[0]} >= {"PENDING", "PAID", "WILL_NOT_SETTLE"}
    monkeypatch.setattr(sums, "ROWS", 7)
    monkeypatch.setattr(sums, "CONTRACTS", 3)
    steps = 0
    assert 1 in homes
    for home in homes:
        while await sums.fold(home, here.machine):
            steps += 1
            async with transaction() as tx:
                assert (await sums.of_sites(tx, site), [await sums.of_sellers(tx, [key]) for key in keys]) == before
    assert steps > 8
    assert await verify.check() == []
    async with transaction() as tx:
        assert await sums.behind(tx, here.machine + timedelta(hours=1)) == []
        assert await tx.value("select count(*) from settlement_sum where rows < 0") == 0


async def test_slices_and_homes(here: Town, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verify, "SLICE", 2)
    counted: list[int] = []
    damage = "update contract_state set held = held + 1 where contract_id = #4103"
    assert len(await found_after(monkeypatch, damage)) == 2, "slices find what one look finds, once"
    monkeypatch.undo()
    monkeypatch.setattr(verify, "SLICE", 2)
    assert await verify.check(homes=[1], progress=lambda x: counted.append(x.done)) == []
    assert counted[-1] == 7
    assert [step for step in counted if step] == sorted(counted)


def test_a_finding_names_its_subject():
    finding = Finding("K1", "held", 1, "1", "2", contract_id=7)
    assert str(finding) == "K1 contract 000000000000000007: held: expected 1, found 2"
    assert str(Finding("K5", "x", None, "1", "2")) == "K5 all homes: x: expected 1, found 2"
    assert str(Finding("K6", "x", 3, "1", "2", reply_id=4, batch_id=5)) == "K6 batch 000000000000000005, reply 4: x: expected 1, found 2"


E = EventKind
_TO_SHIPPED = (E.REGISTERED, E.DEBIT_INSTRUCTED, E.DEBITED, E.DELIVERY_INSTRUCTED, E.SHIPPED)
_GOOD = History(
    DebitStatus.DEBITED,
    DeliveryStatus.SHIPPED,
    PayoutStatus.PAID,
    DeliverWhen.ON_DEBITED,
    Release.ON_SHIPMENT,
    direct=False,
    funded=True,
    kinds=(*_TO_SHIPPED, E.FUNDED, E.PAYOUT_INSTRUCTED, E.PAID),
    codes=(),
    dense=True,
)


@pytest.mark.parametrize(
    "changes, check, what",
    [
        ({"dense": False}, "I16", "events are numbered"),
        ({"kinds": (E.DEBIT_INSTRUCTED,)}, "K3", "a contract begins once"),
        ({"kinds": (E.REGISTERED, E.REGISTERED)}, "K3", "a contract begins once"),
        ({"kinds": (E.REGISTERED, E.DEBITED)}, "K3", "each step"),
        ({"kinds": (*_TO_SHIPPED, E.DEBIT_INSTRUCTED)}, "K3", "each step"),
        ({"kinds": (*_TO_SHIPPED, E.DELIVERY_INSTRUCTED)}, "K3", "each step"),
        ({"kinds": (E.REGISTERED, E.PAID)}, "K3", "each step"),  # that is direct mode's step only
        ({"kinds": (E.REGISTERED, E.PAID), "direct": True}, "I07", "no money moves on"),
        ({"kinds": (E.REGISTERED, E.FUNDED)}, "I07", "no money moves on"),
        ({"kinds": (E.REGISTERED, E.DEBIT_INSTRUCTED, E.DELIVERY_INSTRUCTED)}, "I08", "no delivery"),
        ({"deliver_when": DeliverWhen.ON_SETTLED}, "I08", "no delivery"),
        ({"kinds": (*_TO_SHIPPED, E.PAYOUT_INSTRUCTED)}, "I07", "no payout"),  # not funded
        ({"release": Release.ON_DELIVERY}, "I07", "no payout"),
        ({"release": Release.NONE}, "I07", "no payout"),
        ({"kinds": (E.REGISTERED, E.DEBIT_INSTRUCTED, E.DEBIT_FAILED, E.DEBIT_INSTRUCTED), "codes": (2,)}, "I05", "only a short balance"),
        ({"debit": DebitStatus.UNKNOWN}, "I16", "the debit status"),
        ({"delivery": DeliveryStatus.LOST}, "I16", "the delivery status"),
        ({"payout": PayoutStatus.RETURNED}, "I16", "the payout status"),
        ({"funded": False}, "I16", "funded"),
    ],
)
def test_a_history_that_the_rules_do_not_allow(changes: dict[str, Any], check: str, what: str):
    (fault,) = judge(replace(_GOOD, **changes))
    assert (fault.check, fault.what.startswith(what)) == (check, True), fault


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kinds": (*_TO_SHIPPED[:3], E.FUNDED, *_TO_SHIPPED[3:], E.PAYOUT_INSTRUCTED, E.PAYOUT_UNKNOWN, E.PAID)},
        {"kinds": (E.REGISTERED, E.DEBIT_INSTRUCTED, E.DEBIT_FAILED, *_GOOD.kinds[1:]), "codes": (1,)},
        {"kinds": (E.REGISTERED, E.DEBIT_INSTRUCTED, E.DEBIT_WITHDRAWN, *_GOOD.kinds[1:])},
        {
            "kinds": (E.REGISTERED, E.DEBIT_INSTRUCTED, E.DEBITED, E.PAID, E.DELIVERY_INSTRUCTED, E.SHIPPED),
            "direct": True,
            "funded": False,
            "release": Release.NONE,
            "deliver_when": DeliverWhen.ON_SETTLED,
        },
    ],
)
def test_a_history_that_the_rules_allow(changes: dict[str, Any]):
    assert judge(replace(_GOOD, **changes)) == ()


async def test_a_reply_in_several_parts_has_the_hash_of_the_whole(here: Town, monkeypatch: pytest.MonkeyPatch):
    body = b"a" * inbox.PART + b"b" * inbox.PART + b"c"
    reply_id = await inbox.store("bank:9990", "large.txt", "statement", body, await here.now(), here.machine)
    try:
        assert await verify.check() == []
        for damage in (
            f"update reply_body set body = set_byte(body, 5, 7) where no = 1 and reply_id = {reply_id}",
            f"delete from reply_body where no = 1 and reply_id = {reply_id}",
        ):
            (finding,) = await found_after(monkeypatch, damage)
            assert (finding.check, finding.reply_id) == ("K6", reply_id)
    finally:
        await here.say("delete from reply_body where reply_id = $1", reply_id)
        await here.say("delete from reply where reply_id = $1", reply_id)
