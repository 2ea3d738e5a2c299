"""The command line: help that is there, mistakes that are named, exit statuses that mean something."""

import json
import re
from collections.abc import Callable

import pytest

from kessai import cli
from kessai.cli import COMMANDS, explain, main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Run:
    """A command in an empty directory, with nothing in its environment."""
    for name in ("DATABASE_URL", "REDIS_URL", "KESSAI_STATE", "KESSAI_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(str(tmp_path))

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(list(arguments))
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def leaves() -> list[list[str]]:
    """Every command there is, with those inside a command."""
    found: list[list[str]] = []
    for name, _, _, _ in COMMANDS:
        inner = [word for word in cli.make_app([name])[name] if not word.startswith("-")]  # asked for: it keeps its own help
        found += [[name, word] for word in inner] or [[name]]
    return found


@pytest.mark.parametrize("command", leaves(), ids=" ".join)
def test_every_command_has_help_with_an_example_and_takes_json(run: Run, command: list[str]):
    status, out, _ = run(*command, "--help")
    assert status == 0
    assert "For example" in out
    assert f"kessai {' '.join(command)}" in " ".join(out.split())
    assert "--json" in out


@pytest.mark.parametrize("group", sorted({command[0] for command in leaves() if len(command) == 2}))
def test_every_group_has_help_with_an_example(run: Run, group: str):
    status, out, _ = run(group, "--help")
    assert status == 0
    assert "For example" in out
    assert f"kessai {group} " in out.partition("For example")[2]


def test_the_front_page_names_every_command(run: Run):
    status, out, _ = run()
    assert status == 0
    assert [name for name, _, _, _ in COMMANDS if not re.search(rf"\b{name}\b", out)] == []
    assert run("--help")[0] == 0


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["statsu"], 'Did you mean "status"'),
        (["sandbox", "clok"], 'Did you mean "clock"'),
        (["batches", "--kind", "gift"], "--kind"),
        (["batches", "--status", "GONE"], "GONE is not a batch status"),
        (["site", "add"], "requires an argument"),
        (["contract", "register"], "Name a file or say --example"),
        (["bank", "add", "9994", "E", "--kana", "ｲ"], "--directory, --sftp or --url"),
        (["sandbox", "clock", "tomorrow"], "Nothing runs here"),
        (["status"], "Nothing runs here"),
        (["token"], "There is no world here yet"),
        (["exceptions"], "There is no world here yet"),
        (["api"], "needs DATABASE_URL and REDIS_URL"),
        (["worker"], "needs DATABASE_URL and REDIS_URL"),
        (["scheduler"], "needs DATABASE_URL and REDIS_URL"),
        (["migrate"], "needs DATABASE_URL"),
    ],
)
def test_what_you_can_mend_has_status_2_and_says_what_to_do(run: Run, arguments: list[str], words: str):
    status, out, err = run(*arguments)
    assert status == 2
    assert not out
    assert words in err
    assert "Traceback" not in err
    assert re.search(r"^  code  [A-Z_]+$", err, re.MULTILINE)


def test_the_clock_is_not_turned_back(run: Run):
    status, out, err = run("sandbox", "clock", "-1d")
    assert (status, out) == (3, "")
    assert "The clock only goes forward" in err
    assert "CLOCK_BACKWARDS" in err


@pytest.mark.parametrize(
    "name, value",
    [
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgresql://user:sesame@127.0.0.1:1/kessai"),
        ("KESSAI_PORT", "eighty"),
        ("KESSAI_POTR", "8000"),
    ],
)
def test_a_setting_that_cannot_be_used(run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:sesame@127.0.0.1:1/kessai")
    monkeypatch.setenv(name, value)
    status, out, err = run("api")
    assert (status, out) == (2, "")
    assert "sesame" not in err
    assert "Traceback" not in err


def test_json_has_the_error_too(run: Run):
    status, out, err = run("status", "--json")
    assert (status, err) == (2, "")
    assert json.loads(out)["error"]["code"] == "NOT_RUNNING"
    assert json.loads(out)["error"]["do"] == ["kessai up"]


def test_what_nobody_planned_for_is_one_line_and_a_trace_only_on_request(run: Run, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise RuntimeError("at postgresql://u:sesame@host/db, account 9000001")

    monkeypatch.setattr("kessai.cli_up.places_of", broken)
    status, _, err = run("status")
    assert status == 1
    assert err.startswith("It broke: RuntimeError.")
    assert "sesame" not in err
    assert "9000001" not in err
    with pytest.raises(RuntimeError):
        main(["status", "--debug"])


def test_ctrl_c_is_no_error(run: Run, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kessai.cli_up.places_of", interrupted)
    assert run("status") == (130, "", "")


def test_a_rule_that_forbids_has_status_3():
    from domain.store.administration import NotThere
    from domain.store.clock import NotASandboxError

    assert (explain(NotThere("site", 5)).exit_status, explain(NotThere("site", 5)).code) == (3, "NOT_FOUND")
    assert explain(NotASandboxError("only a sandbox's clock can be moved")).exit_status == 3


def test_the_schema_is_printed(run: Run):
    status, out, _ = run("schema")
    assert status == 0
    assert "registerContracts(" in out
    assert run("schema", "--write")[1] == "schema.graphql: written\n"
    assert run("schema", "--write")[1] == "schema.graphql: unchanged\n"
