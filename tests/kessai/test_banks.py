"""The commands for banks: settings shown and set, a bank looked over without sending anything, exceptions explained."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from domain.store import clock, exceptions, inbox
from domain.store.connection import open_store, transaction
from kessai.cli import main

START = datetime.fromisoformat("2000-09-20T09:00:00+09:00")


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("DATABASE_URL", database_url)

    def command(*words: str, status: int = 0, plain: bool = False) -> Any:
        found = main([*words] if plain else [*words, "--json"])
        said = capsys.readouterr()
        assert found == status, said.out + said.err
        return said.out if plain else json.loads(said.out)

    return command


def within(url: str, work: Any) -> Any:
    async def opened() -> Any:
        async with open_store(url):
            return await work()

    return asyncio.run(opened())


async def _clock() -> None:
    async with transaction() as tx:
        await clock.prepare(tx, sandbox=True, start=START, ticking=False, machine_now=datetime.now(UTC))


@pytest.fixture
def place(run: Any, database_url: str, tmp_path: Path) -> Path:
    """A directory bank 9994 with its `in` and `out`."""
    for name in ("in", "out"):
        (tmp_path / "bank" / name).mkdir(parents=True)
    within(database_url, _clock)
    run("bank", "add", "9994", "E銀行", "--kana", "ｲ-ｷﾞﾝｺｳ", "--directory", str(tmp_path / "bank"))
    return tmp_path / "bank"


def states(found: dict[str, Any], what: str) -> list[str]:
    return [finding["state"] for finding in found["findings"] if finding["what"] == what]


def test_settings_are_shown_and_set(run: Any, place: Path):
    shown = {row["name"]: row["value"] for row in run("bank", "show", "9994")["settings"]}
    assert (shown["result_shape"], shown["reader"], shown["debit_deadline"], shown["address.path"]) == (
        "all",
        "strict",
        "12:00",
        str(place),
    )
    assert "不能分" not in run("bank", "show", "9994", plain=True)
    changed = run("bank", "set", "9994", "result_shape=failed_only", "max_lines=9,999", "reader=strict")
    assert changed["changed"] == {"result_shape": ["all", "failed_only"], "max_lines": ["999,999", "9,999"]}
    assert run("bank", "set", "9994", "max_lines=9999", plain=True).startswith("Nothing has changed")
    assert run("bank", "set", "9994", "framing=lf", status=2)["error"]["code"] == "COMMAND"
    assert run("bank", "set", "9994", status=2)["error"]["code"] == "COMMAND"
    refused = run("bank", "set", "9994", "splits_fees=yes", "max_line_yen=10", "max_yen=9", status=3)["error"]
    assert refused["code"] == "BANK_SETTINGS"
    assert "splits_fees" in refused["what"]
    assert "max_line_yen" in refused["what"]
    assert {row["name"]: row["value"] for row in run("bank", "show", "9994")["settings"]}["max_yen"] == "999,999,999,999"
    run("bank", "add", "9994", "新E銀行", "--kana", "ｲ-ｷﾞﾝｺｳ", "--directory", str(place))  # a script that runs again
    shown = {row["name"]: row["value"] for row in run("bank", "show", "9994")["settings"]}
    assert (shown["name"], shown["result_shape"], shown["max_lines"]) == ("新E銀行", "failed_only", "9,999")
    assert run("bank", "set", "9998", "max_lines=1", status=3)["error"]["code"] == "NOT_FOUND"
    assert run("bank", "show", "9998", status=3)["error"]["code"] == "NOT_FOUND"


def test_what_is_shown_is_what_the_conformance_suite_reads(run: Any, place: Path, tmp_path: Path):
    from tests.channels.test_bank_settings import read_settings

    (tmp_path / "9994.json").write_text(json.dumps(run("bank", "show", "9994")), encoding="utf-8")
    code, said, address = read_settings(tmp_path / "9994.json")
    assert (code, address, said["kana"]) == ("9994", {"path": str(place)}, "ｲ-ｷﾞﾝｺｳ")


def test_a_bank_is_looked_over_and_nothing_is_sent(run: Any, place: Path, monkeypatch: pytest.MonkeyPatch):
    found = run("bank", "test", "9994", status=1)
    assert states(found, "consignors") == ["fails"]  # no site has an account here
    assert states(found, "connection") == ["fine"]
    assert states(found, "calendar") == ["fine", "fine"]
    assert list((place / "in").iterdir()) == []
    (place / "out" / "letter.txt").write_bytes(b"Dear Sirs")
    name = "91_0000000130_20000924_001.txt.result.txt"
    (place / "out" / name).write_bytes(b"1" * 120)
    found = run("bank", "test", "9994", status=1)
    assert states(found, "names") == ["note"]
    assert states(found, "reading") == ["fails"]
    assert "Nothing was sent" not in run("bank", "test", "9994", status=1, plain=True)
    (place / "out").rename(place / "away")
    assert states(run("bank", "test", "9994", status=1), "connection") == ["fails"]
    assert run("bank", "test", "9998", status=2)["error"]["code"] == "NOT_FOUND"


def test_keys_are_looked_at(run: Any, place: Path, tmp_path: Path):
    key = tmp_path / "key"
    sftp = (
        "connector=sftp",
        "address.host=127.0.0.1",
        "address.port=1",
        "address.user=u",
        f"address.key_file={key}",
        "address.known_host=no key",
    )
    run("bank", "set", "9994", *sftp)
    found = run("bank", "test", "9994", status=1)
    assert (states(found, "key"), states(found, "host key"), states(found, "connection")) == (["fails"], ["fails"], ["fails"])
    key.write_text("x")
    key.chmod(0o644)
    assert states(run("bank", "test", "9994", status=1), "key") == ["note"]


@pytest.mark.parametrize(
    "there, words",
    [
        (None, "not compared"),
        ({}, "no bank of the public list"),
        ({"9994": SimpleNamespace(name="いい銀行", kana="イイ", branches={})}, "the list calls 9994 いい銀行"),
        ({"9994": SimpleNamespace(name="E銀行", kana="イ－ギンコウ", branches={})}, "9994 is E銀行"),
    ],
)
def test_names_are_compared_with_the_public_list_and_nothing_fails_for_it(
    run: Any, place: Path, monkeypatch: pytest.MonkeyPatch, there: dict[str, Any] | None, words: str
):
    module: Any = None
    if there is not None:
        module = ModuleType("zengin_code")
        module.Bank = SimpleNamespace(all=there)
    monkeypatch.setitem(sys.modules, "zengin_code", module)
    found = run("bank", "test", "9994", status=1)
    assert [words in finding["words"] for finding in found["findings"] if finding["what"] == "codes"] == [True]
    assert "fails" not in states(found, "codes")


def test_an_exception_is_explained_and_its_file_written_once(run: Any, place: Path, database_url: str, tmp_path: Path):
    async def comes() -> None:
        reply = await inbox.store("bank:9994", "letter.txt", "other", b"Dear Sirs", START, datetime.now(UTC))
        assert reply is not None
        async with transaction() as tx:
            await exceptions.record(tx, code="UNMATCHED", reference="u", reason="why", now=START, channel="bank:9994", amount=1_000)

    within(database_url, comes)
    listed = {row["code"]: row["exception_id"] for row in run("exceptions")}
    found = run("exceptions", "show", str(listed["UNKNOWN_FILE"]))
    assert (found["reply"]["name"], found["reply"]["status"], found["batch"], found["places"]) == ("letter.txt", "HELD", None, [])
    assert found["next"]
    assert found["means_ja"]
    out = tmp_path / "came"
    text = run("exceptions", "show", str(listed["UNKNOWN_FILE"]), "--file", str(out), plain=True)
    assert "9 bytes are in" in text
    assert f"kessai exceptions show {listed['UNKNOWN_FILE']} --file" in text
    assert out.read_bytes() == b"Dear Sirs"
    assert out.stat().st_mode & 0o077 == 0
    assert run("exceptions", "show", str(listed["UNKNOWN_FILE"]), "--file", str(out), status=2)["error"]["code"] == "FILE"
    assert run("exceptions", "show", str(listed["UNMATCHED"]), "--file", str(tmp_path / "x"), status=2)["error"]["code"] == "NO_FILE"
    assert "1,000" in run("exceptions", "show", str(listed["UNMATCHED"]), plain=True)
    assert run("exceptions", "show", "99", status=3)["error"]["code"] == "NOT_FOUND"


def test_a_batch_is_approved_by_its_number(run: Any, place: Path):
    words = ("--by", "op-1", "--count", "1", "--amount", "1", "--sha256", "00000000")
    assert run("batch", "approve", "17", *words, status=2)["error"]["code"] == "COMMAND"
    assert run("batch", "approve", "000000000000000017", *words, status=3)["error"]["code"] == "NOT_FOUND"
