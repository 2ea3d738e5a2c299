"""Limits, origins and trusted documents, from the environment to the API."""

from pathlib import Path

import pytest

from api.options import Limits
from kessai.api_limits import limits_of, trusted_of
from kessai.settings import ApiSettings, SettingsError


def test_what_is_set_arrives(tmp_path: Path):
    file = tmp_path / "documents.json"
    file.write_text('{"any": "{ __typename }"}', encoding="utf-8")
    settings = ApiSettings.from_env(
        {
            "KESSAI_LIMITS": "depth=10, rate=0,",
            "KESSAI_CORS_ORIGINS": "https://shop.example, http://localhost:3000",
            "KESSAI_TRUSTED_DOCUMENTS": str(file),
            "KESSAI_TRUSTED_ONLY": "1",
        }
    )
    assert limits_of(settings.limits) == Limits(depth=10, rate=0)
    assert settings.cors_origins == {"https://shop.example", "http://localhost:3000"}
    assert list(trusted_of(settings.trusted_documents).values()) == ["{ __typename }"]
    assert settings.trusted_only


@pytest.mark.parametrize(
    "name, value",
    [
        ("KESSAI_LIMITS", "depth"),
        ("KESSAI_LIMITS", "depth=-1"),
        ("KESSAI_LIMITS", "=5"),
        ("KESSAI_LIMITS", "depth=1.5"),
        ("KESSAI_LIMITS", "dept=10"),
        ("KESSAI_LIMITS", "page=201"),
        ("KESSAI_LIMITS", "depth=0"),
        ("KESSAI_CORS_ORIGINS", "shop.example"),
        ("KESSAI_CORS_ORIGINS", "https://shop.example/"),
        ("KESSAI_CORS_ORIGINS", "ftp://shop.example"),
        ("KESSAI_TRUSTED_DOCUMENTS", "/nowhere/documents.json"),
        ("KESSAI_TRUSTED_ONLY", "perhaps"),
    ],
)
def test_what_cannot_be_meant_is_named(name: str, value: str):
    def read() -> None:
        settings = ApiSettings.from_env({name: value})
        limits_of(settings.limits)
        trusted_of(settings.trusted_documents)

    with pytest.raises(SettingsError, match=name):
        read()


def test_the_limits_that_can_be_set_are_explained():
    text = (Path(__file__).resolve().parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
    for name in (
        "body",
        "batch_body",
        "batch_items",
        "document",
        "tokens",
        "comments",
        "operations",
        "depth",
        "aliases",
        "cost",
        "subscriptions",
    ):
        assert f"| `{name}` | {getattr(Limits(), name):,} |" in text
