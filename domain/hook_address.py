"""Where a webhook may go. We call addresses that strangers give us, from inside our network: none of them may lead back into it.

An address is looked at twice: its text when it is registered, and the number that is really connected to, each time (a name may
resolve to something else in between). Sources: RFC 6890 and the IANA registries of special addresses; WHATWG URL "ends in a number".
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

LONGEST = 2_000
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")  # what a resolver may take for an address in decimal, octal or hexadecimal
_INSIDE = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "test", "invalid", "onion")
_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's NAT (RFC 6598)
        "169.254.0.0/16",  # link-local; clouds tell secrets at 169.254.169.254
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",  # IPv4-compatible, unspecified and loopback
        "64:ff9b::/96",  # NAT64: an IPv4 address in disguise
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",  # Teredo, ORCHID and others
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",
        "5f00::/16",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_PRIVATE = tuple(ip_network(text) for text in ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"))

AnyAddress = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Where:
    """Where hooks may go.

    Attributes:
        allow_private: For development: http, private and loopback addresses, any port.
        ports: Those that may be called otherwise.
    """

    allow_private: bool = False
    ports: frozenset[int] = frozenset({443})


def may_call(address: AnyAddress, where: Where) -> bool:
    """Whether a connection to this very address may be made."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return may_call(address.ipv4_mapped, where)
        if address.scope_id is not None:
            return False
    if where.allow_private:
        if any(address in net for net in _PRIVATE if net.version == address.version):
            return True
        return not any(address in net for net in _NEVER if net.version == address.version)
    inside = any(address in net for net in (*_NEVER, *_PRIVATE) if net.version == address.version)
    return not inside and address.is_global and not address.is_multicast


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """Why an address is refused, in both languages; nothing of the address is repeated."""

    english: str
    japanese: str


def problem_of(url: str, where: Where) -> NotAllowed | None:
    """Why this text is no address of a webhook; None: it may be one. Names are not resolved here."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or any(sign in url for sign in " \"'<>\\^`{|}"):
        return NotAllowed(f"An address has at most {LONGEST} plain characters.", f"URL は {LONGEST} 文字以内の ASCII で指定してください。")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return NotAllowed("This address cannot be read.", "URL を読み取れません。")
    schemes = ("https", "http") if where.allow_private else ("https",)
    if parts.scheme not in schemes:
        return NotAllowed("An address begins with https://.", "URL は https:// で始まる必要があります。")
    if "@" in parts.netloc or "#" in url:
        return NotAllowed(
            "An address has no user, no password and no fragment.", "URL にユーザー名・パスワード・フラグメントは使えません。"
        )
    if not where.allow_private and (port or 443) not in where.ports:
        allowed = ", ".join(map(str, sorted(where.ports)))
        return NotAllowed(f"Only these ports may be called: {allowed}.", f"使えるポートは {allowed} だけです。")
    if port == 0:
        return NotAllowed("This address cannot be read.", "URL を読み取れません。")
    return _host_problem(host, where)


_INTERNAL = NotAllowed(
    "Private, local and reserved addresses are not called.", "プライベート・ローカル・予約済みのアドレスには送信できません。"
)


def _host_problem(host: str, where: Where) -> NotAllowed | None:
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is not None:
        return None if may_call(address, where) else _INTERNAL
    last = host.removesuffix(".").rpartition(".")[2]
    if not _HOST.fullmatch(host) or len(host) > 253 or _NUMBER.fullmatch(last):
        return NotAllowed("This is no name of a host.", "ホスト名が正しくありません。")
    if not where.allow_private and (last in _INSIDE or "." not in host.removesuffix(".")):
        return _INTERNAL
    return None
