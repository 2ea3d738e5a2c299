"""Each process reads what it needs, once; a mistake is named with what to do about it, and no secret is shown."""

import re
from pathlib import Path

import pytest

from kessai.settings import (
    VARIABLES,
    ApiSettings,
    EngineSettings,
    HookSettings,
    LogSettings,
    SchedulerSettings,
    ServiceUrl,
    SettingsError,
    UpSettings,
    WorkerSettings,
)

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_has_to_be_set():
    assert ApiSettings.from_env({}) == ApiSettings()
    assert WorkerSettings.from_env({}) == WorkerSettings()
    assert SchedulerSettings.from_env({}) == SchedulerSettings()
    assert UpSettings.from_env({}) == UpSettings()


def test_everything_can_be_set(tmp_path: Path):
    environ = {
        "DATABASE_URL": "postgresql://kessai:hush@db:5432/kessai",
        "REDIS_URL": "redis://:hush@cache:6379/2",
        "KESSAI_STATE": str(tmp_path / "state"),
        "KESSAI_SPOOL": str(tmp_path / "spool"),
        "KESSAI_HOST": "0.0.0.0",
        "KESSAI_PORT": "8080",
        "KESSAI_PUBLIC_URL": "https://kessai.example/",
        "KESSAI_OIDC_ISSUER": "https://login.example/realms/trade",
        "KESSAI_OIDC_AUDIENCE": "kessai-api",
        "KESSAI_LIMITS": "depth=10",
        "KESSAI_CORS_ORIGINS": "https://shop.example",
        "KESSAI_TRUSTED_DOCUMENTS": str(tmp_path / "documents.json"),
        "KESSAI_TRUSTED_ONLY": "1",
        "KESSAI_TRUSTED_PROXIES": "10.0.0.7, 10.1.0.0/16",
        "KESSAI_HOOKS_ALLOW_PRIVATE": "1",
        "KESSAI_HOOKS_PORTS": "443, 8443",
        "SMTP_URL": "smtps://kessai:hush@mail:465",
        "KESSAI_MAIL_FROM": "kessai@kessai.example",
        "KESSAI_QUEUES": "banks, carriers",
        "KESSAI_THREADS": "16",
        "KESSAI_HEALTH_PORT": "9100",
        "KESSAI_CRASH_AT": "uploaded",
        "KESSAI_LOG_FORMAT": "JSON",
        "KESSAI_LOG_LEVEL": "debug",
        "HOME": "/nonexistent",
    }
    assert set(VARIABLES) == set(environ) - {"HOME"}
    engines = EngineSettings(
        database_url=ServiceUrl(environ["DATABASE_URL"]), redis_url=ServiceUrl(environ["REDIS_URL"]), state=tmp_path / "state"
    )
    logs = LogSettings(format="json", level="debug")
    hooks = HookSettings(
        allow_private=True,
        ports=frozenset({443, 8443}),
        smtp_url=ServiceUrl(environ["SMTP_URL"]),
        mail_from="kessai@kessai.example",
    )
    api = ApiSettings(
        engines=engines,
        logs=logs,
        host="0.0.0.0",
        port=8080,
        public_url="https://kessai.example",
        oidc=("https://login.example/realms/trade", "kessai-api"),
        limits={"depth": 10},
        cors_origins=frozenset({"https://shop.example"}),
        trusted_documents=tmp_path / "documents.json",
        trusted_only=True,
        trusted_proxies=("10.0.0.7", "10.1.0.0/16"),
        hooks=hooks,
    )
    worker = WorkerSettings(
        engines=engines, logs=logs, spool=tmp_path / "spool", queues=("banks", "carriers"), threads=16, health_port=9100, hooks=hooks
    )
    assert ApiSettings.from_env(environ) == api
    assert WorkerSettings.from_env(environ) == worker
    assert SchedulerSettings.from_env(environ) == SchedulerSettings(engines=engines, logs=logs, health_port=9100)
    assert UpSettings.from_env(environ) == UpSettings(api=api, worker=worker)


def test_passwords_are_not_shown():
    settings = UpSettings.from_env(
        {"DATABASE_URL": "postgresql://kessai:hush@db/kessai?sslpassword=hush", "REDIS_URL": "redis://:hush@r/0"}
    )
    assert "hush" not in repr(settings)
    assert str(settings.api.engines.database_url) == "postgresql://kessai:***@db/kessai"
    assert settings.api.engines.database_url is not None
    assert settings.api.engines.database_url.reveal().startswith("postgresql://kessai:hush@")


@pytest.mark.parametrize(
    "environ, code, why",
    [
        ({"DATABASE_URL": "mysql://u:hush@db/kessai"}, "DATABASE_URL", "it must begin with postgresql://"),
        ({"DATABASE_URL": "kessai"}, "DATABASE_URL", "it must begin with postgresql://"),
        ({"DATABASE_URL": "postgresql://u:hush@/kessai"}, "DATABASE_URL", "it names no host"),
        ({"DATABASE_URL": "postgresql://u:hush@db:54x/kessai"}, "DATABASE_URL", "its port is not a number"),
        ({"DATABASE_URL": "postgresql://u:hush@db"}, "DATABASE_URL", "it names no database"),
        ({"REDIS_URL": "http://:hush@cache"}, "REDIS_URL", "it must begin with redis://"),
        ({"KESSAI_PORT": "eight"}, "SETTING_INVALID", "'eight' is not a whole number from 1 to 65535"),
        ({"KESSAI_PORT": "٨٠٠٠"}, "SETTING_INVALID", "'٨٠٠٠' is not a whole number from 1 to 65535"),
        ({"KESSAI_PORT": "70000"}, "SETTING_INVALID", "'70000' is not a whole number from 1 to 65535"),
        ({"KESSAI_LOG_FORMAT": "xml"}, "SETTING_INVALID", "'xml' is none of auto, json, console"),
        ({"KESSAI_SPOOL": __file__}, "SETTING_INVALID", f"{__file__} is a file, and a directory is needed"),
        ({"KESSAI_PUBLIC_URL": "kessai.example"}, "SETTING_INVALID", "it must begin with https://"),
        ({"KESSAI_OIDC_ISSUER": "http://login.example"}, "SETTING_INVALID", "it must begin with https://"),
        (
            {"KESSAI_OIDC_AUDIENCE": "", "KESSAI_OIDC_ISSUER": "https://login.example"},
            "SETTING_INVALID",
            "without it any token of the issuer would be taken",
        ),
        ({"KESSAI_TRUSTED_PROXIES": "10.0.0.7,proxy"}, "SETTING_INVALID", "'proxy' is no address and no network"),
        ({"KESSAI_TRUSTED_PROXIES": "0.0.0.0/0"}, "SETTING_INVALID", "'0.0.0.0/0' is everybody"),
        ({"KESSAI_OIDC_AUDIENCE": "x"}, "SETTING_INVALID", "there is no KESSAI_OIDC_ISSUER whose audience it could be"),
        ({"SMTP_URL": "http://u:hush@mail"}, "SMTP_URL", "it must begin with smtp://"),
        ({"KESSAI_MAIL_FROM": "", "SMTP_URL": "smtps://mail"}, "SETTING_INVALID", "SMTP_URL and KESSAI_MAIL_FROM belong together"),
        ({"KESSAI_HOOKS_PORTS": "https"}, "SETTING_INVALID", "'https' is not a whole number from 1 to 65535"),
        ({"KESSAI_HOOKS_ALLOW_PRIVATE": "yes"}, "SETTING_INVALID", "'yes' is none of 0, 1"),
        ({"KESSAI_SPOOOL": "x"}, "SETTING_UNKNOWN", "did you mean KESSAI_SPOOL?"),
    ],
)
def test_mistakes_are_named(environ: dict[str, str], code: str, why: str):
    with pytest.raises(SettingsError) as caught:
        UpSettings.from_env(environ)
    assert (caught.value.code, caught.value.why) == (code, why)
    assert next(iter(environ)) in caught.value.what
    assert caught.value.do
    assert caught.value.exit_status == 2
    assert "hush" not in str(caught.value)


def test_empty_is_the_same_as_left_out():
    assert UpSettings.from_env(dict.fromkeys(VARIABLES, "")) == UpSettings()


def test_only_loopback_gets_the_fixed_password():
    assert ApiSettings(host="127.0.0.1").loopback
    assert not ApiSettings(host="0.0.0.0").loopback


def test_every_variable_is_documented_and_nothing_else():
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", written, re.MULTILINE))
    assert table == VARIABLES
