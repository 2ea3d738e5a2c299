"""What the settings say about limits and trusted documents, as the API takes it."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from api.options import Limits
from api.trusted import BadTrustedFile, load_trusted
from kessai.settings import SettingsError

LARGEST_PAGE = 200


def limits_of(given: Mapping[str, int]) -> Limits:
    """The limits with those that differ. Raises SettingsError for a name that is none, and for a page beyond what the API reads."""
    known = sorted(field.name for field in fields(Limits))
    for name, value in given.items():
        if name not in known:
            raise SettingsError(
                "KESSAI_LIMITS cannot be used",
                why=f"there is no limit {name!r}",
                do=(f"one of {', '.join(known)}",),
                code="SETTING_INVALID",
            )
        if (name == "page" and value > LARGEST_PAGE) or (name not in {"rate", "strangers"} and value == 0):
            raise SettingsError(
                "KESSAI_LIMITS cannot be used",
                why=f"{name}={value} is out of range",
                do=(f"page is at most {LARGEST_PAGE}; only rate and strangers can be 0",),
                code="SETTING_INVALID",
            )
    return replace(Limits(), **given)


def trusted_of(path: Path | None) -> dict[str, str]:
    """The trusted documents of a file. Raises SettingsError."""
    if path is None:
        return {}
    try:
        return load_trusted(path)
    except (BadTrustedFile, OSError) as error:
        raise SettingsError(
            "KESSAI_TRUSTED_DOCUMENTS cannot be used",
            why=str(error),
            do=("see docs/limits.md for the two forms of the file",),
            code="SETTING_INVALID",
        ) from error
