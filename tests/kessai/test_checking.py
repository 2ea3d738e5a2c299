"""The demo's comparisons can fail: each says what was expected and what was found, and the command's status is 1."""

import json
from pathlib import Path

import pytest

from kessai import demo_checks, demo_expected
from kessai.checking import Checks
from kessai.cli import main
from kessai.demo_play import Demo


def test_each_key_of_either_side_is_compared():
    checks = Checks()
    checks.equal_each("file", {("9991", 130): 1, "more": 5}, {("9991", 130): 1, "missing": 2})
    assert [(check.name, check.found, check.expected, check.passed) for check in checks.done] == [
        ("file: 9991 130", 1, 1, True),
        ("file: missing", None, 2, False),
        ("file: more", 5, None, False),
    ]
    assert [check.name for check in checks.failed] == ["file: missing", "file: more"]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_failing_check_is_told_and_is_the_exit_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool):
    roots: list[Path] = []

    def play(run: Demo, _port: int | None) -> None:
        roots.append(run.root)
        run.checks.equal("figure 9: 130/4112 金額", 29_999, 30_000)
        run.checks.equal("exceptions", [], [])

    monkeypatch.setattr("kessai.demo_play.play", play)
    assert main(["demo", *(["--json"] if as_json else [])]) == 1
    out = capsys.readouterr().out
    if as_json:
        told = json.loads(out)
        assert (told["passed"], told["failed"]) == (1, 1)
        assert told["checks"][0] == {"name": "figure 9: 130/4112 金額", "passed": False, "expected": 30_000, "found": 29_999}
    else:
        assert "expected 30000" in out
        assert "found    29999" in out
        assert out.splitlines()[-1].startswith("demo: 1 checks passed, 1 failed ")
    assert not roots[0].exists()


def test_every_cell_of_figure_9_is_compared():
    rows = [
        {
            "siteId": number.partition("/")[0],
            "number": number.partition("/")[2],
            "debitedOn": str(demo_expected.day(debited)),
            "settledOn": None if settled is None else str(demo_expected.day(settled)),
            "settledAmount": amount,
            "expectedAmount": expected,
        }
        for number, debited, settled, amount, expected in demo_expected.FIGURE_9
    ]
    right = Checks()
    demo_checks.check_figure_9(right, rows)
    assert not right.failed
    for place, row in enumerate(rows):
        for cell in ("debitedOn", "settledOn", "settledAmount", "expectedAmount"):
            wrong = Checks()
            demo_checks.check_figure_9(wrong, [*rows[:place], row | {cell: "2000-09-01"}, *rows[place + 1 :]])
            assert len(wrong.failed) == 1, (row, cell)
    disordered = Checks()
    demo_checks.check_figure_9(disordered, rows[::-1])
    assert [check.name for check in disordered.failed] == ["figure 9: rows"]


def test_what_must_come_out_agrees_with_itself():
    """The scenario's own sums: files, sweeps, payouts and balances tell one story."""
    sold = {entry.number: entry for entry in demo_expected.CONTRACTS}
    for _, site, _, _, amount, numbers in demo_expected.DEBIT_FILES:
        assert amount == sum(sold[number].yen for number in numbers)
        assert all(number.startswith(f"{site}/") for number in numbers)
    debited = [entry for entry in demo_expected.CONTRACTS if entry.debit == "DEBITED"]
    paid = [entry for entry in demo_expected.CONTRACTS if entry.payout == "PAID"]
    assert sum(row[4] for row in demo_expected.SWEEPS) == sum(entry.yen for entry in debited)
    assert sum(row[3] for row in demo_expected.PAYOUTS) == sum(entry.yen for entry in paid)
    for code, (before, after) in demo_expected.CUSTOMERS.items():
        spent = sum(entry.yen for entry in debited if entry.buyer == f"{code}社")
        earned = sum(entry.yen for entry in paid if entry.seller == f"{code}社")
        assert after == before - spent + earned
    held = sum(entry.yen for entry in debited) - sum(entry.yen for entry in paid)
    assert sum(demo_expected.OUR_BALANCES.values()) == held
