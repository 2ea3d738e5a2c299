"""`kessai zengin`: any bank file looked at from the command line, and how a name will be written."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kessai.cli import main
from tests.zengin.examples import SAMPLES, line, patched, result
from zengin import EBCDIC, ResultCode

Run = Callable[..., tuple[int, str, str]]
RESULT = result([line(1), line(2, amount=9_800, result_code=ResultCode.INSUFFICIENT_FUNDS)])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """A command in an empty directory without settings; `data` is what comes on standard input."""
    for name in ("DATABASE_URL", "REDIS_URL", "KESSAI_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, data: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = main(["zengin", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.mark.parametrize(
    "name, words",
    [
        ("91_request.txt", ["91 account debit 預金口座振替", "request 依頼明細: 3 lines, 189,800 yen", "2026-12-07 (月)"]),
        ("91_request_nobreak.dat", ["records of 120 bytes, none"]),
        ("91_result.txt", ["result, all lines", "1 資金不足: 1 line, 9,800 yen"]),
        ("91_result_failed_only.txt", ["failed lines only", "debited as the trailer says: 1 line, 125,000 yen"]),
        ("21_request.txt", ["21 bulk credit 総合振込", "2026-12-10 (木)"]),
        ("03_statement.txt", ["out 出金 1, 129,800 yen", "balance 1,000,000 to 1,059,700 yen"]),
        ("01_notice_A.txt", ["credits 振込 1, 180,000 yen; cancelled 取消 0, 0 yen"]),
    ],
)
def test_a_clean_file_is_described(run: Run, name: str, words: list[str]):
    status, out, err = run("check", str(SAMPLES / name), "--near", "2026-12-01")
    assert (status, err) == (0, "")
    assert [word for word in [*words, "nothing found 異常なし"] if word not in out] == []


def test_findings_have_an_address_in_both_languages_and_no_account(run: Run):
    status, out, _ = run("check", "-", data=patched(RESULT, 3, 44, b"90x0001"))
    assert status == 1
    assert "record 3, byte 287, payer_account_number: payer_account_number is *****01, expected 7 digits" in out
    assert "口座番号が数字ではありません: *****01(数字7桁)" in out
    assert "90x0001" not in out
    assert "1 error" in out


def test_json_shows_every_record_field_by_field(run: Run):
    status, out, _ = run("check", "-", "--json", "--near", "2026-12-01", data=patched(RESULT, 3, 53, b"\x81\x40"))
    first, header, good, held, trailer, end, last = map(json.loads, out.splitlines())
    assert status == 1
    assert first["file"]["kind_code"] == "91"
    assert header["dates"] == {"debit_mmdd": "2026-12-07"}
    assert (good["role"], good["fields"]["payer_account_number"], good["fields"]["amount"]) == ("line", "9000001", 125_000)
    assert (held["role"], held["fields"]["payer_name"], held["byte"]) == ("held", None, 244)
    assert bytes.fromhex(held["undecodable"]["payer_name"])[2:4] == b"\x81\x40"
    assert [finding["message_ja"] for finding in held["findings"]] == ["預金者名に使用できない文字があります: バイト 0x81(名義の文字)"]
    assert trailer["fields"]["failed_amount"] == 9_800
    assert end["fields"] == {"record_type": "9"}
    (block,) = last["totals"]["blocks"]
    assert block["shape"] == "result"
    assert block["by_result"]["1"] == {"count": 1, "amount": 9_800}


def test_a_tolerant_reader_warns_and_that_is_a_finding(run: Run):
    data = RESULT.replace(b"\r\n", b"\n")
    assert run("check", "-", data=data)[0] == 1
    status, out, _ = run("check", "-", "--tolerant", data=data)
    assert status == 1
    assert out.startswith("warning ")
    assert "1 warning" in out
    assert "0 error" not in out


@pytest.mark.parametrize("chosen", [[], ["--encoding", "ebcdic"]])
def test_ebcdic_is_found_or_asked_for(run: Run, chosen: list[str]):
    text = RESULT.decode("cp932").replace("1910", "1911", 1)
    status, out, _ = run("check", "-", *chosen, data=EBCDIC.encode(text))
    assert status == 0
    assert "EBCDIC (IBM 290)" in out


@pytest.mark.parametrize(
    "arguments, data, words",
    [
        (["-"], b"", "the file is empty"),
        (["-"], b"PK\x03\x04", "first byte is 0x50"),
        (["-"], b"111", "kind code is 11"),
        (["-", "--encoding", "ebcdic"], RESULT, "kind code"),
        (["-", "--kind", "91"], (SAMPLES / "21_request.txt").read_bytes(), "kind 21, not 91"),
        (["-", "--kind", "92"], RESULT, "Invalid value"),
        (["nowhere.txt"], b"", "No such file"),
        (["."], b"", "Is a directory"),
        (["a\0b"], b"", "null"),
    ],
)
def test_what_cannot_be_read_has_status_2(run: Run, arguments: list[str], data: bytes, words: str):
    status, out, err = run("check", *arguments, data=data)
    assert (status, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_a_kind_that_is_asked_for_is_held_against_the_file(run: Run):
    assert run("check", "-", "--kind", "91-result", data=RESULT)[0] == 0
    status, out, _ = run("check", "-", "--kind", "91-failed-only", data=RESULT)
    assert status == 1
    assert "result_code is '0'" in out
    assert run("check", "-", "--kind", "03", data=RESULT)[0] == 1


def test_a_long_file_shows_how_far_it_is(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kessai.cli_zengin.PROGRESS_EVERY", 2)
    monkeypatch.setattr("kessai.cli_zengin.PROGRESS_SECONDS", -1.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    status, out, err = run("check", "-", data=RESULT)
    assert status == 0
    assert "\r4 records, 0 MB" in err
    assert err.endswith("\r\033[K")
    assert "\r" not in out


def test_it_needs_nothing_but_itself():
    """No database, no world, nothing of the server: only then it starts at once."""
    asked = "import sys; from kessai.cli import main; main(['zengin', 'check', sys.argv[1]]); print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", asked, str(SAMPLES / "91_result.txt")], capture_output=True, text=True, check=True, cwd=SAMPLES.parents[2]
    )
    heavy = {"tortoise", "asyncpg", "strawberry", "dramatiq", "starlette", "domain", "api", "workers"}
    assert heavy & set(said.stdout.splitlines()[-1].split()) == set()


# -- names ------------------------------------------------------------------------------------------------------------


def _kana(run: Run, *arguments: str) -> tuple[int, dict[str, Any]]:
    status, out, _ = run("kana", *arguments, "--json")
    return status, json.loads(out)


@pytest.mark.parametrize(
    "text, field, status, written",
    [
        ("カ）アオゾラ", "party", 0, "ｶ)ｱｵｿﾞﾗ"),
        ("カ）アオゾラ", "branch", 1, None),
        ("「A／B」", "edi", 0, "｢A/B｣"),
        ("「A／B」", "party", 1, None),
        ("ア" * 40, "party", 0, "ｱ" * 40),
        ("ア" * 41, "party", 1, "ｱ" * 41),
        ("ア" * 16, "branch", 1, "ｱ" * 16),
        ("", "party", 1, ""),
        ("空", "party", 1, None),
    ],
)
def test_a_name_is_shown_as_it_will_be_written(run: Run, text: str, field: str, status: int, written: str | None):
    got, shown = _kana(run, text, "--field", field)
    assert got == status
    assert shown["classes"][field]["written"] == written


def test_what_has_no_form_is_named_with_its_place(run: Run):
    status, out, _ = run("kana", "ア空\u202e")
    assert status == 1
    assert "position 2: 空 (U+7A7A CJK UNIFIED IDEOGRAPH-7A7A) cannot be written" in out
    assert "position 3: (U+202E RIGHT-TO-LEFT OVERRIDE) cannot be written" in out
    assert "\u202e" not in out


def test_what_is_changed_is_said(run: Run):
    _, out, _ = run("kana", "がーab")
    assert "hiragana; a voiced kana is two characters 平仮名、濁点・半濁点は1文字: が → ｶﾞ" in out
    assert "every dash becomes - 長音・横線は - に: ー → -" in out
    assert "letters become upper case 英字は大文字に: a → A, b → B" in out


def test_a_lone_surrogate_breaks_nothing(run: Run):
    assert run("kana", "ｱ\udc81")[0] == 1
    assert _kana(run, "ｱ\udc81")[0] == 1
