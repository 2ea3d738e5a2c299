"""Which carrier a site's goods go with: rules in order."""

from __future__ import annotations

from cyclopts import App

from kessai.opened import with_store
from kessai.screen import PLAIN, Common, print_json, show

app = App(
    name="route",
    help="""Keep up which carrier a site's goods go with. Every command takes --json.

For example:

    kessai site route add 130 cool-carrier --goods "冷蔵*"
    kessai site route test 130 --address 北海道札幌市 --goods 冷蔵ケーキ
""",
)


@app.command
def add(
    site: int,
    carrier: str,
    /,
    *,
    postal_code: str | None = None,
    prefecture: str | None = None,
    goods: str | None = None,
    place: int | None = None,
    common: Common = PLAIN,
) -> None:
    """Add a rule: goods that fit all that it says go with this carrier. The first rule that fits decides; where none
    does, the site's own carrier. Contracts that are registered keep theirs.

    For example:

        kessai site route add 130 north-carrier --prefecture 北海道
        kessai site route add 130 cool-carrier --goods "冷蔵*" --place 5

    Parameters
    ----------
    site
        The site's number.
    carrier
        The carrier.
    postal_code
        How the consignee's postal code begins: 1 to 7 digits.
    prefecture
        The prefecture with which the consignee's address begins, e.g. 東京都.
    goods
        What the goods' name or model is like; * is any text, ? any character.
    place
        Its place in the order, 1 to 1000; else after the others.
    """
    from domain.store import routes

    route = with_store(
        lambda: routes.add(site, carrier, place=place, postal_code=postal_code, prefecture=prefecture, goods=goods),
    )
    if common.json:
        print_json(route)
    else:
        print(f"Rule {route.place} of site {site}: {carrier}. Next: kessai site route test {site} --address ...")


@app.command(name="list")
def list_(site: int | None = None, /, *, common: Common = PLAIN) -> None:
    """List the rules of a site, or of all, in their order.

    For example:

        kessai site route list 130

    Parameters
    ----------
    site
        Only this site's.
    """
    from domain.store import routes

    columns = (("site", "site_id"), ("place", "place"), ("postal code", "postal_code"), ("prefecture", "prefecture"), ("goods", "goods"))
    show(common, with_store(lambda: routes.listed(site)), (*columns, ("carrier", "carrier_id")), empty="No rules: each site's own carrier.")


@app.command
def remove(site: int, place: int, /, *, common: Common = PLAIN) -> None:
    """Take a rule away.

    For example:

        kessai site route remove 130 5

    Parameters
    ----------
    site
        The site's number.
    place
        The rule's place.
    """
    from domain.store import routes

    with_store(lambda: routes.remove(site, place))
    if common.json:
        print_json({"site_id": site, "removed": place})
    else:
        print(f"Site {site} has no rule {place} any more.")


@app.command(name="test")
def try_out(
    site: int,
    /,
    *,
    address: str,
    postal_code: str | None = None,
    goods: str = "",
    model: str | None = None,
    common: Common = PLAIN,
) -> int:
    """Say which carrier a contract would get now, and by which rule; nothing is stored. Exit status 3: none.

    For example:

        kessai site route test 130 --address 東京都港区青山 --postal-code 107-0061 --goods プリンタ

    Parameters
    ----------
    site
        The site's number.
    address
        The consignee's address.
    postal_code
        His postal code.
    goods
        The goods' name.
    model
        Their model.
    """
    from domain.routing import Consignment
    from domain.store import routes

    found = with_store(lambda: routes.test(site, Consignment(postal_code, address, ((goods, model),))))
    if common.json:
        print_json(found)
    elif found.carrier_id is None:
        print("No carrier: no rule fits, and the site has no carrier of its own. A registration would be refused (NOT_ROUTABLE).")
    else:
        by = "the site's own carrier, no rule fits" if found.route is None else f"by rule {found.route.place}"
        print(f"{found.carrier_id} ({by})")
    return 3 if found.carrier_id is None else 0
