"""The same carrier's life over CSV files: what goes out, what comes back, what is late, torn, doubled, unknown or not to be written."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest

from domain.contract_id import make
from domain.statuses import BatchStatus
from domain.store import inbox, people, routes, site_rules, stops
from domain.store.carrier_changes import Changed, change_carrier
from domain.store.registering import Refused, Registered
from tests.journeys.carriers import CSV, csv_town, rows_of
from tests.journeys.checks import sound
from tests.journeys.test_carrier import _DEBITED, _PAID, PLANS
from tests.journeys.town import Town, contract
from workers import fetching, sealing
from workers import reading as reading_replies

_INSTRUCTED = "DEBITED INSTRUCTED PENDING"


async def rule(here: Town, action: dict[str, Any], *, times: int | None = None, **match: Any) -> None:
    answer = await here.http.post(f"/carriers/{CSV}/rules", json={"match": match, "action": action, "times": times})
    assert answer.status_code < 300, answer.text


async def shipments(here: Town) -> dict[str, Any]:
    answer = await here.http.get(f"/carriers/{CSV}/shipments")
    return {one["number"]: one for one in answer.json()["shipments"]}


async def replies(here: Town) -> list[str]:
    """What came from the carrier: name and how it ended."""
    found = await here.rows("select name, kind, status, problem from reply where channel = $1 order by reply_id", f"carrier:{CSV}")
    words = ("RECEIVED", "VALID", "APPLIED", "HELD", "IGNORED")
    return [f"{row['kind']} {words[row['status']]}" for row in found]


@pytest.mark.parametrize("connector", ["directory", "sftp"])
async def test_every_plan(store: None, tmp_path: Path, connector: str) -> None:
    """S03, S62, R29: the same diaries as with calls, to the hour."""
    async with csv_town(tmp_path, connector=connector) as here:
        for place, (_, model, terms, _) in enumerate(PLANS):
            await here.register(130, contract(f"C{place:02d}", model=model, terms=terms, buyer=await here.buyer(f"91100{place:02d}")))
        await here.walk("10-04 12:00")
        wrong = {}
        for place, (name, _, _, after) in enumerate(PLANS):
            diary, wanted = await here.diary(f"130/C{place:02d}"), [*_DEBITED, *after]
            if name == "every step":
                wanted.append(_PAID[1])
            if diary != wanted:
                wrong[name] = [f"- {x}" for x in wanted if x not in diary] + [f"+ {x}" for x in diary if x not in wanted] or diary
        assert not wrong, wrong
        assert await here.exceptions() == ["DELIVERY_SILENT"]
        assert await here.files() == {"DEBIT": 1, "SWEEP": 1, "PAYOUT": 2, "DELIVERY": 1}
        found, theirs = await here.contracts(), await shipments(here)
        assert {n: found[f"130/{n}"]["tracking_number"] for n in theirs} == {n: one["tracking_number"] for n, one in theirs.items()}
        await sound(here)


async def test_a_carrier_that_is_called_again_while_its_file_is_written(
    store: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes and name are of one kind: what was written as a file is not sealed any more, and is written again for a call."""
    original = sealing.write
    moved: list[Changed] = []

    async with csv_town(tmp_path) as here:
        (called,) = await here.rows("select url, secret from carrier where carrier_id = 'sandbox-carrier'")

        async def overtaken(batch: Any, spool: Any) -> Any:
            done = await original(batch, spool)
            if batch.carrier_id and not moved:
                way = {"connector": "http", "address.url": called["url"], "address.secret": called["secret"]}
                moved.append(await change_carrier(CSV, way, now=await here.now()))
            return done

        monkeypatch.setattr(sealing, "write", overtaken)
        await here.register(130, contract("W1", buyer=await here.buyer("9117001")))
        await here.walk("09-25 12:00")
        (sent,) = await here.rows("select name, status, batch_id from batch where kind = 2")
        assert len(moved) == 1
        assert (sent["name"], sent["status"]) == (f"{sent['batch_id']:018d}", BatchStatus.ANSWERED)
        assert await here.stands("130/W1") == _INSTRUCTED


async def test_what_stands_in_the_file(store: None, tmp_path: Path) -> None:
    """To the byte, and as the carrier's own reader reads it."""
    async with csv_town(tmp_path, billing_code="0312345678") as here:
        seller = await here.seller("9120001")
        seller |= {"name": "株式会社　砂場商事〜営業部", "postalCode": "150-0022", "address": "東京都渋谷区恵比寿1−2−3 " + "塔" * 30}
        buyer = await here.buyer("9120002")
        buyer |= {"name": '=HYPERLINK("http://x"),', "postalCode": "〒108-0014", "address": "-港区か\u3099あ,\\ 青山"}
        goods = [{"name": "プリンタ", "model": "MM100", "quantity": 12}, *({"name": f"品{n}", "quantity": 1} for n in range(8))]
        await here.register(130, contract("F1", seller=seller, buyer=buyer, goods=goods))
        await here.walk("09-25 12:00")
        (sent,) = await here.rows("select name, encode(sha256, 'hex') as sha256, batch_id from batch where kind = 2")
        taken = here.sandbox.carrier_drops[CSV].taken / sent["name"]
        head, row = rows_of(taken)
        assert sent["name"] == f"ship_{sent['batch_id']:018d}.csv"
        assert [cell for cell in zip(head, row, strict=True) if cell[1]] == [
            ("お客様管理番号", f"{(await here.contracts())['130/F1']['contract_id']:018d}01"),
            ("送り状種別", "0"),
            ("クール区分", "0"),
            ("出荷予定日", "2000/09/25"),
            ("お届け先郵便番号", "〒108-0014"),
            ("お届け先住所1", "－港区があ,\\ 青山"),
            ("お届け先名称1", '＝HYPERLINK(""http://x""),'),
            ("敬称", "様"),
            ("ご依頼主郵便番号", "150-0022"),
            ("ご依頼主住所1", "東京都渋谷区恵比寿1－2－3 塔塔塔"),
            ("ご依頼主住所2", "塔" * 16),
            ("ご依頼主住所3", "塔" * 11),
            ("ご依頼主名称1", "株式会社　砂場商事～営業部"),
            ("品名1", "プリンタ MM100 x12"),
            ("品名2", "品0 x1"),
            ("品名3", "品1 x1"),
            ("品名4", "品2 x1"),
            ("品名5", "他5品"),
            ("出荷個数", "1"),
            ("代引金額", "0"),
            ("注文番号", "F1"),
            ("請求先顧客コード", "0312345678"),
        ]
        load = (await shipments(here))["F1"]
        for ours, theirs in ((seller, load["ship_from"]), (buyer, load["ship_to"])):
            for mine, name in (("name", "name"), ("address", "address"), ("postalCode", "postal_code")):
                assert _plain(theirs[name]) == _plain(ours[mine])
        assert await here.stands("130/F1") == _INSTRUCTED
        await sound(here)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text.replace("〜", "~").replace("−", "-").replace("～", "~"))


REFUSED: tuple[tuple[dict[str, Any], str, str], ...] = (
    (
        {"buyer": {"address": "港区𠮷田"}},
        "buyer.address",
        "“𠮷” cannot be written in the carrier's data (Shift_JIS). Please use another character.",
    ),
    ({"buyer": {"name": "あ" * 49}}, "buyer.name", "At most 48 full-width characters fit on the carrier's label."),
    (
        {"seller": {"address": "り😀"}},
        "seller.address",
        "“😀” cannot be written in the carrier's data (Shift_JIS). Please use another character.",
    ),
    (
        {"goods": [{"name": "é", "quantity": 1}]},
        "goods.0.name",
        "“é” cannot be written in the carrier's data (Shift_JIS). Please use another character.",
    ),
    ({"number": "番" * 33}, "number", "At most 32 full-width characters fit on the carrier's label."),
)


async def test_what_no_label_holds_is_refused_at_registration(store: None, tmp_path: Path) -> None:
    """Money is debited only for what can be shipped; another carrier of the site takes the same."""
    async with csv_town(tmp_path) as here:
        base = contract("R1")
        for changes, path, words in REFUSED:
            item = base | {k: (base[k] | v if isinstance(v, dict) else v) for k, v in changes.items()}
            (outcome,) = await here.register(130, item)
            assert isinstance(outcome, Refused)
            assert [(".".join(p.path), p.message_en) for p in outcome.problems] == [(path, words)]
        await here.say("update site set carrier_id = 'sandbox-carrier' where site_id = 130")
        (outcome,) = await here.register(130, base | {"buyer": base["buyer"] | {"address": "港区𠮷田"}})
        assert isinstance(outcome, Registered)


async def test_a_shipment_that_cannot_be_written_any_more_is_rejected(store: None, tmp_path: Path) -> None:
    """The carrier took to CSV after its contracts were registered: what can be written goes, what cannot says why, and no other file waits."""
    async with csv_town(tmp_path, at_once=False) as here:
        await here.register(
            130,
            contract("L1", buyer=await here.buyer("9130001")),
            contract("L2", buyer=await here.buyer("9130002") | {"address": "港区𠮷田"}),
        )
        await here.register(320, contract("L3", buyer=await here.buyer("9130003", site=320) | {"name": "り😀"}))
        await here.say("update contract set carrier_id = $1", CSV)
        await here.say("update contract_state set carrier_id = $1", CSV)
        await here.walk("10-04 12:00")
        assert list(await shipments(here)) == ["L1"]
        assert await here.stands("130/L1") == "DEBITED SHIPPED PAID"
        assert await here.stands("130/L2") == "DEBITED REJECTED PENDING"
        assert await here.stands("320/L3") == "DEBITED REJECTED PENDING"
        (why,) = await here.rows(
            "select l.problem from reply_line l join reply r using (reply_id) where r.name like '%left-out%' and l.contract_id = "
            "(select contract_id from contract where number = 'L2')"
        )
        assert why["problem"] == "left out of the file: buyer.address holds 𠮷 (U+20BB7), which Shift_JIS does not have"
        assert [code for code in await here.exceptions() if code == "LEFT_OUT"] == ["LEFT_OUT", "LEFT_OUT"]
        statuses = await here.rows("select site_id, status, sent_at is null as stayed from batch where kind = 2 order by site_id")
        assert [tuple(row) for row in statuses] == [(130, 6, False), (320, 6, True)]  # nothing of 320's was there to send
        await sound(here)


async def test_two_carriers_of_one_site(store: None, tmp_path: Path) -> None:
    """Routed by region and goods: each contract's goods go with one carrier only, by its own way."""
    async with csv_town(tmp_path, at_once=False) as here:
        await routes.add(130, CSV, prefecture="東京都")
        await routes.add(130, CSV, goods="*冷蔵*")
        site_rules.forget()
        north, south = await here.buyer("9140001"), await here.buyer("9140002")
        await here.register(
            130,
            contract("T1", buyer=north | {"address": "東京都港区青山"}),
            contract("T2", buyer=south | {"address": "北海道札幌市"}),
            contract("T3", buyer=south | {"address": "北海道札幌市"}, goods=[{"name": "カニ（冷蔵）", "quantity": 1}]),
        )
        await here.walk("10-01 12:00")
        assert sorted(await shipments(here)) == ["T1", "T3"]
        called = (await here.http.get("/carriers/sandbox-carrier/shipments")).json()["shipments"]
        assert [one["number"] for one in called] == ["T2"]
        for number in ("T1", "T2", "T3"):
            assert await here.stands(f"130/{number}") == "DEBITED SHIPPED PAID"
        assert await here.exceptions() == []
        await sound(here)


# what the carrier does with a result; how the result ends; where the contract stands in the evening, and after the day of shipping; what is listed
RESULTS: tuple[tuple[str, dict[str, Any], list[str], str, str, list[str]], ...] = (
    ("a row missing", {"missing_line": True}, ["shipped HELD"], _INSTRUCTED, "DEBITED SHIPPED PENDING", ["MISSING_LINES"]),
    ("a row twice", {"duplicate_line": True}, ["shipped HELD"], _INSTRUCTED, "DEBITED SHIPPED PENDING", ["DOUBLED_LINES"]),
    ("a stranger's row", {"unknown_line": True}, ["shipped HELD"], _INSTRUCTED, "DEBITED SHIPPED PENDING", ["UNKNOWN_LINES"]),
    ("cut", {"truncated": True}, ["shipped HELD"], _INSTRUCTED, "DEBITED SHIPPED PENDING", ["MALFORMED"]),
    ("torn", {"torn_line": True}, ["shipped HELD"], _INSTRUCTED, "DEBITED SHIPPED PENDING", ["MALFORMED"]),
    ("no CSV", {"garbage": True}, ["shipped HELD"], _INSTRUCTED, "DEBITED SHIPPED PENDING", ["MALFORMED"]),
    ("another order, more columns", {"shuffled": True}, ["shipped APPLIED"], _INSTRUCTED, "DEBITED SHIPPED PENDING", []),
    ("a day late", {"result_delay": {"days": 1}}, [], _INSTRUCTED, "DEBITED SHIPPED PENDING", []),
    ("all refused", {"refuse": "休業"}, ["shipped APPLIED"], "DEBITED REJECTED PENDING", "DEBITED REJECTED PENDING", []),
    ("never", {"silence": ["result"]}, [], _INSTRUCTED, "DEBITED SHIPPED PENDING", []),
    ("lost", {"lose": True}, [], _INSTRUCTED, "DEBITED UNKNOWN PENDING", ["DELIVERY_SILENT"]),
    (
        "again, the same",
        {"repeat_result": {"after": {"hours": 1}, "name": "new", "content": "same"}},
        ["shipped APPLIED", "shipped IGNORED"],
        _INSTRUCTED,
        "DEBITED SHIPPED PENDING",
        [],
    ),
    (
        "again, something else",
        {"repeat_result": {"after": {"hours": 1}, "name": "new", "content": "different"}},
        ["shipped APPLIED", "shipped HELD"],
        _INSTRUCTED,
        "DEBITED SHIPPED PENDING",
        ["CONTRADICTED"],
    ),
)


@pytest.mark.parametrize("what, action, ended, soon, later, listed", RESULTS, ids=[row[0] for row in RESULTS])
async def test_a_result(
    store: None, tmp_path: Path, what: str, action: dict[str, Any], ended: list[str], soon: str, later: str, listed: list[str]
) -> None:
    """Taken whole or held whole; whatever the result does, the status files say what happens to the goods, and money follows them alone."""
    async with csv_town(tmp_path) as here:
        await here.register(130, contract("R1"), contract("R2", buyer=await here.buyer("9150001")))
        await rule(here, action, kind="ship", times=1)
        await here.walk("09-25 20:00")
        assert await replies(here) == ended
        assert await here.stands("130/R1") == soon
        await here.walk("10-03 12:00" if "UNKNOWN" in later else "09-28 10:00")
        assert await here.stands("130/R1") == later
        assert await here.exceptions() == listed
        assert (await here.files())["DELIVERY"] == 1
        await sound(here)


async def test_silence_becomes_unknown_and_what_comes_after_all_settles_it(store: None, tmp_path: Path) -> None:
    """I09: never sent again by itself."""
    async with csv_town(tmp_path) as here:
        await here.register(130, contract("U1", model="SILENT"))
        await rule(here, {"result_delay": {"days": 9}}, kind="ship", times=1)
        await here.walk("10-03 12:00")
        assert await here.stands("130/U1") == "DEBITED UNKNOWN PENDING"
        assert await here.exceptions() == ["DELIVERY_SILENT"]
        await here.walk("10-05 12:00")
        assert await here.stands("130/U1") == _INSTRUCTED
        assert await here.files() == {"DEBIT": 1, "SWEEP": 1, "DELIVERY": 1}
        await sound(here)


STATUSES: tuple[tuple[str, dict[str, Any], str, list[str]], ...] = (
    ("a word of nobody's", {"unknown_word": "調査中"}, _INSTRUCTED, ["STATUS_WORD"]),
    ("no date", {"missing_date": True}, _INSTRUCTED, ["STATUS_ROWS"]),
    ("a stranger's row", {"unknown_line": True}, "DEBITED SHIPPED PENDING", ["STATUS_ROWS"]),
    ("torn", {"torn_line": True}, _INSTRUCTED, ["MALFORMED"]),
    ("another order, more columns", {"shuffled": True}, "DEBITED SHIPPED PENDING", []),
    ("a row twice", {"duplicate_line": True}, "DEBITED SHIPPED PENDING", []),
)


@pytest.mark.parametrize("what, action, stands, listed", STATUSES, ids=[row[0] for row in STATUSES])
async def test_a_status_file(store: None, tmp_path: Path, what: str, action: dict[str, Any], stands: str, listed: list[str]) -> None:
    """S65: each row stands for itself, and a file that cannot be read moves nothing."""
    async with csv_town(tmp_path) as here:
        await here.register(130, contract("S1"), contract("S2", buyer=await here.buyer("9160001")))
        await rule(here, action, kind="status", times=1)
        await here.walk("09-28 10:00")
        assert await here.stands("130/S1") == stands
        assert await here.stands("130/S2") == ("DEBITED SHIPPED PENDING" if listed != ["MALFORMED"] else _INSTRUCTED)
        assert await here.exceptions() == listed
        await sound(here)


async def test_a_word_that_becomes_known_is_read_again(store: None, tmp_path: Path) -> None:
    """The rows with the word count from then on, the others changed nothing the second time, and the exception closes by itself."""
    async with csv_town(tmp_path, words={"出した": "picked_up"}) as here:
        await here.register(130, contract("W1"), contract("W2", buyer=await here.buyer("9170001")))
        await rule(here, {"unknown_word": "おでかけ"}, kind="status", times=1)
        await here.walk("09-28 10:00")
        assert await here.stands("130/W1") == _INSTRUCTED
        changed = await change_carrier(CSV, {"word.配達済": "delivered"}, now=await here.now())
        assert changed.read_again == 0
        changed = await change_carrier(CSV, {"word.おでかけ": "picked_up"}, now=await here.now())
        assert changed.read_again == 1
        await here.settle()
        for number in ("W1", "W2"):
            assert await here.stands(f"130/{number}") == "DEBITED SHIPPED PENDING"
        assert [str((await here.contracts())[f"130/{n}"]["shipped_on"]) for n in ("W1", "W2")] == ["2000-09-28", "2000-09-28"]
        assert [x for x in await here.diary("130/W2") if "SHIPPED" in x] == ["09-28 09:00 SHIPPED"]
        assert await here.value("select count(*) from exception where closed_at is null") == 0
        await here.walk("10-04 12:00")
        assert await here.stands("130/W1") == "DEBITED SHIPPED PAID"
        await sound(here)


async def told(here: Town, name: str, *rows: tuple[str, ...]) -> int:
    """A status file by hand: number of the contract (or a reference), tracking number, word, date, time."""
    contracts = await here.contracts()
    lines = ['"お客様管理番号","伝票番号","状況","日付","時刻","備考"']
    for number, *cells in rows:
        found = contracts.get(f"130/{number}")
        reference = f"{found['contract_id']:018d}01" if found is not None else number
        lines.append(",".join(f'"{cell}"' for cell in (reference, *cells, "")))
    content = "".join(f"{line}\r\n" for line in lines).encode("cp932")
    reply_id = await inbox.store(f"carrier:{CSV}", name, "tracking", content, await here.now(), here.machine)
    assert reply_id is not None
    return reply_id


async def open_exceptions(here: Town) -> list[str]:
    return [row["code"] for row in await here.rows("select code from exception where closed_at is null order by exception_id")]


async def test_a_word_is_never_lost_between_reading_and_applying(store: None, tmp_path: Path) -> None:
    """Made known while the file is being read; taken away again; and words that cannot be words."""
    async with csv_town(tmp_path) as here:
        await here.register(130, contract("W1", model="SILENT"), contract("W2", model="SILENT", buyer=await here.buyer("9170001")))
        await here.walk("09-26 12:00")
        now = await here.now()
        first = await told(
            here, "status_20000926_001.csv", ("W1", "1", "おでかけ", "2000/09/26", ""), ("W2", "2", "発送", "2000/09/26", "")
        )
        await reading_replies.read_reply(first, now=now, machine_now=here.machine)  # read, not yet applied
        assert (await change_carrier(CSV, {"word.おでかけ": "picked_up"}, now=now)).read_again == 0
        await here.settle()
        assert [await here.stands(f"130/{n}") for n in ("W1", "W2")] == ["DEBITED SHIPPED PENDING"] * 2
        assert await open_exceptions(here) == []
        await told(
            here,
            "status_20000926_002.csv",
            ("W1", "1", "ついた", "2000/09/26", ""),
            ("W2", "2", "配達完了です,ご確認ください", "2000/09/26", ""),
        )
        await here.settle()
        assert await open_exceptions(here) == ["STATUS_WORD", "STATUS_ROWS"]  # a word with a comma is none, and is not offered
        assert (await change_carrier(CSV, {"word.ついた": "delivered"}, now=now)).read_again == 1
        await change_carrier(CSV, {"word.ついた": None}, now=now)  # taken back before anybody has read it
        await here.settle()
        assert "STATUS_WORD" in await open_exceptions(here)
        assert (await change_carrier(CSV, {"word.ついた": "delivered"}, now=now)).read_again == 1
        await here.settle()
        assert await here.stands("130/W1") == "DEBITED DELIVERED PENDING"
        assert await open_exceptions(here) == ["STATUS_ROWS"]
        await sound(here, level=False)


async def test_the_hour_counts_and_not_the_place_in_the_file(store: None, tmp_path: Path) -> None:
    """The newest row first, as exports have it: what came back is not paid for."""
    async with csv_town(tmp_path) as here:
        await here.register(130, contract("H1", model="SILENT"), contract("H2", model="SILENT", buyer=await here.buyer("9180001")))
        await here.walk("09-26 12:00")
        await told(
            here,
            "status_20000926_001.csv",
            ("H1", "1", "返品", "2000/09/26", "11:00"),
            ("H1", "1", "集荷", "2000/09/26", "9:00"),
            ("H2", "2", "返品", "2000/09/26", ""),
            ("H2", "2", "集荷", "2000/09/26", ""),
        )
        await here.walk("10-04 12:00")
        assert [await here.stands(f"130/{n}") for n in ("H1", "H2")] == ["DEBITED RETURNED PENDING"] * 2
        assert await open_exceptions(here) == []
        await sound(here)


async def test_one_file_cannot_flood_the_list(store: None, tmp_path: Path) -> None:
    """Strangers' references are one finding, words without end hold the file."""
    async with csv_town(tmp_path) as here:
        await here.register(130, contract("F1", model="SILENT"))
        await here.walk("09-26 12:00")
        homes = await here.value("select count(*) from id_head")
        strangers = [(f"{make(1_000 + n, n % 999, n):018d}01", "1", "発送", "2000/09/26", "") for n in range(200)]
        await told(here, "status_20000926_001.csv", *strangers, ("F1", "1", "発送", "2000/09/26", ""))
        await told(here, "status_20000926_002.csv", *[("F1", "1", f"語{n}", "2000/09/26", "") for n in range(50)])
        await here.settle()
        assert await here.stands("130/F1") == "DEBITED SHIPPED PENDING"
        assert (await open_exceptions(here)).count("STATUS_ROWS") == 1
        assert (await open_exceptions(here)).count("MALFORMED") == 1
        assert len(await open_exceptions(here)) < 5
        assert await here.value("select count(*) from id_head") == homes
        await sound(here, level=False)


async def test_an_address_that_is_none_holds_nobody_up(store: None, tmp_path: Path) -> None:
    """The look fails as nobody has foreseen; everybody else's files go on time, and somebody is told."""
    async with csv_town(tmp_path, at_once=False) as here:
        await here.say(
            "update carrier set connector = 'sftp', address = $1 where carrier_id = $2",
            '{"host": "a..example", "port": 22, "user": "u", "key_file": "/nowhere", "known_host": "ssh-ed25519 AAAA"}',
            CSV,
        )
        await here.register(130, contract("N1"))
        for _ in range(12):
            await fetching.fetch_carrier(CSV, services=here.services, holder="x", now=await here.now(), machine_now=here.machine)
        (poll,) = await here.rows("select failures, problem from carrier_poll")
        assert poll["failures"] == 12
        assert await open_exceptions(here) == ["OUT_OF_REACH"]
        await here.walk("10-04 12:00")
        assert await here.stands("130/N1") == "DEBITED SHIPPED PAID"


async def test_a_stop_is_for_a_person(store: None, tmp_path: Path) -> None:
    """No request goes by file; the carrier's row 出荷中止 stops the delivery."""
    async with csv_town(tmp_path) as here:
        await people.create("op-1", firm_id=None, password_hash="x", subject=None, machine_now=here.machine)
        await here.register(130, contract("S1"))
        await here.walk("09-25 12:00")
        await stops.ask(130, "S1", by="op-1", reason="the buyer is gone", now=await here.now(), machine_now=here.machine)
        await here.settle()
        assert [row["answer"] for row in await stops.listed()] == ["NOT_OFFERED"]
        assert await here.exceptions() == ["STOP_NOT_OFFERED"]
        assert await here.stands("130/S1") == _INSTRUCTED
        shipment = (await shipments(here))["S1"]["shipment_id"]
        assert (await here.http.post(f"/carriers/{CSV}/shipments/{shipment}/cancel", json={"reason": "by telephone"})).status_code < 300
        await here.walk("09-25 12:01")
        assert await here.stands("130/S1") == "DEBITED STOPPED PENDING"
        await sound(here)


async def test_the_way_is_closed_and_opens(store: None, tmp_path: Path) -> None:
    """A directory that is gone: the file waits, and goes once when it is back."""
    async with csv_town(tmp_path) as here:
        await here.register(130, contract("D1"))
        there = str(here.sandbox.carrier_drops[CSV].root)
        await change_carrier(CSV, {"address.path": f"{there}.away"}, now=await here.now())
        await here.walk("09-25 12:00")
        (waits,) = await here.rows("select status, problem, tries from batch where kind = 2")
        assert (waits["status"], waits["tries"]) == (2, 1)  # SENDING: the carrier has seen nothing
        assert "No such file or directory" in waits["problem"]
        assert await shipments(here) == {}
        await change_carrier(CSV, {"address.path": there}, now=await here.now())
        await here.later(3600)
        assert list(await shipments(here)) == ["D1"]
        await here.walk("10-04 12:00")
        assert await here.stands("130/D1") == "DEBITED SHIPPED PAID"
        assert (await here.files())["DELIVERY"] == 1
        await sound(here)
