"""Which carrier a contract's goods go with (運送会社の割当): the site's rules in their order, the first that fits, else its default.

A rule names one or more of: how the consignee's postal code begins, his prefecture, what the goods are called. All that it names must
fit. Goods fit when any line's name or model does: a contract is one consignment, and what must be cooled takes the rest with it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from unicodedata import normalize

MAX_PATTERN = 100
MAX_ROUTES = 1_000
_POSTAL_CODE = re.compile(r"[0-9]{1,7}")

PREFECTURES: tuple[str, ...] = (
    "北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県", "茨城県", "栃木県", "群馬県", "埼玉県", "千葉県",
    "東京都", "神奈川県", "新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県", "愛知県", "三重県",
    "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県", "鳥取県", "島根県", "岡山県", "広島県", "山口県", "徳島県",
    "香川県", "愛媛県", "高知県", "福岡県", "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県",
)  # fmt: skip
"""都道府県, as an address begins with them."""


@dataclass(frozen=True, slots=True)
class Route:
    """One rule. None: does not matter."""

    place: int  # in the site's order, from 1
    carrier_id: str
    postal_code: str | None = None  # its first digits
    prefecture: str | None = None
    goods: str | None = None  # * is any text, ? any character; upper and lower case, full and half width are the same


@dataclass(frozen=True, slots=True)
class Consignment:
    """What of a contract decides: to whom the goods go, and what they are called."""

    postal_code: str | None
    address: str
    goods: tuple[tuple[str, str | None], ...]  # name, model


def mistakes(route: Route) -> list[str]:
    """What cannot be so about a rule, in sentences."""
    found = []
    if not 1 <= route.place <= MAX_ROUTES:
        found.append(f"a place is 1 to {MAX_ROUTES}")
    if route.postal_code is route.prefecture is route.goods is None:
        found.append("a rule says something of postal code, prefecture or goods; what fits all is the site's own carrier")
    if route.postal_code is not None and not _POSTAL_CODE.fullmatch(route.postal_code):
        found.append("a postal code begins with 1 to 7 digits, without a hyphen")
    if route.prefecture is not None and route.prefecture not in PREFECTURES:
        found.append(f"{route.prefecture} is none of the 47 prefectures (write 東京都, 京都府, 北海道 ...)")
    if route.goods is not None and not (0 < len(route.goods) <= MAX_PATTERN and route.goods.isprintable()):
        found.append(f"a pattern for goods has 1 to {MAX_PATTERN} visible characters")
    return found


def route_of(routes: Iterable[Route], to: Consignment) -> Route | None:
    """The first rule, in the order of places, that fits. None: no rule does, and the site's own carrier takes it."""
    return next((route for route in sorted(routes, key=lambda route: route.place) if fits(route, to)), None)


def carrier_of(routes: Sequence[Route], default: str | None, to: Consignment) -> str | None:
    """The carrier of a consignment. None: the site has none for it."""
    route = route_of(routes, to) if routes else None
    return default if route is None else route.carrier_id


def fits(route: Route, to: Consignment) -> bool:
    """Whether everything that a rule names is so."""
    return (
        (route.postal_code is None or _digits(to.postal_code).startswith(route.postal_code))
        and (route.prefecture is None or _folded(to.address).replace(" ", "").startswith(route.prefecture))
        and (route.goods is None or any(_called(route.goods, word) for line in to.goods for word in line if word is not None))
    )


def _digits(postal_code: str | None) -> str:
    return "" if postal_code is None else "".join(c for c in normalize("NFKC", postal_code) if c in "0123456789")


def _folded(text: str) -> str:
    return normalize("NFKC", text).casefold()


def _called(pattern: str, word: str) -> bool:
    return _compiled(pattern).match(_folded(word)) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Only * and ? mean something: a bracket is a bracket.
    return re.compile(translate(_folded(pattern).replace("[", "[[]")))
