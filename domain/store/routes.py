"""A site's rules for its carriers. They decide at registration; a contract keeps the carrier that it was given."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from domain import routing
from domain.routing import Consignment, Route
from domain.store.administration import NotThere, Refused, home_of
from domain.store.connection import Tx, reading, transaction

STEP = 10  # between places that are not said, so that a rule can come between


@dataclass(frozen=True, slots=True)
class Found:
    """Which carrier a consignment would go with, and by which rule. No rule: the site's own carrier; no carrier: it is refused."""

    carrier_id: str | None
    route: Route | None


async def of_site(tx: Tx, site_id: int) -> tuple[Route, ...]:
    """A site's rules in their order."""
    rows = await tx.rows(
        "select place, carrier_id, postal_code, prefecture, goods from site_route where site_id = $1 order by place", site_id
    )
    return tuple(Route(**dict(row)) for row in rows)


async def add(
    site_id: int,
    carrier_id: str,
    *,
    place: int | None = None,
    postal_code: str | None = None,
    prefecture: str | None = None,
    goods: str | None = None,
) -> Route:
    """Adds a rule, at the end or at a place. Seen by registrations within seconds; contracts that are there keep their carrier.

    Raises:
        NotThere: No such site or carrier.
        Refused: ROUTE with everything that cannot be so, PLACE_TAKEN.
    """
    async with transaction() as tx:
        await home_of(tx, site_id)
        await tx.run("select 1 from site where site_id = $1 for update", site_id)
        if await tx.value("select 1 from carrier where carrier_id = $1", carrier_id) is None:
            raise NotThere("carrier", carrier_id)
        if place is None:
            last = await tx.value("select coalesce(max(place), 0) from site_route where site_id = $1", site_id)
            place = int(last) + (STEP if last + STEP <= routing.MAX_ROUTES else 1)
        route = Route(place, carrier_id, postal_code, prefecture, goods)
        if mistakes := routing.mistakes(route):
            raise Refused("ROUTE", "; ".join(mistakes))
        added = await tx.run(
            "insert into site_route(site_id, place, postal_code, prefecture, goods, carrier_id) values ($1, $2, $3, $4, $5, $6) "
            "on conflict do nothing",
            site_id,
            place,
            postal_code,
            prefecture,
            goods,
            carrier_id,
        )
        if not added:
            raise Refused("PLACE_TAKEN", f"site {site_id} has a rule at place {place}; remove it first, or choose another place")
    return route


async def remove(site_id: int, place: int) -> None:
    """Takes a rule away. Raises NotThere."""
    async with transaction() as tx:
        if not await tx.run("delete from site_route where site_id = $1 and place = $2", site_id, place):
            raise NotThere("rule", f"{place} of site {site_id}")


async def listed(site_id: int | None = None) -> list[dict[str, Any]]:
    """The rules of a site, or of all, in their order."""
    async with reading() as tx:
        if site_id is not None:
            await home_of(tx, site_id)
            return [{"site_id": site_id} | asdict(route) for route in await of_site(tx, site_id)]
        return [dict(row) for row in await tx.rows("select * from site_route order by site_id, place")]


async def test(site_id: int, to: Consignment) -> Found:
    """What a registration would decide now. Raises NotThere."""
    async with reading() as tx:
        await home_of(tx, site_id)
        default = await tx.value("select carrier_id from site where site_id = $1", site_id)
        route = routing.route_of(await of_site(tx, site_id), to)
    return Found(default if route is None else route.carrier_id, route)
