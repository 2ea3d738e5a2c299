"""How a bank or a carrier is reached (接続方式): the transports, what an address of each must say, and which part of it is a secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from domain import signing
from domain.setting import Mistake, NotASetting, Written, number, one_of

CONNECTORS: Mapping[str, frozenset[str]] = {
    "directory": frozenset({"path"}),
    "sftp": frozenset({"host", "port", "user", "key_file", "known_host"}),
    "http": frozenset({"url", "secret"}),
}
"""The transports, and what an address of each must say."""

CONNECTOR: Written = one_of({name: name for name in CONNECTORS})
"""How people write one."""

SECRET_PARTS = frozenset({"secret"})
"""Parts of an address that are shown to nobody."""

ADDRESS = "address."
"""What a part of an address begins with where it stands among settings: `address.path`."""

MIN_KEY = 24  # bytes of a signing key
MAX_PART = 1_000  # characters of a part of an address


def read_part(name: str, value: str) -> Any:
    """The value of `address.<part>` as a person writes it. Raises NotASetting for a part that no address has."""
    part = name.removeprefix(ADDRESS)
    if part not in frozenset().union(*CONNECTORS.values()):
        raise NotASetting(f"no address has a part {part!r}")
    return number(value) if part == "port" and value else value


def shown(address: Mapping[str, Any]) -> dict[str, Any]:
    """An address as it may be shown: without its secrets."""
    return {part: "***" if part in SECRET_PARTS else value for part, value in address.items()}


def changed(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A bank or carrier (`connector`, `address`, its other settings) after changes, among them parts of its address. An empty part is none."""
    after = dict(before) | {"address": dict(before["address"])}
    for name, value in changes.items():
        if name.startswith(ADDRESS):
            after["address"][name.removeprefix(ADDRESS)] = value
        else:
            after[name] = value
    if after["connector"] != before["connector"]:  # another transport has another address: no part of the old one stays behind
        wanted = CONNECTORS.get(after["connector"], frozenset())
        after["address"] = {part: value for part, value in after["address"].items() if part in wanted}
    after["address"] = {part: value for part, value in after["address"].items() if value not in ("", None)}
    return after


def mistakes(whom: str, connector: str, address: Mapping[str, Any]) -> Iterable[Mistake]:
    """Everything that cannot be so about a way to somebody. `whom`: bank or carrier. No sentence repeats a secret."""
    wanted = CONNECTORS.get(connector)
    if wanted is None:
        yield Mistake("connector", f"a {whom} is reached by {' or '.join(CONNECTORS)}, not by {connector}")
        return
    there = {part for part, value in address.items() if value not in ("", None)}
    for part in sorted(there - wanted):
        yield Mistake(f"{ADDRESS}{part}", f"the address of a {connector} {whom} has no {part}; it has {', '.join(sorted(wanted))}")
    for part in sorted(part for part in there if len(str(address[part])) > MAX_PART):
        yield Mistake(f"{ADDRESS}{part}", f"has at most {MAX_PART:,} characters")
    if missing := wanted - there:
        yield Mistake("address", f"the address of a {connector} {whom} lacks {', '.join(sorted(missing))}")
    elif connector == "sftp" and not _is_port(str(address["port"])):
        yield Mistake("address.port", "a port is 1 to 65535")
    elif connector == "http":
        yield from _called(whom, address)


def _called(whom: str, address: Mapping[str, Any]) -> Iterable[Mistake]:
    where = _place(str(address["url"]))
    if where is None:
        yield Mistake(
            "address.url", f"a {whom}'s API has an address such as https://{whom}.example/kessai, without a name or a question in it"
        )
    elif where == ("http", False):
        yield Mistake("address.url", "calls leave this machine by https only")
    secrets = str(address["secret"]).split()
    try:
        short = not 1 <= len(secrets) <= signing.MAX_SIGNATURES or any(len(signing.key_of(secret)) < MIN_KEY for secret in secrets)
    except ValueError:
        short = True
    if short:
        yield Mistake(
            "address.secret", f"a secret is whsec_ and the base64 of {MIN_KEY} bytes or more; two stand side by side while one is changed"
        )


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6 and 0 < int(text) < 65536


def _place(url: str) -> tuple[str, bool] | None:
    """(scheme, whether it is this machine) of an address that can be called; None for one that cannot."""
    try:
        where = urlsplit(url)
        _ = where.port  # read only to be refused here when it is none
    except ValueError:
        return None
    if where.scheme not in ("http", "https") or not where.hostname or where.query or where.fragment or where.username:
        return None
    if not url.isprintable() or " " in url:
        return None
    return where.scheme, where.hostname in ("127.0.0.1", "::1", "localhost")
