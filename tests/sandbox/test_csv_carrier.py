"""The carrier that is given files: CSV in, CSV out, byte for byte."""

import csv
import io
import logging
from typing import Any

import asyncssh
import pytest

from sandbox.carrier_files import MAX_STATUS_ROWS, SHIPMENT_COLUMNS, Unreadable, read_shipments, read_table
from sandbox.config import ConfigError, read_config
from sandbox.sftp import SftpGate
from tests.sandbox.conftest import Maker
from tests.sandbox.test_sftp import client, upload
from tests.sandbox.worlds import Sandbox, configuration

BATCH = "057312345001000018"
NAME = f"ship_{BATCH}.csv"
ID = "sandbox-csv"
SHIPMENTS = f"/carriers/{ID}/shipments"


@pytest.fixture
async def sandbox(make_sandbox: Maker) -> Sandbox:
    return await make_sandbox(of_kind("deduplicating"))


def of_kind(kind: str, **changes: Any) -> dict[str, Any]:
    config = configuration(sftp={"port": 0})
    config["carriers"].append({"id": ID, "format": "csv", "kind": kind, "calendar": "EVERY_DAY", **changes})
    return config


def reference(number: int) -> str:
    return f"{57312000001000000 + number:018d}01"


def row(number: int, goods: str = "プリンタ MM100 x1", **changes: str) -> dict[str, str]:
    values = dict.fromkeys(SHIPMENT_COLUMNS, "") | {
        "お客様管理番号": reference(number), "送り状種別": "0", "クール区分": "0", "出荷予定日": "2000/09/28",
        "お届け先郵便番号": "107-0062", "お届け先住所1": "東京都港区南青山三丁目一番三号　", "お届け先住所2": "スプライン青山東急ビル",
        "お届け先名称1": 'D社"本店"', "敬称": "様", "ご依頼主住所1": "渋谷区恵比寿", "ご依頼主名称1": "C社,東京", "品名1": goods,
        "出荷個数": "1", "代引金額": "0", "注文番号": str(4100 + number), "請求先顧客コード": "0312345678",
    }  # fmt: skip
    return values | changes


def written(*rows: dict[str, str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(rows[0] if rows else SHIPMENT_COLUMNS)
    writer.writerows(line.values() for line in rows)
    return text.getvalue().encode("cp932")


async def send(sandbox: Sandbox, content: bytes, name: str = NAME) -> None:
    (sandbox.directory / "carriers" / ID / "in" / name).write_bytes(content)
    await sandbox.settle()


def out(sandbox: Sandbox) -> list[str]:
    return sorted(path.name for path in (sandbox.directory / "carriers" / ID / "out").iterdir())


def read(sandbox: Sandbox, name: str) -> bytes:
    return (sandbox.directory / "carriers" / ID / "out" / name).read_bytes()


def rows_of(sandbox: Sandbox, name: str) -> list[list[str]]:
    """The rows below the header, as the standard library reads them."""
    return list(csv.reader(io.StringIO(read(sandbox, name).decode("cp932"), newline=""), strict=True))[1:]


async def known(sandbox: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await sandbox.http.get(SHIPMENTS)).json()["shipments"]
    return found


async def rule(sandbox: Sandbox, action: dict[str, Any], **match: Any) -> None:
    answer = await sandbox.http.post(f"/carriers/{ID}/rules", json={"match": match, "action": action})
    assert answer.status_code == 201, answer.text


def golden(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("cp932")


# -- what is read and written ----------------------------------------------------------------------------------------


async def test_a_file_its_result_and_its_statuses(sandbox: Sandbox):
    await sandbox.clock("09-25 10:00")
    await send(sandbox, written(row(1), row(2, "机 REJECT x2"), row(3, "箱 ABSENT x1")))
    assert read(sandbox, f"{NAME}.result.csv") == golden(
        '"お客様管理番号","伝票番号","結果","理由"',
        '"05731200000100000101","900000000001","受付",""',
        '"05731200000100000201","","エラー","取扱不可"',
        '"05731200000100000301","900000000003","受付",""',
    )
    assert (await sandbox.clock("09-28 08:59"))["next"] == "2000-09-28T09:00:00+09:00"
    await sandbox.clock("09-30 23:00")
    assert out(sandbox) == [
        f"{NAME}.result.csv",
        "status_20000928_001.csv",
        "status_20000929_001.csv",
        "status_20000929_002.csv",
        "status_20000930_001.csv",
    ]
    assert read(sandbox, "status_20000928_001.csv") == golden(
        '"お客様管理番号","伝票番号","状況","日付","時刻","備考"',
        '"05731200000100000301","900000000003","発送済み","2000/09/28","",""',
        '"05731200000100000101","900000000001","発送済み","2000/09/28","",""',
    )
    failed = golden(
        '"お客様管理番号","伝票番号","状況","日付","時刻","備考"',
        '"05731200000100000301","900000000003","ご不在","2000/09/29","09:00","ご不在"',
    )
    assert [read(sandbox, f"status_20000929_00{n}.csv") for n in (1, 2)] == [failed, failed]  # the same row, in another file
    assert (sandbox.api.hooks, [s["status"] for s in await known(sandbox)]) == ([], ["picked_up", "rejected", "attempt_failed"])


async def test_what_was_read_can_be_looked_at(sandbox: Sandbox):
    await sandbox.clock("09-25 10:00")
    await send(sandbox, written(row(1, 品名2="他2品")))
    assert await known(sandbox) == [
        {
            "shipment_id": reference(1),
            "batch_id": BATCH,
            "contract_id": reference(1)[:18],
            "number": "4101",
            "plan": "DEFAULT",
            "status": "accepted",
            "tracking_number": "900000000001",
            "reason": None,
            "instructed_on": "2000-09-25",
            "ship_from": {"name": "C社,東京", "postal_code": None, "address": "渋谷区恵比寿"},
            "ship_to": {
                "name": 'D社"本店"',
                "postal_code": "107-0062",
                "address": "東京都港区南青山三丁目一番三号　スプライン青山東急ビル",
            },
            "goods": ["プリンタ MM100 x1", "他2品"],
        }
    ]


async def test_columns_are_found_by_their_names(sandbox: Sandbox):
    lines = [dict(reversed(row(n).items())) | {"メモ": "-"} for n in (1, 2)]
    await send(sandbox, written(*lines))
    assert [(s["number"], s["ship_from"]["name"]) for s in await known(sandbox)] == [("4101", "C社,東京"), ("4102", "C社,東京")]


async def test_plans_and_words_of_its_own(make_sandbox: Maker):
    """A model may be any word of any of the goods; an event may have any word."""
    changes = {"models": {"MM100": "LOST_BEFORE"}, "words": {"lost": "事故品", "cancelled": "調査中"}, "billing_code": "0312345678"}
    sandbox = await make_sandbox(of_kind("plain", **changes))
    await send(sandbox, written(row(1), row(2, "机", 品名2="重い 椅子 CANCELLED x1"), row(3, 請求先顧客コード="0399999999")))
    assert [line[2:] for line in rows_of(sandbox, f"{NAME}.result.csv")][2] == ["エラー", "請求先顧客コード:契約なし"]
    await sandbox.clock("09-30 09:00")
    assert [line[2] for name in out(sandbox)[1:] for line in rows_of(sandbox, name)] == ["調査中", "事故品"]


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"お客様管理番号": "0573120000010000120"}, "お客様管理番号:20桁の数字"),
        ({"お客様管理番号": "０５７３１２０００００"}, "お客様管理番号:20バイト超過 お客様管理番号:20桁の数字"),
        ({"お届け先住所3": "あ" * 16 + "a"}, "お届け先住所3:32バイト超過"),
        ({"ご依頼主名称3": "ｱ" * 33}, "ご依頼主名称3:32バイト超過"),
        ({"注文番号": "1" * 65}, "注文番号:64バイト超過"),
        ({"お届け先郵便番号": "1" * 17}, "お届け先郵便番号:16バイト超過"),
        ({"品名1": ""}, "品名1:必須"),
        ({"品名1": "=1+1"}, "品名1:数式"),
        ({"お届け先名称1": "D\r\n社"}, "お届け先名称1:制御文字"),
        ({"代引金額": "1"}, "代引金額:値不正"),
        ({"敬称": ""}, "敬称:値不正"),
        ({"出荷予定日": "2000-09-28"}, "出荷予定日:日付不正"),
        ({"出荷予定日": "2000/02/30"}, "出荷予定日:日付不正"),
    ],
)
async def test_a_row_that_cannot_be_taken(sandbox: Sandbox, changes: dict[str, str], reason: str):
    """It says why, and the others are taken; what fits to the byte is."""
    await send(sandbox, written(row(1, **changes), row(2, 品名1="あ" * 16, 注文番号="1" * 64, お届け先郵便番号="1" * 16)))
    first, second = rows_of(sandbox, f"{NAME}.result.csv")
    assert (first[1:], second[1:]) == (["", "エラー", reason], ["900000000001", "受付", ""])
    assert [s["shipment_id"] for s in await known(sandbox)] == [reference(2)]


WHOLE = written(row(1))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        WHOLE[:-2],
        WHOLE[:-10],
        WHOLE + b'"05731200000100000201",',
        WHOLE.replace(b"\r\n", b"\n"),
        WHOLE.replace(b'"4101"', b"4101"),
        WHOLE.replace(b',"4101"', b""),
        WHOLE.replace("敬称".encode("cp932"), "敬語".encode("cp932")),
        WHOLE.replace("敬称".encode("cp932"), "品名1".encode("cp932")),
        WHOLE.decode("cp932").encode(),
        written(),
        written(*(row(n) for n in range(1001))),
    ],
    ids=["empty", "no-end", "torn", "begun", "lf", "unquoted", "short-row", "no-column", "column-twice", "utf-8", "no-rows", "too-many"],
)
async def test_a_file_that_cannot_be_read_is_not_answered(sandbox: Sandbox, content: bytes, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "sandbox.carrier"):
        await send(sandbox, content)
    assert (out(sandbox), await known(sandbox)) == ([], [])
    assert [record.getMessage().split(":")[:2] for record in caplog.records] == [[ID, f" cannot read {NAME}"]]
    assert (sandbox.directory / "carriers" / ID / "taken" / NAME).read_bytes() == content
    with pytest.raises(Unreadable):
        read_shipments(content, None)
    await send(sandbox, WHOLE)  # the name is known for ever
    assert [line[1:] for line in rows_of(sandbox, f"{NAME}.result.2.csv")] == [["", "エラー", "同名別内容"]]
    assert await known(sandbox) == []


async def test_only_complete_files_of_shipments_are_read(sandbox: Sandbox):
    await send(sandbox, WHOLE, f"{NAME}.tmp")
    assert [path.name for path in (sandbox.directory / "carriers" / ID / "in").iterdir()] == [f"{NAME}.tmp"]
    await send(sandbox, WHOLE, "orders.csv")
    assert (out(sandbox), await known(sandbox)) == ([], [])


def test_quotes_commas_and_line_ends_within_a_field():
    assert read_table(b'"a","b ""x"", y"\r\n"1\r\n2",""\r\n') == (["a", 'b "x", y'], [["1\r\n2", ""]])


# -- once ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["deduplicating", "plain"])
async def test_a_name_that_was_here_before(make_sandbox: Maker, kind: str):
    sandbox = await make_sandbox(of_kind(kind))
    await send(sandbox, written(row(1), row(2)))
    first = read(sandbox, f"{NAME}.result.csv")
    before = (await sandbox.settle())["published"]
    await send(sandbox, written(row(1), row(2)))
    if kind == "plain":
        assert rows_of(sandbox, f"{NAME}.result.2.csv") == [[reference(n), "", "エラー", "二重登録"] for n in (1, 2)]
    await send(sandbox, written(row(3)))
    number = 3 if kind == "plain" else 2
    assert rows_of(sandbox, f"{NAME}.result.{number}.csv") == [[reference(3), "", "エラー", "同名別内容"]]
    assert (read(sandbox, f"{NAME}.result.csv"), len(out(sandbox))) == (first, number)
    after = (await sandbox.settle())["published"]
    assert (before[ID], after[ID]) == (1, number)
    assert [s["shipment_id"] for s in await known(sandbox)] == [reference(1), reference(2)]
    await sandbox.clock("09-30 09:00")
    assert len(rows_of(sandbox, "status_20000923_001.csv")) == 2


async def test_a_deduplicating_carrier_writes_its_first_result_again(sandbox: Sandbox):
    await send(sandbox, WHOLE)
    first = sandbox.directory / "carriers" / ID / "out" / f"{NAME}.result.csv"
    content = first.read_bytes()
    first.unlink()
    await send(sandbox, WHOLE)
    assert (first.read_bytes(), out(sandbox)) == (content, [first.name])


async def test_a_known_shipment_in_another_file(sandbox: Sandbox):
    await send(sandbox, written(row(1), row(1)))
    await send(sandbox, written(row(1), row(2)), f"ship_{int(BATCH) + 1:018d}.csv")
    assert [line[1:] for name in out(sandbox) for line in rows_of(sandbox, name)] == [
        ["900000000001", "受付", ""],
        ["", "エラー", "二重登録"],
        ["", "エラー", "二重登録"],
        ["900000000002", "受付", ""],
    ]


async def test_a_second_start_goes_on(make_sandbox: Maker):
    """What was taken and not answered is answered; statuses are numbered on."""
    sandbox = await make_sandbox(of_kind("plain"))
    await send(sandbox, written(row(1), row(2, "机 TWICE x1")))
    await sandbox.clock("09-23 09:00")
    await sandbox.close()
    root = sandbox.directory / "carriers" / ID
    other = f"ship_{int(BATCH) + 1:018d}.csv"
    (root / "work" / f"0123~{other}").write_bytes(written(row(3)))
    again = await make_sandbox(of_kind("plain"))
    assert out(again) == [f"{NAME}.result.csv", f"{other}.result.csv", "status_20000923_001.csv"]
    await again.clock("09-23 10:00")
    assert rows_of(again, "status_20000923_002.csv") == [rows_of(again, "status_20000923_001.csv")[1]]


# -- who waits for quiet ---------------------------------------------------------------------------------------------


async def test_status_counts_its_files(sandbox: Sandbox):
    assert (await sandbox.settle())["published"] == {"9990": 0, "9991": 0, ID: 0}
    (sandbox.directory / "carriers" / ID / "in" / NAME).write_bytes(WHOLE)
    assert (await sandbox.http.get("/status")).json()["idle"] is False
    status = await sandbox.settle()
    assert (status["idle"], status["published"][ID]) == (True, 1)
    status = await sandbox.clock("09-23 09:00")
    assert (status["idle"], status["published"][ID], status["failed_actions"]) == (True, 2, [])


async def test_at_most_so_many_rows_in_a_file(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    assert MAX_STATUS_ROWS == 20_000
    monkeypatch.setattr("sandbox.csv_carrier.MAX_STATUS_ROWS", 20)
    await send(sandbox, written(*(row(n) for n in range(45))))
    await sandbox.clock("09-23 09:00")
    told = [[line[0] for line in rows_of(sandbox, name)] for name in out(sandbox) if name.startswith("status")]
    assert ([len(rows) for rows in told], [found for rows in told for found in rows]) == ([20, 20, 5], [reference(n) for n in range(45)])


# -- what it does not offer ------------------------------------------------------------------------------------------


async def test_it_takes_no_calls(sandbox: Sandbox):
    await send(sandbox, WHOLE)
    calls = ("POST", f"/carriers/{ID}/shipment-batches"), ("GET", f"/carriers/{ID}/shipment-batches/{BATCH}")
    for method, path in (*calls, ("POST", f"{SHIPMENTS}/{reference(1)}/stop")):
        answer = await sandbox.http.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def cancel(sandbox: Sandbox, number: int, body: Any = None, carrier: str = ID) -> tuple[int, Any]:
    answer = await sandbox.http.post(f"/carriers/{carrier}/shipments/{reference(number)}/cancel", json=body or {})
    return answer.status_code, answer.json()


async def test_somebody_cancels_on_the_telephone(sandbox: Sandbox):
    await send(sandbox, written(row(1), row(2, "机 HURRIED x1"), row(3, "机 EXPRESS x1"), row(4)))
    cancelled = {"shipment_id": reference(1), "status": "cancelled"}
    assert [await cancel(sandbox, 1, {"reason": "出荷しない"}) for _ in range(2)] == [(200, cancelled)] * 2
    assert rows_of(sandbox, "status_20000920_001.csv") == [[reference(1), "900000000001", "出荷中止", "2000/09/20", "", "出荷しない"]]
    assert (await cancel(sandbox, 2))[1]["code"] == "TOO_LATE"
    assert (await cancel(sandbox, 9))[1]["code"] == "UNKNOWN_SHIPMENT"
    for reason in ("🚚", "", 5, "あ\n"):
        assert (await cancel(sandbox, 4, {"reason": reason}))[0] == 422
    await sandbox.clock("09-22 09:00")
    assert await cancel(sandbox, 3) == (409, {"code": "TOO_LATE", "message": "it is picked_up"})
    assert (await sandbox.http.post(f"{SHIPMENTS}/{reference(4)}/cancel")).status_code == 200
    await sandbox.clock("09-24 09:00")
    assert [(s["number"], s["status"]) for s in await known(sandbox)] == [
        ("4101", "cancelled"),
        ("4102", "picked_up"),
        ("4103", "picked_up"),
        ("4104", "cancelled"),
    ]


# -- misbehaviour ----------------------------------------------------------------------------------------------------


async def test_a_result_that_never_comes(sandbox: Sandbox):
    """What it has not answered it ships all the same; asked again, it answers."""
    await rule(sandbox, {"silence": ["result"]}, kind="ship")
    await send(sandbox, WHOLE)
    await sandbox.clock("09-23 09:00")
    assert out(sandbox) == ["status_20000923_001.csv"]
    await send(sandbox, WHOLE)
    assert rows_of(sandbox, f"{NAME}.result.csv") == [[reference(1), "900000000001", "受付", ""]]


async def test_a_result_that_comes_late(sandbox: Sandbox):
    await rule(sandbox, {"result_delay": {"days": 2}}, name="ship_*")
    await send(sandbox, WHOLE)
    await sandbox.clock("09-22 08:59")
    assert out(sandbox) == []
    await sandbox.clock("09-22 09:00")
    assert out(sandbox) == [f"{NAME}.result.csv"]


async def test_a_file_that_is_lost(sandbox: Sandbox):
    """Its name is not remembered: it can be sent again."""
    answer = await sandbox.http.post(f"/carriers/{ID}/rules", json={"action": {"lose": True}, "times": 1})
    assert answer.status_code == 201
    await send(sandbox, WHOLE)
    assert (out(sandbox), await known(sandbox)) == ([], [])
    await send(sandbox, WHOLE)
    assert rows_of(sandbox, f"{NAME}.result.csv") == [[reference(1), "900000000001", "受付", ""]]


@pytest.mark.parametrize("name, content", [("new", "same"), ("same", "different"), ("new", "different")])
async def test_a_result_that_comes_again(sandbox: Sandbox, name: str, content: str):
    await rule(sandbox, {"repeat_result": {"after": {"days": 1}, "name": name, "content": content}})
    await send(sandbox, WHOLE)
    first = read(sandbox, f"{NAME}.result.csv")
    await sandbox.clock("09-21 09:00")
    again = read(sandbox, f"{NAME}.result.csv" if name == "same" else f"{NAME}.result.2.csv")
    assert again == (first if content == "same" else first.replace("受付".encode("cp932"), "エラー".encode("cp932")))
    await send(sandbox, written(row(2)))
    assert f"{NAME}.result.{2 if name == 'same' else 3}.csv" in out(sandbox)


def line(number: int) -> str:
    return f'"{reference(number)}","90000000000{number}","受付",""'


HEAD = '"お客様管理番号","伝票番号","結果","理由"'
FOREIGN = f'"{"9" * 20}","900000000001","受付",""'


@pytest.mark.parametrize(
    "action, content",
    [
        ({"missing_line": True}, golden(HEAD, line(2))),
        ({"duplicate_line": True}, golden(HEAD, line(1), line(2), line(1))),
        ({"unknown_line": True}, golden(HEAD, line(1), line(2), FOREIGN)),
        ({"truncated": True}, golden(HEAD, line(1), line(2))[:-25]),
        ({"torn_line": True}, golden(HEAD, line(1)[:24], line(2))),
        ({"garbage": True}, b"\x00\xff<html>\r\n"),
        ({"refuse": "休業"}, golden(HEAD, *(f'"{reference(n)}","","エラー","休業"' for n in (1, 2)))),
        (
            {"shuffled": True},
            golden(
                '"理由","結果","伝票番号","お客様管理番号","営業所コード","メモ"',
                *(f'"","受付","90000000000{n}","{reference(n)}","099","サンドボックス,""見本"""' for n in (2, 1)),
            ),
        ),
    ],
)
async def test_a_result_that_is_not_as_it_should_be(sandbox: Sandbox, action: dict[str, Any], content: bytes):
    await rule(sandbox, action, kind="ship", lines=2, contract=reference(2)[:18])
    await send(sandbox, written(row(1), row(2)))
    assert read(sandbox, f"{NAME}.result.csv") == content
    await send(sandbox, written(row(3), row(4)), f"ship_{int(BATCH) + 1:018d}.csv")  # the rule is about another contract
    assert [verdict[2] for verdict in rows_of(sandbox, f"ship_{int(BATCH) + 1:018d}.csv.result.csv")] == ["受付", "受付"]


STATUS_HEAD = '"お客様管理番号","伝票番号","状況","日付","時刻","備考"'


def status_line(number: int, word: str = "発送済み", day: str = "2000/09/23") -> str:
    return f'"{reference(number)}","90000000000{number}","{word}","{day}","",""'


@pytest.mark.parametrize(
    "action, content",
    [
        ({"unknown_word": "調査中"}, golden(STATUS_HEAD, status_line(1, "調査中"), status_line(2))),
        ({"missing_date": True}, golden(STATUS_HEAD, status_line(1, day=""), status_line(2))),
        ({"torn_line": True}, golden(STATUS_HEAD, status_line(1)[:34], status_line(2))),
        ({"truncated": True}, golden(STATUS_HEAD, status_line(1), status_line(2))[:-35]),
        ({"unknown_line": True}, golden(STATUS_HEAD, status_line(1), status_line(2), status_line(1).replace(reference(1), "9" * 20))),
        ({"missing_line": True, "refuse": "休業"}, golden(STATUS_HEAD, status_line(2))),
    ],
)
async def test_a_status_file_that_is_not_as_it_should_be(sandbox: Sandbox, action: dict[str, Any], content: bytes):
    await send(sandbox, written(row(1), row(2)))
    await rule(sandbox, action, kind="status", date="2000-09-23")
    await sandbox.clock("09-23 09:00")
    assert read(sandbox, "status_20000923_001.csv") == content


async def test_statuses_that_never_come(sandbox: Sandbox):
    """As many files as the rule says; their numbers are not given again."""
    await send(sandbox, written(row(1, "机 TWICE x1")))
    rule = {"match": {"kind": "status"}, "action": {"silence": ["status"]}, "times": 1}
    assert (await sandbox.http.post(f"/carriers/{ID}/rules", json=rule)).status_code == 201
    await sandbox.clock("09-23 10:00")
    assert out(sandbox) == [f"{NAME}.result.csv", "status_20000923_002.csv"]


@pytest.mark.parametrize(
    "carrier, posted",
    [
        (ID, {"action": {"answer": "busy"}}),
        (ID, {"action": {"silence": ["receipt"]}}),
        (ID, {"action": {"unknown_word": "🚚"}}),
        (ID, {"action": {"refuse": ""}}),
        (ID, {"match": {"account": "9000001"}, "action": {"truncated": True}}),
        ("sandbox-carrier", {"action": {"truncated": True}}),
    ],
)
async def test_a_rule_that_nobody_understands(sandbox: Sandbox, carrier: str, posted: dict[str, Any]):
    answer = await sandbox.http.post(f"/carriers/{carrier}/rules", json=posted)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID")


# -- SFTP and configuration ------------------------------------------------------------------------------------------


async def test_over_sftp(sandbox: Sandbox):
    """A login of its own, into its own directory; rules about connections do not count for files, nor for banks."""
    gate = SftpGate(sandbox.world, 0)
    await gate.open()
    try:
        rule = {"action": {"sftp_refuse_login": True}, "times": 1}
        assert (await sandbox.http.post(f"/carriers/{ID}/rules", json=rule)).status_code == 201
        await send(sandbox, WHOLE)
        async with client(gate, "9991") as sftp:
            assert await sftp.exists("in")
        with pytest.raises(asyncssh.PermissionDenied):
            async with client(gate, ID):
                pass
        other = f"ship_{int(BATCH) + 1:018d}.csv"
        async with client(gate, ID) as sftp:
            await upload(sftp, other, written(row(2)))
            await sandbox.settle()
            assert {str(name) for name in await sftp.listdir("out")} - {".", ".."} == {f"{NAME}.result.csv", f"{other}.result.csv"}
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await sftp.remove(f"out/{other}.result.csv")
    finally:
        await gate.close()
    assert [s["shipment_id"] for s in await known(sandbox)] == [reference(1), reference(2)]


@pytest.mark.parametrize(
    "changes, problem",
    [
        ({"format": "xml"}, "carriers[1]: format is json or csv, not 'xml'"),
        ({"words": {"eaten": "食"}}, "carriers[1]: words: no such event: eaten"),
        ({"words": {"lost": "🚚"}}, "carriers[1]: words and billing_code are 1 to 20 characters of code page 932 each"),
        ({"id": "1234"}, "carriers: a csv carrier's id is"),
        ({"id": "client"}, "carriers: a csv carrier's id is"),
        ({"id": "../x"}, "carriers: a csv carrier's id is"),
    ],
)
def test_a_configuration_that_cannot_be_used(changes: dict[str, Any], problem: str):
    with pytest.raises(ConfigError) as error:
        read_config(of_kind("plain", **changes))
    assert str(error.value).startswith(problem)
