"""The commands for people, programs and keys: a secret is shown once, and what is listed holds none."""

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from kessai.cli import main


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("DATABASE_URL", database_url)

    def command(*words: str, status: int = 0) -> Any:
        found = main([*words, "--json"])
        out = capsys.readouterr().out
        assert found == status, out
        return json.loads(out)

    return command


def test_users_come_and_go(run: Any):
    firm = run("firm", "add", "B社")["firm_id"]
    made = run("user", "add", "B-Sha", "--firm", firm)
    assert len(made["password"]) >= 16
    assert run("user", "add", "b-sha", "--firm", firm, status=3)["error"]["code"] == "USER_TAKEN"
    assert "password" not in run("user", "add", "c-sha", "--firm", firm, "--subject", "s-1")
    assert run("user", "add", "nobody", status=2)["error"]["code"] == "COMMAND"
    assert run("user", "add", "nobody", "--firm", "17", status=3)["error"]["code"] == "NOT_FOUND"
    assert run("user", "password", "b-sha")["password"] != made["password"]
    assert run("user", "password", "c-sha", status=3)["error"]["code"] == "USER"
    assert run("user", "stop", "b-sha")["stopped"] is True
    assert run("user", "stop", "b-sha")["stopped"] is False
    listed = run("user", "list")
    assert [(row["name"], row["firm"], row["external"]) for row in listed] == [("b-sha", "B社", False), ("c-sha", "B社", True)]
    assert "argon2" not in json.dumps(listed)


def test_a_password_is_read_from_standard_input_and_looked_at(run: Any, monkeypatch: pytest.MonkeyPatch):
    for line, status in (("short\n", 3), ("a long and quiet sentence\n", 0)):
        monkeypatch.setattr("sys.stdin.readline", lambda line=line: line, raising=False)
        answer = run("user", "add", "op-1", "--operator", "--password-stdin", status=status)
        assert "password" not in answer


def test_programs_of_every_kind(run: Any, tmp_path: Path):
    firm = run("firm", "add", "B社")["firm_id"]
    key = ECKey.generate_key("P-256", auto_kid=True)
    (tmp_path / "public.json").write_text(json.dumps(dict(key.as_dict(private=False))))
    (tmp_path / "private.json").write_text(json.dumps(dict(key.as_dict(private=True))))
    assert "client_secret" in run("client", "add", "plain", "--firm", firm)
    assert set(run("client", "add", "signs", "--firm", firm, "--key", str(tmp_path / "public.json"))) == {"client_id"}
    assert run("client", "add", "signs", "--firm", firm, "--key", str(tmp_path / "private.json"), status=3)["error"]["code"] == "KEY"
    assert run("client", "add", "signs", "--firm", firm, "--key", str(tmp_path / "none.json"), status=2)["error"]["code"] == "KEY"
    assert set(run("client", "add", "page", "--redirect", "https://shop.example/cb")) == {"client_id"}
    assert "client_secret" in run("client", "add", "server", "--redirect", "https://shop.example/cb", "--confidential")
    assert run("client", "add", "open", "--redirect", "http://shop.example/cb", status=3)["error"]["code"] == "REDIRECT_URI"
    assert run("client", "add", "theirs", "--external", "shop-spa")["client_id"] == "shop-spa"
    assert run("client", "add", "theirs", "--external", "shop-spa", status=3)["error"]["code"] == "CLIENT"
    assert [row["name"] for row in run("client", "list")] == ["plain", "signs", "page", "server", "theirs"]


def test_keys_are_changed(run: Any):
    assert run("key", "list") == []
    first, second = run("key", "rotate")["kid"], run("key", "rotate")["kid"]
    assert [row["kid"] for row in run("key", "list")] == [second, first]
    assert run("key", "retire", second)["ended"] is True
    assert run("key", "retire", second)["ended"] is False
