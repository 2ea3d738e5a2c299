"""Carriers in the store and by command: saved whole or not at all, secrets shown to nobody, a carrier looked over without sending anything."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from domain import connectors
from domain.carrier_settings import problems
from domain.contract_id import make
from domain.signing import verify
from domain.statuses import BatchStatus, Kind
from domain.store import clock
from domain.store.administration import Carrier, NotThere, Refused, Site, create_carrier, create_site, list_carriers
from domain.store.carrier_changes import change_carrier
from domain.store.connection import open_store, reading, transaction
from kessai.cli import main

START = datetime.fromisoformat("2000-09-20T09:00:00+09:00")
SECRET = "whsec_" + "QUJD" * 12
CALLED = Carrier("north", "北運輸", "https://north.example/api", SECRET)
FILES = Carrier("south", "南運輸", connector="directory", address={"path": "/srv/south"}, status_words={"配達済": "delivered"})


# -- in the store -------------------------------------------------------------------------------------------------------------------


async def columns(carrier_id: str) -> dict[str, Any]:
    async with reading() as tx:
        row = await tx.row("select * from carrier where carrier_id = $1", carrier_id)
    return {} if row is None else dict(row)


async def batch(number: int, status: BatchStatus, carrier: str = "north", home: int = 1) -> None:
    sealed = status is not BatchStatus.OPEN
    async with transaction() as tx:
        await tx.run(
            "insert into batch (home, batch_id, kind, site_id, carrier_id, value_on, number, status, seal_at, deadline_at, name, sha256, "
            "sent_at, overdue_at, takes_from) values ($1, $2, $3, 130, $4, $5, $6, $7, $8, $8, $9, $10, $8, $8, $2)",
            home,
            number,
            int(Kind.DELIVERY),
            carrier,
            date(2000, 9, 24),
            number if sealed else None,
            int(status),
            START,
            f"{number:018d}" if sealed else None,
            b"x" if sealed else None,
        )


async def test_a_carrier_is_kept_by_its_way_and_shown_without_its_secret(store: None):
    await create_carrier(CALLED)
    await create_carrier(FILES)
    called, files = await columns("north"), await columns("south")
    assert (called["url"], called["secret"], called["address"]) == ("https://north.example/api", SECRET, "{}")
    assert (files["url"], files["secret"], json.loads(files["address"])) == (None, None, {"path": "/srv/south"})
    shown = {row["carrier_id"]: row for row in await list_carriers()}
    assert shown["north"]["address"] == {"url": "https://north.example/api", "secret": "***"}
    assert shown["south"]["status_words"] == {"配達済": "delivered"}
    assert "url" not in shown["north"].keys() | shown["south"].keys()
    assert SECRET not in repr(shown)


async def test_what_cannot_be_so_is_refused_at_once_and_nothing_is_saved(store: None):
    with pytest.raises(Refused, match=r"address\.url.*address\.secret.*ship_days") as refused:
        await create_carrier(Carrier("north", "北運輸", "http://north.example", "whsec_QUJD", ship_days=61))
    assert refused.value.code == "CARRIER_SETTINGS"
    with pytest.raises(Refused, match=r"address\.url"):
        await create_carrier(Carrier("north", "北運輸", "https://north.example", connector="directory", address={"path": "/srv"}))
    assert await list_carriers() == []
    await create_carrier(CALLED)
    with pytest.raises(Refused, match="overdue_days"):
        await change_carrier("north", {"ship_days": 1, "overdue_days": 0}, now=START)
    assert (await columns("north"))["ship_days"] == 3
    with pytest.raises(NotThere):
        await change_carrier("east", {"ship_days": 1}, now=START)


async def test_what_is_changed_and_only_that(store: None):
    await create_carrier(FILES)
    before = await columns("south")
    changed = await change_carrier("south", {"ship_days": 1, "overdue_days": 7, "word.配達済": None, "word.持出": "in_transit"}, now=START)
    assert changed.settings == {"ship_days": (3, 1), "status_words": ({"配達済": "delivered"}, {"持出": "in_transit"})}
    after = await columns("south")
    assert json.loads(after["status_words"]) == {"持出": "in_transit"}
    assert {name for name in after if after[name] != before[name]} == {"ship_days", "status_words"}


@pytest.mark.parametrize("status", [BatchStatus.SEALED, BatchStatus.SENDING, BatchStatus.RELEASING])
async def test_a_carrier_keeps_its_way_while_something_is_sealed_for_it(store: None, status: BatchStatus):
    """What is sealed for a call is no file: it goes first."""
    await create_carrier(CALLED)
    await create_carrier(FILES)
    await create_site(Site(130, 1, "130", "north"))
    await batch(1, status)
    await batch(2, status, home=2)
    await batch(3, BatchStatus.OPEN)
    away = {"connector": "directory", "address.path": "/srv/north"}
    with pytest.raises(Refused, match="connector: 2 batches are sealed for http and not sent"):
        await change_carrier("north", away, now=START)
    with pytest.raises(Refused, match="2 batches are sealed"):  # nor by being made known once more
        await create_carrier(Carrier("north", "北運輸", connector="directory", address={"path": "/srv/north"}))
    assert (await columns("north"))["connector"] == "http"
    await change_carrier("north", {"address.url": "https://new.example"}, now=START)  # the same way, elsewhere
    await change_carrier(
        "south", {"connector": "http", "address.url": "https://south.example", "address.secret": SECRET}, now=START
    )  # none waits there
    async with transaction() as tx:
        await tx.run("update batch set status = $1 where home = 1 and batch_id = 1", int(BatchStatus.SENT))
        await tx.run("update batch set status = $1 where home = 2 and batch_id = 2", int(BatchStatus.ANSWERED))
    changed = await change_carrier("north", away, now=START)
    assert changed.unanswered == 1
    after = await columns("north")
    assert (after["connector"], after["url"], after["secret"], json.loads(after["address"])) == (
        "directory",
        None,
        None,
        {"path": "/srv/north"},
    )
    assert (await change_carrier("north", {"ship_days": 1}, now=START)).unanswered == 0


# -- by command ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("DATABASE_URL", database_url)

    def command(*words: str, status: int = 0, plain: bool = False) -> Any:
        found = main([*words] if plain else [*words, "--json"])
        said = capsys.readouterr()
        assert found == status, said.out + said.err
        assert SECRET.removeprefix("whsec_") not in said.out + said.err
        return said.out if plain else json.loads(said.out)

    return command


@pytest.fixture
def place(run: Any, database_url: str, tmp_path: Path) -> Path:
    """A carrier `south` in a directory with its `in` and `out`, and a business clock."""

    async def opened() -> None:
        async with open_store(database_url), transaction() as tx:
            await clock.prepare(tx, sandbox=True, start=START, ticking=False, machine_now=datetime.now(UTC))

    for name in ("in", "out"):
        (tmp_path / "carrier" / name).mkdir(parents=True)
    asyncio.run(opened())
    run("carrier", "add", "south", "南運輸", "--directory", str(tmp_path / "carrier"), "--billing-code", "01234")
    return tmp_path / "carrier"


def values(run: Any, carrier: str) -> dict[str, str]:
    return {row["name"]: row["value"] for row in run("carrier", "show", carrier)["settings"]}


def found(report: dict[str, Any], what: str) -> list[tuple[str, str]]:
    return [(finding["state"], finding["words"]) for finding in report["findings"] if finding["what"] == what]


def states(report: dict[str, Any], what: str) -> list[str]:
    return [state for state, _ in found(report, what)]


def test_settings_are_shown_and_set(run: Any, place: Path):
    shown = values(run, "south")
    assert (shown["connector"], shown["address.path"], shown["billing_code"], shown["ship_days"]) == ("directory", str(place), "01234", "3")
    changed = run(
        "carrier",
        "set",
        "south",
        "ship_days=1",
        "billing_code=",
        "overdue_days=7",
        "--word",
        "配達済=delivered",
        "--word",
        "持出=in_transit",
    )
    assert changed["changed"] == {
        "ship_days": ["3", "1"],
        "billing_code": ["01234", ""],
        "status_words": ["none", "持出=in_transit, 配達済=delivered"],
    }
    assert values(run, "south")["word.配達済"] == "delivered"
    assert "運送会社" not in run("carrier", "show", "south", plain=True)
    assert run("carrier", "set", "south", "ship_days=1", plain=True).startswith("Nothing has changed")
    assert "配達済=delivered -> 配達済=delivered" in run("carrier", "set", "south", "--word", "持出=", plain=True)
    run("carrier", "add", "south", "新南運輸", "--directory", str(place))  # a script that runs again
    shown = values(run, "south")
    assert (shown["name"], shown["word.配達済"]) == ("新南運輸", "delivered")


def test_what_cannot_be_is_said_in_one_sentence_each(run: Any, place: Path):
    for words in (["set", "south"], ["set", "south", "ship_day=1"], ["set", "south", "--word", "配達済=arrived"], ["add", "x", "x"]):
        assert run("carrier", *words, status=2)["error"]["code"] == "COMMAND"
    refused = run("carrier", "set", "south", "ship_days=99", "address.url=https://x.example", status=3)["error"]
    assert refused["code"] == "CARRIER_SETTINGS"
    assert "ship_days" in refused["what"]
    assert "address.url" in refused["what"]
    assert run("carrier", "add", "South", "南", "--directory", str(place), status=3)["error"]["code"] == "CARRIER_SETTINGS"
    for words in (["set", "east", "ship_days=1"], ["show", "east"]):
        assert run("carrier", *words, status=3)["error"]["code"] == "NOT_FOUND"
    assert run("carrier", "test", "east", status=2)["error"]["code"] == "NOT_FOUND"


def test_a_secret_goes_in_and_never_comes_out(run: Any, place: Path, tmp_path: Path):
    """`run` looks for it in everything that any of these commands says."""
    (tmp_path / "secret").write_text(SECRET + "\n")
    run("carrier", "add", "north", "北運輸", "--url", "http://127.0.0.1:9", "--secret-file", str(tmp_path / "secret"))
    (tmp_path / "two").write_text("whsec_" + "QUFB" * 12 + " " + SECRET)
    changed = run("carrier", "set", "north", "--secret-file", str(tmp_path / "two"), "ship_days=2")
    assert changed["changed"]["ship_days"] == ["3", "2"]
    assert changed["changed"]["address"][0].count("***") == 1
    assert values(run, "north")["address.secret"] == "***"
    for words in (
        ["list"],
        ["show", "north"],
        ["set", "north", "ship_days=99"],
        ["test", "north"],
        ["set", "north", f"address.secret={SECRET}x"],
    ):
        run("carrier", *words, plain=True, status=1 if "test" in words else 3 if "set" in words else 0)
    assert run("carrier", "add", "x", "x", "--url", "http://127.0.0.1:9", status=2)["error"]["code"] == "COMMAND"
    assert run("carrier", "set", "north", "--secret-file", str(tmp_path / "none"), status=2)["error"]["code"] == "COMMAND"
    assert {row["carrier_id"]: row["address"] for row in run("carrier", "list")}["north"]["secret"] == "***"


@pytest.mark.parametrize("carrier", ["north", "south"])
def test_what_is_shown_is_what_the_conformance_suite_reads(run: Any, place: Path, tmp_path: Path, carrier: str):
    from tests.channels.test_carrier_settings import missing, read_settings

    (tmp_path / "secret").write_text(SECRET)
    run("carrier", "add", "north", "北運輸", "--url", "https://north.example", "--secret-file", str(tmp_path / "secret"), "--plain")
    run("carrier", "set", "south", "--word", "配達済=delivered")
    (tmp_path / "x.json").write_text(json.dumps(run("carrier", "show", carrier)), encoding="utf-8")
    said = read_settings(tmp_path / "x.json")
    assert missing(said) == []
    assert problems(said) == []
    assert set(said["address"]) == connectors.CONNECTORS[said["connector"]]
    assert said["status_words"] == ({"配達済": "delivered"} if carrier == "south" else {})


def cells(*rows: tuple[str, ...]) -> bytes:
    return "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in rows).encode("cp932")


def test_a_carrier_of_files_is_looked_over_and_nothing_is_sent(run: Any, place: Path):
    report = run("carrier", "test", "south")
    assert (report["would_fail"], states(report, "sites"), states(report, "connection")) == (0, ["note"], ["fine"])
    assert "2000-09-25" in found(report, "calendar")[0][1]  # three bank days after 2000-09-20: 21, 22, 25
    assert "2000-09-27" in found(report, "calendar")[0][1]
    assert "Nothing was sent" in run("carrier", "test", "south", plain=True)
    run("site", "add", "130", "130", "--home", "1", "--carrier", "south")
    run("site", "route", "add", "130", "south", "--goods", "冷蔵*")
    out = place / "out"
    columns = ("お客様管理番号", "伝票番号", "状況", "日付", "時刻", "備考")
    one = f"{make(57_312_000, 1, 12):018d}01"
    happened = [
        (one, "9", "発送済み", "2000/09/23", "", ""),
        (one, "9", "配達済", "2000/09/24", "", ""),
        (one, "9", "配達済", "2000/09/25", "", ""),
    ]
    (out / "status_20000924_001.csv").write_bytes(cells(columns, *happened, ("1", "9", "紛失", "2000/09/24", "", "")))
    (out / "ship_057312000001000012.csv.result.csv").write_bytes(
        cells(("お客様管理番号", "伝票番号", "結果", "理由"), (one, "9", "受付", ""))
    )
    (out / "ship_057312000001000013.csv.result.csv").write_bytes(b"\x80\x81")
    (out / "letter.txt").write_bytes(b"Dear Sirs")
    report = run("carrier", "test", "south", status=1)
    assert states(report, "sites") == ["fine", "fine"]
    assert [words.split(":")[0] for _, words in found(report, "names")] == [
        "2 results, 1 status files, 1 that nothing explains",
        "kept and listed as UNKNOWN_FILE",
    ]
    assert states(report, "reading") == ["fine", "fails", "fine", "fails"]  # two results; a status file, and its row without a shipment
    assert found(report, "words") == [("fails", "2 rows say '配達済', which no table has: kessai carrier set south --word 配達済=...")]
    run("carrier", "set", "south", "--word", "配達済=delivered")
    assert states(run("carrier", "test", "south", status=1), "words") == ["fine"]
    assert list((place / "in").iterdir()) == []
    out.rename(place / "away")
    assert states(run("carrier", "test", "south", status=1), "connection") == ["fails"]
    sftp = (
        "connector=sftp",
        "address.host=127.0.0.1",
        "address.port=1",
        "address.user=u",
        f"address.key_file={place}/key",
        "address.known_host=none",
    )
    run("carrier", "set", "south", *sftp)
    report = run("carrier", "test", "south", status=1)
    assert (states(report, "key"), states(report, "host key"), states(report, "connection")) == (["fails"], ["fails"], ["fails"])


@pytest.mark.parametrize("status, state", [(404, "fine"), (200, "fails"), (401, "fails"), (500, "fails")])
def test_a_carrier_that_is_called_is_asked_after_a_batch_that_never_was(
    run: Any, place: Path, tmp_path: Path, status: int, state: str, monkeypatch: pytest.MonkeyPatch
):
    calls = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert verify([SECRET], request.headers, request.content, datetime.now(UTC))
        calls.append((request.method, request.url.path))
        return httpx2.Response(status, content=b"{}")

    async def sent(_: Any, request: httpx2.Request) -> httpx2.Response:
        return answer(request)

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", sent)
    (tmp_path / "secret").write_text(SECRET)
    run("carrier", "add", "north", "北運輸", "--url", "https://north.example/api", "--secret-file", str(tmp_path / "secret"), "--plain")
    report = run("carrier", "test", "north", status=0 if state == "fine" else 1)
    assert states(report, "connection") == [state]
    assert states(report, "settings") == ["fine", "note"]  # it does not recognise what it had
    assert calls == [("GET", "/api/shipment-batches/000000000000000000")]
