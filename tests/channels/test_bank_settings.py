"""The conformance suite of a bank's settings: can a bank with these be served, and if not, what is missing?

`make bank-check BANK=settings.json` runs it against the settings of one bank, as `kessai bank show CODE --json` writes them; without, it runs
against two invented banks that have little in common. docs/banks.md walks through it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from domain import bank_settings, connectors
from domain.bank_names import Format, StatementName, request_name
from domain.calendar import JST, add_days, is_business_day
from domain.deadlines import BankRules, Slot, answer_due_at, debit_slot, next_credit, next_debit, overdue_at
from domain.statuses import BatchStatus, FilesPerDate, Kind
from domain.store.batches import Batch
from domain.store.outgoing import FileLine, OurAccount
from domain.store.results import ResultLine
from domain.store.site_rules import rules_of
from sandbox.bankfile import FileName, read_request
from workers import formats
from workers.formats.shapes import Difference, Unreadable
from zengin import (
    DEBIT_REQUEST,
    PAYOUT,
    DebitHeader,
    DebitLine,
    Framing,
    PayoutLine,
    ResultCode,
    StatementHeader,
    StatementLine,
    character_set,
    load,
    write_debit_result,
    write_statement,
)
from zengin.dates import to_era

HERE = Path(__file__).parent / "banks"
GIVEN = os.environ.get("KESSAI_BANK", "")
FILES = [Path(GIVEN)] if GIVEN else sorted(HERE.glob("*.json"))
NOW = datetime(2026, 11, 20, 9, tzinfo=JST)  # a Friday with a holiday behind it
PAYERS = (("9000001", 12_500, "0"), ("9000002", 9_800, "1"), ("9000003", 55_000, "4"))


@dataclass(frozen=True, slots=True)
class Subject:
    """A bank under test: what its file says, and the rules that follow."""

    said: Mapping[str, Any]
    rules: BankRules
    address: Mapping[str, Any]

    @property
    def characters(self) -> Any:
        return character_set("1" if self.rules.encoding == "ebcdic" else "0")

    @property
    def framing(self) -> Framing:
        return Framing[self.rules.framing.upper()]


def read_settings(path: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """(code, settings by column, address) of a file. What it does not say is not there."""
    content = json.loads(path.read_text(encoding="utf-8"))
    said: dict[str, Any] = {}
    address: dict[str, Any] = {}
    for row in content["settings"]:
        name, value = bank_settings.read_change(f"{row['name']}={row['value']}")
        if name.startswith(connectors.ADDRESS):
            address[name.removeprefix(connectors.ADDRESS)] = value
        else:
            said[name] = value
    return content["bank"], said, address


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def bank(request: pytest.FixtureRequest) -> Subject:
    code, said, address = read_settings(request.param)
    missing = [bank_settings.shown_name(s.name) for s in bank_settings.SETTINGS if s.name not in said]
    if missing:
        pytest.fail(f"{request.param.name} does not say: {', '.join(missing)}")
    if said["format"] != Format.ZENGIN:
        pytest.skip(
            f"{said['format']} has no settings of its own: tests/iso20022 and tests/journeys/test_formats.py hold it for every bank"
        )
    return Subject(said, rules_of(said | {"bank_code": code}), address)


def test_the_settings_can_be_so(bank: Subject):
    found = bank_settings.problems(dict(bank.said) | {"bank_code": bank.rules.bank_code, "address": bank.address})
    assert not found, "\n".join(map(str, found))


def test_its_dates_can_be_kept(bank: Subject):
    """A file goes before its deadline, on days on which the bank works; answers are due after it, and overdue after that."""
    rules = bank.rules
    debit, credit = next_debit(rules, NOW), next_credit(rules, NOW)
    for slot, kind in ((debit, Kind.DEBIT), (credit, Kind.PAYOUT)):
        assert NOW < slot.seal_at <= slot.deadline_at
        assert is_business_day(rules.calendar, slot.value_on)
        assert slot.deadline_at.date() <= slot.value_on
        assert slot.deadline_at < answer_due_at(rules, kind, slot.value_on) <= overdue_at(rules, kind, slot.value_on)
    due = add_days(rules.calendar, debit.value_on, 5)
    asked = debit_slot(rules, NOW, due)
    assert isinstance(asked, Slot)
    assert asked.value_on == due
    if rules.files_per_debit_date is FilesPerDate.ONE:
        assert asked.deadline_at.date() == add_days(rules.calendar, due, -rules.debit_lead_days)


def ours(bank: Subject) -> OurAccount:
    return OurAccount(bank.rules.bank_code, bank.said["kana"], "101", 1, "9012345", "ｻｲﾄ 130", "0000000130", Format.ZENGIN)


def sealed(bank: Subject, kind: Kind) -> Batch:
    slot = next_debit(bank.rules, NOW) if kind is Kind.DEBIT else next_credit(bank.rules, NOW)
    return Batch(
        1, 1, kind, False, 130, bank.rules.bank_code, None, 1, slot.value_on, 1, BatchStatus.SEALED, 1, NOW, len(PAYERS),
        sum(yen for _, yen, _ in PAYERS), None, None, slot.seal_at, slot.deadline_at,
    )  # fmt: skip


def lines(bank: Subject) -> list[FileLine]:
    return [
        FileLine(bank.rules.bank_code, "101", "1", number, "ﾔﾏﾀﾞ ﾀﾛｳ", yen, 10**17 + place, 1)
        for place, (number, yen, _) in enumerate(PAYERS)
    ]


def written(bank: Subject, kind: Kind) -> bytes:
    return b"".join(formats.of(Format.ZENGIN, bank.rules).write(sealed(bank, kind), ours(bank), iter(lines(bank))))


def test_a_debit_file_is_framed_and_encoded_as_the_bank_wants_it(bank: Subject):
    data = written(bank, Kind.DEBIT)
    (block,) = load(data, DEBIT_REQUEST, characters=bank.characters)
    assert (block.trailer.total_count, block.trailer.total_amount) == (3, 77_300)
    stride = 120 - bank.framing.cut + len(bank.framing.separator)
    assert len(data) == 6 * stride
    assert data[:4] == bank.characters.encode("191" + bank.characters.code_kind)
    if (bank.rules.framing, bank.rules.encoding) == ("crlf", "jis"):  # what the sandbox's own reader speaks
        name = request_name(True, "0000000130", sealed(bank, Kind.DEBIT).value_on, 1, Format.ZENGIN)
        request = read_request(FileName.parse(name), data)
        assert (request.count, request.amount) == (3, 77_300)


def test_a_file_of_credits_too(bank: Subject):
    (block,) = load(written(bank, Kind.PAYOUT), PAYOUT, characters=bank.characters)
    assert [line.edi for line in block.lines if isinstance(line, PayoutLine)] == [f"P{10**17 + place:018d}1" for place in range(3)]


def result(bank: Subject, *, failed_only: bool) -> bytes:
    """What the bank answers: the same records, with its codes."""
    (block,) = load(written(bank, Kind.DEBIT), DEBIT_REQUEST, characters=bank.characters)
    header: DebitHeader = block.header
    answered: list[DebitLine] = [
        line._replace(result_code=ResultCode(code)) for line, (_, _, code) in zip(block.lines, PAYERS, strict=True)
    ]
    return b"".join(write_debit_result(header, answered, failed_only=failed_only, framing=bank.framing, characters=bank.characters))


def test_its_results_are_read(bank: Subject):
    """In the shape that the settings say, and never in the other."""
    form = formats.of(Format.ZENGIN, bank.rules)
    came: list[ResultLine] = []
    head, totals = form.result(iter([result(bank, failed_only=bank.rules.failed_only)]), came.extend)
    assert (totals.count, totals.debited_count, totals.failed_count, totals.debited_amount) == (3, 1, 2, 12_500)
    assert (
        [(line.amount, line.code) for line in came] == [(9_800, 1), (55_000, 4)]
        if bank.rules.failed_only
        else [(12_500, 0), (9_800, 1), (55_000, 4)]
    )
    place = form.place(head, Difference(2, "line", "amount", "1 yen", "2 yen"))
    data = result(bank, failed_only=bank.rules.failed_only)
    assert place.byte is not None
    assert bank.characters.decode(data[place.byte : place.byte + 10]) == f"{came[0].amount:010d}"
    with pytest.raises(Unreadable):
        form.result(iter([result(bank, failed_only=not bank.rules.failed_only)]), came.extend)


def test_a_code_that_no_bank_has_is_told_apart(bank: Subject):
    data = bytearray(result(bank, failed_only=bank.rules.failed_only))
    stride = 120 - bank.framing.cut + len(bank.framing.separator)
    data[stride + 111] = bank.characters.encode("6")[0]
    with pytest.raises(Unreadable) as held:
        formats.of(Format.ZENGIN, bank.rules).result(iter([bytes(data)]), lambda _: None)
    assert held.value.code == "UNKNOWN_CODE"
    (place,) = held.value.places[:1]
    assert (place.record, place.byte, place.field) == (2, stride + 111, "result_code")


def test_its_statements_are_read(bank: Subject):
    if not bank.said["statements"]:
        pytest.skip("it sends no statements: no main account can be there, and money is followed by results alone")
    day = date(2026, 11, 20)
    era = to_era(day)
    header = StatementHeader(
        era, era, era, bank.rules.bank_code, bank.said["kana"], "101", "", "1", "0009012345", "ｻｲﾄ 130", "1", "1", 1_000
    )
    line = StatementLine(
        "00000001", era, era, "1", "14", 12_500, 0, "000000", "000000", "0", "0000000", "000", "0000000000", "", "", "", "91 1120 001", ""
    )
    data = b"".join(write_statement(header, [line], framing=bank.framing, characters=bank.characters))
    named = StatementName(bank.rules.bank_code, "101", "1", "9012345", "20261120", 1)
    statement = formats.of(Format.ZENGIN, bank.rules).statement(data, named)
    assert (statement.opening, statement.closing) == (1_000, 13_500)
    assert [(entry.incoming, entry.amount) for entry in statement.lines] == [(True, 12_500)]


def test_a_file_that_does_not_say_everything_is_told_what_is_missing(tmp_path: Path):
    """This suite can fail: the names of what is missing are those of `kessai bank set`."""
    content = json.loads((HERE / "9994.json").read_text(encoding="utf-8"))
    content["settings"] = [row for row in content["settings"] if row["name"] not in {"result_shape", "framing"}]
    path = tmp_path / "9994.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    _, said, _ = read_settings(path)
    assert {bank_settings.shown_name(s.name) for s in bank_settings.SETTINGS if s.name not in said} == {"result_shape", "framing"}
