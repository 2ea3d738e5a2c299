"""What the commands for banks and for carriers share: how a way to somebody and changed settings are said, and how settings are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kessai.screen import Common, print_json, show
from kessai.trouble import Trouble

if TYPE_CHECKING:
    from domain.setting import Setting
    from kessai.looking_over import Finding


def way(
    whom: str,
    *,
    directory: Path | None,
    sftp: str | None,
    key_file: Path | None,
    known_host: str | None,
    url: str | None,
    secret_file: Path | None,
) -> tuple[str, dict[str, Any]]:
    """(connector, address) as the options of `add` say. Raises Trouble."""
    if [directory, sftp, url].count(None) != 2:
        raise Trouble(f"Say how the {whom} is reached: --directory, --sftp or --url", code="COMMAND")
    if directory is not None:
        return "directory", {"path": str(directory.absolute())}
    if url is not None:
        if secret_file is None:
            raise Trouble(f"A {whom} that is called needs --secret-file", code="COMMAND")
        return "http", {"url": url, "secret": secret_of(secret_file)}
    user, _, place = (sftp or "").partition("@")
    host, _, port = place.partition(":")
    if not (user and host and key_file and known_host):
        raise Trouble(
            f"An SFTP {whom} needs user@host, --key-file and --known-host",
            why=f"without the host's key nobody could tell the {whom} from somebody else",
            code="COMMAND",
        )
    return "sftp", {"user": user, "host": host, "port": port or "22", "key_file": str(key_file.absolute()), "known_host": known_host}


def secret_of(path: Path) -> str:
    """A secret from a file: what stands on a command line is in the shell's history. Raises Trouble."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{path} cannot be read: {type(error).__name__}", code="COMMAND") from None


def read_changes(texts: Iterable[str], read: Callable[[str], tuple[str, Any]], look: str) -> dict[str, Any]:
    """Changes as people write them, by setting. Raises Trouble. `look`: the command that shows what there is."""
    from domain.setting import NotASetting

    wanted = {}
    for text in texts:
        try:
            name, value = read(text)
        except NotASetting as error:
            words = str(error)
            raise Trouble(words[:1].upper() + words[1:], do=(look,), code="COMMAND") from None
        wanted[name] = value
    return wanted


def rows_of(
    settings: Sequence[Setting], values: Mapping[str, Any], shown_name: Callable[[str], str] = lambda name: name
) -> list[dict[str, str]]:
    """Everything that is set, a row each, the parts of the address behind the connector. `values` hold no secret."""
    rows: list[dict[str, str]] = []
    for setting in settings:
        rows.append(_row(shown_name(setting.name), setting.show(values[setting.name]), setting))
        if setting.name == "connector":
            rows += [
                _row(f"address.{part}", str(value), None, may_be="text", japanese="接続先", group=setting.group)
                for part, value in sorted(values["address"].items())
            ]
    return rows


def _row(name: str, value: str, setting: Setting | None, *, may_be: str = "", japanese: str = "", group: str = "") -> dict[str, str]:
    if setting is not None:
        may_be, japanese, group = setting.may_be, setting.japanese, setting.group
    return {
        "name": name,
        "value": value,
        "may_be": may_be,
        "japanese": japanese,
        "meaning": setting.words if setting else "",
        "group": group,
    }


def show_settings(common: Common, rows: Sequence[Mapping[str, str]]) -> None:
    """The table of `show`."""
    show(common, rows, (("setting", "name"), ("is", "value"), ("may be", "may_be"), ("", "japanese"), ("meaning", "meaning")))


def as_shown(settings: Sequence[Setting], name: str, value: Any) -> str:
    """A value of `set`, before or after, without secrets."""
    from domain import connectors

    if name == "address":
        return str(connectors.shown(value))
    setting = next((setting for setting in settings if setting.name == name), None)
    return str(value) if setting is None else setting.show(value)


def say_changed(shown: Mapping[str, tuple[str, str]]) -> None:
    """What `set` did, in lines."""
    for name, (before, after) in shown.items():
        print(f"{name}: {before} -> {after}")
    if not shown:
        print("Nothing has changed: it was so already.")


def say_found(common: Common, whom: str, name: str, found: Sequence[Finding]) -> int:
    """What `test` found; answers its exit status."""
    fails = [finding for finding in found if finding.state == "fails"]
    if common.json:
        print_json({whom: name, "would_fail": len(fails), "findings": found})
    else:
        for finding in found:
            print(f"  {finding.state:<5} {finding.what:<11} {finding.words}")
        print(f"{len(fails)} things would fail." if fails else "Nothing would fail. Nothing was sent.")
    return 1 if fails else 0
