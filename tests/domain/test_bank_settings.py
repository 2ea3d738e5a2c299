"""A bank's settings: how they are written, and everything that cannot be."""

from __future__ import annotations

from dataclasses import asdict
from datetime import time
from typing import Any

import pytest

from domain import bank_settings
from domain.bank_settings import problems, read_change
from domain.setting import NotASetting, Setting
from domain.store.administration import Bank

GOOD = asdict(Bank("9994", "E銀行", "ｲ-ｷﾞﾝｺｳ", "directory", {"path": "/srv/9994"}))


def test_every_column_of_a_bank_is_a_setting_and_the_other_way_round():
    assert {setting.name for setting in bank_settings.SETTINGS} == GOOD.keys() - {"bank_code", "address"}
    assert problems(GOOD) == []


@pytest.mark.parametrize("setting", bank_settings.SETTINGS, ids=lambda setting: setting.name)
def test_what_is_shown_can_be_written_again(setting: Setting):
    value = GOOD[setting.name]
    name = bank_settings.shown_name(setting.name)
    assert read_change(f"{name}={setting.show(value)}") == (setting.name, value)
    assert setting.words.endswith(".")
    assert setting.japanese


@pytest.mark.parametrize(
    "text, column, value",
    [
        ("result_shape=failed_only", "failed_only", True),
        ("reader = tolerant", "tolerant", True),
        ("shift_rule=PREVIOUS", "shift_rule", 2),
        ("debit_deadline=15:30", "debit_deadline", time(15, 30)),
        ("max_yen=10,000,000", "max_yen", 10_000_000),
        ("recalls=yes", "recalls", True),
        ("address.port=2222", "address.port", 2222),
        ("address.path=/srv/a=b", "address.path", "/srv/a=b"),
    ],
)
def test_a_change_as_people_write_it(text: str, column: str, value: Any):
    assert read_change(text) == (column, value)


@pytest.mark.parametrize(
    "text, words",
    [
        ("debit_deadline", "is not name=value"),
        ("debit_dedline=12:00", "there is debit_deadline"),
        ("debit_deadline=25:00", "not a time of day"),
        ("debit_deadline=12:00+09:00", "not a time of day"),
        ("debit_lead_days=-1", "not a whole number"),
        ("debit_lead_days=４", "not a whole number"),
        ("framing=lf", "none of crlf"),
        ("statements=maybe", "neither yes nor no"),
        ("address.colour=red", "no address has a part"),
    ],
)
def test_what_cannot_be_written(text: str, words: str):
    with pytest.raises(NotASetting, match=words):
        read_change(text)


SFTP = {"host": "bank.example", "port": 22, "user": "u", "key_file": "/k", "known_host": "ssh-ed25519 A"}


@pytest.mark.parametrize(
    "change, names",
    [
        ({"bank_code": "99a4"}, ["bank_code"]),
        ({"bank_code": "9999"}, ["bank_code"]),
        ({"name": " "}, ["name"]),
        ({"name": "a\nb"}, ["name"]),
        ({"kana": "ｲｰｷﾞﾝｺｳ"}, ["kana"]),  # 0xB0 is read, never written
        ({"kana": "ｱ" * 16}, ["kana"]),
        ({"connector": "pigeon"}, ["connector"]),
        ({"address": {}}, ["address"]),
        ({"address": {"path": ""}}, ["address"]),
        ({"connector": "sftp", "address": SFTP | {"known_host": ""}}, ["address"]),
        ({"connector": "sftp", "address": SFTP | {"port": 70_000}}, ["address.port"]),
        ({"debit_lead_days": 61}, ["debit_lead_days"]),
        ({"seal_before_minutes": 1440}, ["seal_before_minutes"]),
        ({"shift_rule": 3}, ["shift_rule"]),
        ({"result_days": 0, "overdue_days": 0}, ["overdue_days"]),
        ({"files_per_debit_date": 2, "accepts_ahead_days": 3}, ["accepts_ahead_days"]),
        ({"framing": "lf"}, ["framing"]),
        ({"encoding": "utf-8"}, ["encoding"]),
        ({"max_lines": 0}, ["max_lines"]),
        ({"max_lines": 1_000_000}, ["max_lines"]),
        ({"max_line_yen": 1_000, "max_yen": 999}, ["max_line_yen"]),
        ({"splits_fees": True}, ["splits_fees"]),
        ({"framing": "lf", "encoding": "x", "name": ""}, ["name", "framing", "encoding"]),  # all at once
    ],
)
def test_what_cannot_be_so(change: dict[str, Any], names: list[str]):
    assert [mistake.name for mistake in problems(GOOD | change)] == names


def test_what_may_be_so():
    assert problems(GOOD | {"connector": "sftp", "address": SFTP}) == []
    assert problems(GOOD | {"direct_debits": True, "splits_fees": True}) == []
