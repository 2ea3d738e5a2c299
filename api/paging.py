"""Pages after Relay: how much is asked for, what a cursor means, and which parts of a connection the client wants at all."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import strawberry
from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode, SelectionSetNode

from api.errors import ApiError, ErrorCode
from api.scalars import bad_input
from domain.store import pages

if TYPE_CHECKING:
    from domain.store.connection import Tx

LARGEST_PAGE = 200
USUAL_PAGE = 50
VERSION = 1

T = TypeVar("T")


def given(argument: T | None) -> T | None:
    """An argument, where left out and null are the same."""
    return None if argument is strawberry.UNSET else argument


def page_size(asked: int | None, name: str = "first") -> int:
    """How many rows. More than 200 is refused, not cut: a client that believes it has everything would be wrong."""
    if asked is None:
        return USUAL_PAGE
    if asked < 0:
        raise bad_input(f"`{name}` is 0 or more.")
    if asked > LARGEST_PAGE:
        raise ApiError(
            ErrorCode.PAGE_TOO_LARGE,
            f"At most {LARGEST_PAGE} rows at a time; `{name}` asked for {asked}.",
            limit=LARGEST_PAGE,
        )
    return asked


class Cursors:
    """Cursors of one list: opaque, with a version, good for this viewer, filter and order only.

    A cursor from another list would be a place that means something else there; it is refused, not followed.
    """

    def __init__(self, listing: pages.Listing, key: bytes) -> None:
        viewer, order = listing.scope.viewer, listing.order
        which = f"{viewer.kind.value} {viewer.id} {listing.group.value} {order.by.name} {order.descending} {listing.filter!r}"
        self._seal = hmac.new(key, f"page {VERSION} {which}".encode(), hashlib.sha256)

    def _tag(self, body: bytes) -> bytes:
        seal = self._seal.copy()
        seal.update(body)
        return seal.digest()[:9]

    def write(self, spot: pages.Spot) -> str:
        """The cursor of a row."""
        key = spot.key.isoformat() if isinstance(spot.key, date) else spot.key
        body = json.dumps([VERSION, key, spot.contract_id], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._tag(body) + body).rstrip(b"=").decode()

    def read(self, cursor: str) -> pages.Spot:
        """The row's place. Raises BAD_USER_INPUT for what is not a cursor of this list."""
        try:
            raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)) if len(cursor) <= 200 else b""
        except (UnicodeEncodeError, binascii.Error):
            raw = b""
        tag, body = raw[:9], raw[9:]
        if not body or not hmac.compare_digest(tag, self._tag(body)):
            raise bad_input("This cursor does not belong to this list with this filter and this order.")
        _, key, contract_id = json.loads(body)
        return pages.Spot(_key_of(key) if isinstance(key, str) else key, contract_id)


def _key_of(written: str) -> date:
    """A day or an instant."""
    return datetime.fromisoformat(written) if "T" in written else date.fromisoformat(written)


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is asked for.

    Attributes:
        size: How many rows.
        from_end: Whether they are counted from the end (`last`).
        after: Begin after this cursor.
        before: End before this cursor.
    """

    size: int
    from_end: bool
    after: str | None
    before: str | None


def window(first: int | None, after: str | None, last: int | None, before: str | None) -> Window:
    """Reads the four arguments of a connection. Raises PAGE_TOO_LARGE or BAD_USER_INPUT."""
    if first is not None and last is not None:
        raise bad_input("Ask for `first` or for `last`, not for both.")
    if last is not None:
        return Window(page_size(last, "last"), from_end=True, after=after, before=before)
    return Window(page_size(first), from_end=False, after=after, before=before)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of places, each with its cursor, and whether the list goes on at either end."""

    spots: list[pages.Spot]
    cursors: list[str]
    has_next: bool
    has_previous: bool


async def read_page(tx: Tx, listing: pages.Listing, asked: Window, cursors: Cursors, wanted: set[str]) -> Page:
    """Reads one page. `wanted` (see `asked_for`) spares the question what lies beyond an end where nobody asks."""
    after = cursors.read(asked.after) if asked.after is not None else None
    before = cursors.read(asked.before) if asked.before is not None else None
    found = await pages.spots(tx, listing, asked.size + 1, after=after, before=before, from_end=asked.from_end)
    more = len(found) > asked.size
    if more:
        found = found[1:] if asked.from_end else found[:-1]
    has_next = more and not asked.from_end
    has_previous = more and asked.from_end
    # Beyond the end that was given by a cursor there is something, or there was: looked up, not supposed.
    if not has_next and before is not None and "pageInfo.hasNextPage" in wanted:
        has_next = asked.size == 0 or bool(await pages.spots(tx, listing, 1, after=found[-1] if found else after))
    if not has_previous and after is not None and "pageInfo.hasPreviousPage" in wanted:
        has_previous = asked.size == 0 or bool(await pages.spots(tx, listing, 1, before=found[0] if found else before, from_end=True))
    return Page(found, [cursors.write(spot) for spot in found], has_next, has_previous)


def _fields(info: GraphQLResolveInfo[Any], sets: list[SelectionSetNode | None]) -> Iterator[FieldNode]:
    """The fields of selection sets. Each fragment is entered once: spread twice in a row, they double with every level."""
    entered: set[str] = set()
    waiting = [selection for one in sets if one for selection in one.selections]
    while waiting:
        selection = waiting.pop()
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            waiting += selection.selection_set.selections
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in entered:
            entered.add(selection.name.value)
            waiting += info.fragments[selection.name.value].selection_set.selections


def asked_for(info: Any) -> set[str]:
    """Which fields of a connection the operation selects, two levels deep: `count`, `pageInfo.hasNextPage` ..."""
    raw: GraphQLResolveInfo[Any] = info._raw_info  # noqa: SLF001  (Strawberry's own `selected_fields` expands fragments without bound)
    by_name: dict[str, list[SelectionSetNode | None]] = {}
    for field in _fields(raw, [node.selection_set for node in raw.field_nodes]):
        by_name.setdefault(field.name.value, []).append(field.selection_set)
    names = set(by_name)
    for name in names & {"pageInfo", "edges"}:
        names |= {f"{name}.{field.name.value}" for field in _fields(raw, by_name[name])}
    return names
