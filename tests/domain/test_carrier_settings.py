"""A carrier's settings: how they are written, and everything that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from domain import carrier_settings
from domain.carrier_settings import changed, problems, read_change, read_word
from domain.setting import NotASetting, Setting

SECRET = "whsec_" + "QUJD" * 12
GOOD: dict[str, Any] = {
    "carrier_id": "north",
    "name": "北運輸",
    "connector": "http",
    "address": {"url": "https://north.example/api", "secret": SECRET},
    "deduplicates": True,
    "billing_code": None,
    "calendar": 0,
    "ship_days": 3,
    "overdue_days": 7,
    "status_words": {},
}
FILES = GOOD | {
    "connector": "directory",
    "address": {"path": "/srv/north"},
    "billing_code": "0123456-01",
    "status_words": {"配達済": "delivered"},
}
SFTP = {"host": "north.example", "port": 22, "user": "u", "key_file": "/k", "known_host": "ssh-ed25519 A"}


def test_every_column_of_a_carrier_is_a_setting_and_the_other_way_round():
    assert {setting.name for setting in carrier_settings.SETTINGS} == GOOD.keys() - {"carrier_id", "address", "status_words"}
    assert problems(GOOD) == []
    assert problems(FILES) == []
    assert problems(FILES | {"connector": "sftp", "address": SFTP}) == []


@pytest.mark.parametrize("carrier", [GOOD, FILES], ids=["called", "files"])
@pytest.mark.parametrize("setting", carrier_settings.SETTINGS, ids=lambda setting: setting.name)
def test_what_is_shown_can_be_written_again(setting: Setting, carrier: dict[str, Any]):
    value = carrier[setting.name]
    assert read_change(f"{setting.name}={setting.show(value)}") == (setting.name, value)
    assert setting.words.endswith(".")
    assert setting.japanese


@pytest.mark.parametrize(
    "text, column, value",
    [
        ("ship_days = 2", "ship_days", 2),
        ("calendar=EVERY_DAY", "calendar", 1),
        ("billing_code=", "billing_code", None),
        ("deduplicates=no", "deduplicates", False),
        ("address.url=https://a.example/?b=c", "address.url", "https://a.example/?b=c"),
        ("address.port=2222", "address.port", 2222),
        ("word.配達済=delivered", "word.配達済", "delivered"),
        ("word.a=b=lost", "word.a=b", "lost"),
        ("word.配達済=", "word.配達済", None),
    ],
)
def test_a_change_as_people_write_it(text: str, column: str, value: Any):
    assert read_change(text) == (column, value)


@pytest.mark.parametrize(
    "text, words",
    [
        ("ship_days", "is not name=value"),
        ("ship_day=2", "there is ship_days"),
        ("ship_days=two", "not a whole number"),
        ("ship_days=" + "9" * 19, "not a whole number"),
        ("connector=pigeon", "none of directory"),
        ("address.colour=red", "no address has a part"),
        ("word.配達済", "is not word=event"),
        ("word.配達済=arrived", "none of accepted"),
    ],
)
def test_what_cannot_be_written(text: str, words: str):
    with pytest.raises(NotASetting, match=words):
        read_change(text)


@pytest.mark.parametrize(
    "change, names",
    [
        ({"carrier_id": "North"}, ["carrier_id"]),
        ({"carrier_id": "n" * 41}, ["carrier_id"]),
        ({"name": " "}, ["name"]),
        ({"name": "北\n運輸"}, ["name"]),
        ({"connector": "pigeon"}, ["connector"]),
        ({"address": {}}, ["address"]),
        ({"address": {"url": "https://north.example"}}, ["address"]),
        ({"address": GOOD["address"] | {"path": "/srv"}}, ["address.path"]),
        ({"address": GOOD["address"] | {"url": "http://north.example"}}, ["address.url"]),
        ({"address": GOOD["address"] | {"url": "ftp://north.example"}}, ["address.url"]),
        ({"address": GOOD["address"] | {"url": "https://me@north.example"}}, ["address.url"]),
        ({"address": GOOD["address"] | {"url": "https://north.example:none"}}, ["address.url"]),
        ({"address": GOOD["address"] | {"url": "https://[north.example"}}, ["address.url"]),
        ({"address": GOOD["address"] | {"url": "https://north.example/" + "a" * 1_000}}, ["address.url"]),
        ({"address": GOOD["address"] | {"secret": "whsec_QUJD"}}, ["address.secret"]),
        ({"address": GOOD["address"] | {"secret": "whsec_not/base64!"}}, ["address.secret"]),
        ({"address": GOOD["address"] | {"secret": " "}}, ["address.secret"]),
        ({"connector": "sftp", "address": SFTP | {"port": "a"}}, ["address.port"]),
        ({"connector": "sftp", "address": SFTP | {"known_host": ""}}, ["address"]),
        ({"connector": "directory"}, ["address.secret", "address.url", "address"]),
        ({"calendar": 2}, ["calendar"]),
        ({"ship_days": 61}, ["ship_days"]),
        ({"overdue_days": 0}, ["overdue_days"]),
        ({"overdue_days": 61}, ["overdue_days"]),
        ({"billing_code": ""}, ["billing_code"]),
        ({"billing_code": "0" * 21}, ["billing_code"]),
        ({"billing_code": "１"}, ["billing_code"]),
        ({"status_words": {"": "lost"}}, ["word."]),
        ({"status_words": {"配" * 41: "lost"}}, ["word." + "配" * 40]),
        ({"status_words": {"配,達": "lost"}}, ["word.配,達"]),
        ({"status_words": {'配"達': "lost"}}, ['word.配"達']),
        ({"status_words": {"配\t達": "lost"}}, ["word.配\t達"]),
        ({"status_words": {" 配達": "lost"}}, ["word. 配達"]),
        ({"status_words": {"配達🚚": "lost"}}, ["word.配達🚚"]),
        ({"status_words": {"配達済": "arrived"}}, ["word.配達済"]),
        ({"status_words": {f"語{n}": "lost" for n in range(201)}}, ["word"]),
        ({"name": "", "ship_days": -1, "billing_code": "a"}, ["name", "billing_code", "ship_days"]),  # all at once
    ],
)
def test_what_cannot_be_so(change: dict[str, Any], names: list[str]):
    found = problems(GOOD | change)
    assert [mistake.name for mistake in found] == names
    assert not any(SECRET in str(mistake) or "not/base64" in str(mistake) for mistake in found)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/carriers/x", "http://localhost", "http://[::1]:9", "https://north.example:8443/api"])
def test_calls_stay_here_or_go_by_https(url: str):
    assert problems(GOOD | {"address": GOOD["address"] | {"url": url}}) == []


def test_two_secrets_stand_side_by_side_while_one_is_changed():
    assert problems(GOOD | {"address": GOOD["address"] | {"secret": f"{SECRET} {SECRET}"}}) == []


def test_words_come_and_go_and_another_way_leaves_nothing_of_the_old_address():
    after = changed(FILES, dict([read_word("お届済=delivered"), read_word("配達済=")]))
    assert after["status_words"] == {"お届済": "delivered"}
    assert FILES["status_words"] == {"配達済": "delivered"}
    after = changed(GOOD, {"connector": "directory", "address.path": "/srv/north"})
    assert after["address"] == {"path": "/srv/north"}
    assert problems(after) == []
