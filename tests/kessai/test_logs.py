"""What must not be in a log line is not in it, whoever wrote the line and wherever the secret stood."""

import io
import json
import logging
import warnings
from typing import Any

import pytest
import structlog
from hypothesis import assume, given
from hypothesis import strategies as st

from kessai.logs import HIDDEN, configure, mask_event, masked
from kessai.settings import LogSettings

# Account numbers as they come: ordinary ones, Japan Post's, and with bank, branch and type in front. Eight digits that read
# as a date are shown: no bank of ours has accounts of eight digits.
account_numbers = st.from_regex(r"\A(9[0-9]{6}|9[0-9]{9}|999[0-9][0-9]{3}[124]9[0-9]{6})\Z")
holders = st.text("ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝﾞﾟ", min_size=2, max_size=30)
tokens = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=12, max_size=60)
# What stands around it: any text that does not itself run on into the number.
surroundings = st.text(st.characters(exclude_categories=["Nd", "Cs"], exclude_characters="ﾞﾟ"), max_size=30)
places = st.sampled_from(["event", "note", "reason", "path", "exception", "rows"])


def shapes(value: str) -> st.SearchStrategy[Any]:
    """A value as text, or somewhere inside lists and mappings."""
    return st.recursive(
        st.just(value), lambda inner: st.one_of(st.lists(inner, min_size=1, max_size=2), st.fixed_dictionaries({"x": inner}))
    )


@given(account_numbers, surroundings, surroundings, places, st.data())
def test_account_numbers_never_appear(number: str, before: str, after: str, place: str, data: st.DataObject):
    event = mask_event(None, "info", {place: data.draw(shapes(before + number + after))})
    assert number not in json.dumps(event, ensure_ascii=False)


@given(account_numbers, surroundings)
def test_nor_do_they_when_written_in_full_width(number: str, before: str):
    wide = number.translate({ord("0") + i: chr(0xFF10 + i) for i in range(10)})
    assert wide not in masked(before + wide)


@given(holders, surroundings, surroundings)
def test_holders_as_banks_write_them_never_appear(holder: str, before: str, after: str):
    assume(holder not in before + after and not holder.startswith(("ﾞ", "ﾟ")))
    assert holder not in masked(f"{before}{holder} {after}")


@given(
    tokens,
    st.sampled_from([
        "Authorization: Bearer {}", "basic {}", "client_secret={}", '"password": "{}"', "token={}&x=1", "refresh_token='{}'",
        "postgresql://kessai:{}@db/kessai", "redis://:{}@127.0.0.1:6379/0", "eyJhbGciOiJFUzI1NiJ9.{}.sig",
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
    ]),
)  # fmt: skip
def test_secrets_never_appear(token: str, sentence: str):
    assert token not in masked(sentence.format(token))


@given(tokens, st.sampled_from(["password", "clientSecret", "client_secret", "access_token", "Authorization", "holder", "address"]))
def test_keys_that_say_so_are_hidden_whole(token: str, key: str):
    assert mask_event(None, "info", {"rows": [{key: token}], key: token}) == {"rows": [{key: HIDDEN}], key: HIDDEN}


@given(st.text())
def test_masking_twice_is_masking_once(text: str):
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "202509201000000018",  # a contract ID has 18 digits
        "91_***130_20000924_001.txt",  # a date, in a file name already masked
        "00-09-25, 850,000 円",
        "d41d8cd98f00b204e9800998ecf8427e",  # a request ID or hash, digits and all
        "130/4112 is INSTRUCTED",
        "2000-09-20T09:00:00+09:00",
    ],
)
def test_what_operators_search_for_stays(text: str):
    assert masked(text) == text


def test_numbers_stay_numbers():
    event = {"amount": 9_999_999_999, "contract_id": "202509201000000018", "seconds": 0.25, "late": True, "none": None}
    assert mask_event(None, "info", dict(event)) == event


def test_the_last_digits_remain_so_that_people_can_compare():
    assert masked("account 9000001 refused") == "account ***001 refused"


@pytest.fixture
def output():
    """Logging configured to a stream, and put back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    logging.captureWarnings(capture=False)  # a test before us may have left them caught by a hook that pytest has taken away
    yield stream
    root.handlers[:], level = before[0], before[1]
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_every_door_leads_through_the_mask(output: io.StringIO):
    configure(LogSettings(format="json"), output)
    structlog.get_logger("kessai").info("sent", batch=7, note="to 9000001")
    logging.getLogger("library").warning("refused %s", "9000002")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("about 9000003", UserWarning, stacklevel=1)
    try:
        raise ValueError("account 9000004, holder ﾔﾏﾀﾞ ﾀﾛｳ")
    except ValueError:
        structlog.get_logger("kessai").exception("broke")
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("kessai").warning("9000005")
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [(line["level"], line["logger"]) for line in lines] == [
        ("info", "kessai"),
        ("warning", "library"),
        ("warning", "py.warnings"),
        ("error", "kessai"),
        ("warning", "kessai"),
    ]
    assert lines[0]["note"] == "to ***001"
    assert lines[1]["event"] == "refused ***002"
    assert lines[4]["request_id"] == "r1"
    assert "90000" not in output.getvalue()
    assert "ﾔﾏﾀﾞ" not in output.getvalue()
    assert "Traceback" in lines[3]["exception"]


def test_on_a_terminal_the_lines_are_for_people(output: io.StringIO):
    configure(LogSettings(format="console"), output)
    structlog.get_logger("kessai").info("sent", to="9000001")
    assert "sent" in output.getvalue()
    assert "to=***001" in output.getvalue()


def test_the_level_is_kept(output: io.StringIO):
    configure(LogSettings(format="json", level="warning"), output)
    structlog.get_logger("kessai").info("unheard")
    assert not output.getvalue()
