"""The conformance suite of a carrier's settings: can a carrier with these be served, and if not, what is missing?

`make carrier-check CARRIER=settings.json` runs it against the settings of one carrier, as `kessai carrier show ID --json` writes them, together
with the promises of the channels; without, it runs against two invented carriers that have little in common. docs/carriers.md walks through it.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain import carrier_files, carrier_settings, connectors
from domain.calendar import add_days, is_business_day
from domain.contract_id import make
from domain.sending import NextStep, Temporary, Traces, next_step
from domain.statuses import BatchStatus, CalendarKind
from sandbox.carrier_files import read_shipments
from tests.channels.test_carrier_channel import BODY, KEY
from tests.channels.test_carrier_channel import Carrier as Called
from workers.channels.carrier import Answer
from workers.channels.errors import Refused
from workers.formats import carrier_files as form
from workers.formats.shapes import Unreadable

HERE = Path(__file__).parent / "carriers"
GIVEN = os.environ.get("KESSAI_CARRIER", "")
FILES = [Path(GIVEN)] if GIVEN else sorted(HERE.glob("*.json"))
TODAY = date(2026, 11, 20)  # a Friday before a long weekend
SHOWN_TO_NOBODY, SECRET = "***", "whsec_" + "QUJD" * 12
GOODS = [{"name": "プリンタ", "model": "MM100", "quantity": 1}, {"name": "=1+1", "model": None, "quantity": 3}]
SHIPMENTS: list[dict[str, Any]] = [
    {
        "shipment_id": f"{make(57_312_000, 1, n):018d}01",
        "contract_id": f"{make(57_312_000, 1, n):018d}",
        "number": f"41{n:02d}",
        "ship_from": {"name": "C社", "postal_code": None, "address": "渋谷区恵比寿"},
        "ship_to": {"name": '"D", 社', "postal_code": "107-0061", "address": "港区北青山三丁目六番七号〜青山パラシオタワー十一階東側"},
        "goods": GOODS,
    }
    for n in range(3)
]


@dataclass(frozen=True, slots=True)
class Subject:
    """A carrier under test: what its file says, by setting."""

    said: Mapping[str, Any]

    @property
    def called(self) -> bool:
        return bool(self.said["connector"] == "http")

    @property
    def words(self) -> Mapping[str, str]:
        words: Mapping[str, str] = self.said["status_words"]
        return words


def read_settings(path: Path) -> dict[str, Any]:
    """Everything that a file says, by setting. What it does not say is not there. A secret is shown to nobody, so another stands for it."""
    content = json.loads(path.read_text(encoding="utf-8"))
    said: dict[str, Any] = {"carrier_id": content["carrier"], "address": {}, "status_words": {}}
    for row in content["settings"]:
        name, value = carrier_settings.read_change(f"{row['name']}={row['value']}")
        if name.startswith(connectors.ADDRESS):
            said["address"][name.removeprefix(connectors.ADDRESS)] = SECRET if value == SHOWN_TO_NOBODY else value
        elif name.startswith(carrier_settings.WORD):
            said["status_words"][name.removeprefix(carrier_settings.WORD)] = value
        else:
            said[name] = value
    return said


def missing(said: Mapping[str, Any]) -> list[str]:
    return [setting.name for setting in carrier_settings.SETTINGS if setting.name not in said]


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def carrier(request: pytest.FixtureRequest) -> Subject:
    said = read_settings(request.param)
    if missing(said):
        pytest.fail(f"{request.param.name} does not say: {', '.join(missing(said))}")
    return Subject(said)


@pytest.fixture
def files(carrier: Subject) -> Subject:
    if carrier.called:
        pytest.skip("it is called: no files go to it")
    return carrier


def test_the_settings_can_be_so(carrier: Subject):
    found = carrier_settings.problems(carrier.said)
    assert not found, "\n".join(map(str, found))


def test_its_days_can_be_kept(carrier: Subject):
    """What is instructed today is planned to leave on a day on which it works, and silence has an end."""
    calendar = CalendarKind(carrier.said["calendar"])
    leaves = add_days(calendar, TODAY, carrier.said["ship_days"])
    assert carrier.said["ship_days"] == 0 or is_business_day(calendar, leaves)
    assert TODAY + timedelta(days=carrier.said["overdue_days"]) > TODAY


def test_what_may_have_been_lost_goes_again_only_to_who_recognises_it(carrier: Subject):
    todo = next_step(BatchStatus.RELEASING, Traces(Temporary.CANNOT_TELL), deduplicates=carrier.said["deduplicates"])
    assert todo is (NextStep.SEND_AGAIN if carrier.said["deduplicates"] else NextStep.MARK_UNKNOWN)


async def test_a_call_is_taken_once(carrier: Subject):
    if not carrier.called:
        pytest.skip("it is given files: nobody calls it")
    stranger = Called(deduplicates=carrier.said["deduplicates"])
    async with stranger.channel() as channel:
        first = await channel.post(KEY, BODY)
        assert isinstance(first, Answer)
        assert await channel.post(KEY, BODY) == (first if carrier.said["deduplicates"] else None)
        assert await channel.ask(KEY) == first
        with pytest.raises(Refused):
            await channel.post(KEY, b"{}")
    assert len(stranger.taken) == 1


def test_a_file_is_what_the_carrier_reads(files: Subject):
    """To the byte as docs/wire.md section 6 has it, by a reader that is not ours."""
    written = form.write(SHIPMENTS, TODAY, files.said["billing_code"])
    assert written.left_out == []
    text = written.content.decode("cp932")
    assert text.count("\r\n") == text.count("\n") == len(SHIPMENTS) + 1
    assert all(line.startswith('"') and line.endswith('"') for line in text.splitlines())
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert [row["お客様管理番号"] for row in rows] == [shipment["shipment_id"] for shipment in SHIPMENTS]
    assert {row["請求先顧客コード"] for row in rows} == {files.said["billing_code"] or ""}
    assert {row["お届け先名称1"] for row in rows} == {'"D", 社'}
    assert not any(cell[:1] in ("=", "+", "-", "@") for row in rows for cell in row.values() if cell)
    read = read_shipments(written.content, files.said["billing_code"])
    assert [(row.reference, row.mistakes) for row in read] == [(shipment["shipment_id"], []) for shipment in SHIPMENTS]
    assert {row.load["ship_to"]["address"] for row in read} == {"港区北青山三丁目六番七号～青山パラシオタワー十一階東側"}
    assert {tuple(row.load["goods"]) for row in read} == {("プリンタ MM100 x1", "＝1+1 x3")}


def quoted(rows: Iterable[Iterable[str]]) -> bytes:
    return "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in rows).encode("cp932")


def test_its_results_are_read(files: Subject):
    """By the names of the columns, whatever their order and whatever stands beside them; a row that says neither yes nor no holds the file."""
    first, second, _ = (shipment["shipment_id"] for shipment in SHIPMENTS)
    names = ["備考", "結果", "伝票番号", "お客様管理番号", "理由"]
    data = quoted([names, ["x", "受付", "900000000001", first, ""], ["", "エラー", "", second, "住所不明"]])
    taken, refused = form.read_results(data)
    assert (taken.shipment_id, taken.taken, taken.tracking_number) == (first, True, "900000000001")
    assert (refused.shipment_id, refused.taken, refused.reason) == (second, False, "住所不明")
    with pytest.raises(Unreadable):
        form.read_results(quoted([names, ["", "保留", "", first, ""]]))


def test_every_word_of_it_is_understood(files: Subject):
    """The common ones and its own, its own first; a word that no table has is told apart and moves nothing."""
    reference = SHIPMENTS[0]["shipment_id"]
    words = {**carrier_files.WORDS, **files.words}
    rows = [[reference, "900000000001", word, "2026/11/20", "", ""] for word in words]
    said = form.read_statuses(
        quoted([["お客様管理番号", "伝票番号", "状況", "日付", "時刻", "備考"], *rows, [reference, "", "宇宙", "2026/11/20", "", ""]]),
        files.words,
    )
    assert [(row.kind, row.on) for row in said.happened] == [(kind, TODAY) for kind in words.values()]
    assert list(said.words) == ["宇宙"]
    assert said.unheard == []


def test_names_in_both_directions_are_told_apart():
    name = carrier_files.request_name(57_312_345_001_000_018)
    assert name == "ship_057312345001000018.csv"
    assert [carrier_files.kind_of(n) for n in (f"{name}.result.csv", f"{name}.result.2.csv", "status_20261120_001.csv", name, "x.csv")] == [
        "shipped", "shipped", "tracking", "other", "other",
    ]  # fmt: skip


def test_a_file_that_does_not_say_everything_is_told_what_is_missing(tmp_path: Path):
    """This suite can fail: the names of what is missing are those of `kessai carrier set`."""
    content = json.loads((HERE / "south.json").read_text(encoding="utf-8"))
    content["settings"] = [row for row in content["settings"] if row["name"] not in {"ship_days", "address.path"}]
    path = tmp_path / "south.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    said = read_settings(path)
    assert missing(said) == ["ship_days"]
    assert [mistake.name for mistake in carrier_settings.problems(said | {"ship_days": 1})] == ["address"]
