"""Who sees what, generated over every field and every mutation of the schema: roles, ownership, and each way to an answer (table.txt)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType

from domain.store import administration
from domain.store.connection import transaction
from tests.api.sight.ground import Ground, ground
from tests.api.sight.looking import FILE, ROLES, SCHEMA, Row, Sights, bare, fields, read_table

ROOT = Path(__file__).resolve().parents[3]
TABLE = read_table()
SCOPES = ("contracts:read", "contracts:write", "settlements:read")  # what a site's client may have
HOW = (
    f"say in {FILE.relative_to(ROOT)} who sees it: `Type.field | {' | '.join(ROLES)}` (yes, null, none, -, ...; a root field also its scope), "
    "and make the ground of these tests show it (tests/api/sight/ground.py: a new way to an answer is one line in `ways`). "
    "Only what no answer here can show is `elsewhere path::test`"
)


def rows_of(key: str) -> list[Row]:
    return [row for name, row in TABLE.items() if name.partition("@")[0] == key]


def roots(root: str) -> list[str]:
    named = SCHEMA.type_map[root]
    assert isinstance(named, GraphQLObjectType)
    return list(named.fields)


# ── the table and the schema ─────────────────────────────────────────────────────────────────────────────────────────
def test_every_field_and_mutation_has_a_row():
    assert [key for key in fields() if not rows_of(key)] == [], HOW


def test_every_row_has_a_field():
    known = set(fields())
    assert [key for key in TABLE if key.partition("@")[0] not in known] == []


def test_what_is_shown_elsewhere_is_shown_there():
    for key, row in TABLE.items():
        if row.elsewhere is not None:
            path, _, name = row.elsewhere.partition("::")
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{key}: {row.elsewhere}"


# ── what is answered ─────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def looked_at(database_url: str):
    async with ground(database_url) as found:
        yield found


def compared(role: str, seen: Sights) -> list[str]:
    """Where a role was shown something else than its row says."""
    wrong = []
    for key, row in TABLE.items():
        if row.elsewhere is not None or key.startswith("Mutation."):
            continue
        shown = "/".join(sorted(seen.get(key, {"-"})))
        if shown != row.of(role):
            wrong.append(f"{key} for {role}: {shown}, not {row.of(role)}")
    wrong += [f"{key} for {role}: no row" for key in seen if key not in TABLE]
    return wrong


async def test_every_field_for_every_role_on_every_way(looked_at: Ground):
    wrong: list[str] = []
    for role in ROLES:
        seen: Sights = {}
        await looked_at.queries(role, TABLE, seen)
        await looked_at.subscriptions(role, TABLE, seen)
        if role == "site":
            await looked_at.registrations(role, TABLE, seen)
        wrong += compared(role, seen)
    assert wrong == [], HOW


async def code(looked_at: Ground, role: str, text: str, variables: Any, authorization: str | None = None) -> tuple[str, Any]:
    """The code of the first error of an answer (empty: there is none), and which scope it wants."""
    body = (await looked_at.post(role, text, variables, authorization=authorization)).json()
    extensions = body["errors"][0]["extensions"] if "errors" in body else {}
    return extensions.get("code", ""), extensions.get("wanted")


async def test_every_mutation_for_every_role(looked_at: Ground):
    wrong: list[str] = []
    for name in roots("Mutation"):
        (row,) = rows_of(f"Mutation.{name}")
        for role in ROLES if row.elsewhere is None else ():
            found, wanted = await code(looked_at, role, *bare("Mutation", name))
            assert found in {"", "INSUFFICIENT_SCOPE"}, f"{name} for {role}: {found}"
            if found and wanted != row.scope:
                wrong.append(f"Mutation.{name} for {role} wants {wanted}, not {row.scope}")
            shown = "scope" if found else "yes"
            if shown != row.of(role):
                wrong.append(f"Mutation.{name} for {role}: {shown}, not {row.of(role)}")
    assert wrong == [], HOW


async def test_every_root_needs_its_scope(looked_at: Ground):
    """Each with a token that has everything else, and with one that has nothing else."""
    ways = {alias: (field, how, value) for alias, field, how, value in await looked_at.ways("site")}
    wrong: list[str] = []
    for key, row in TABLE.items():
        root, _, name = key.partition(".")
        if root not in {"Query", "Mutation"} or row.elsewhere is not None:
            continue
        field, _, alias = name.partition("@")
        text, variables = bare(root, field)
        if alias:
            variables = {next(iter(variables)): ways[alias][2]["id"] if field == "node" else ways[alias][2]}
        others = " ".join(scope for scope in SCOPES if scope != row.scope)
        without = await code(looked_at, "site", text, variables, await looked_at.bearer("site", others))
        if without != (("", None) if row.scope == "none" else ("INSUFFICIENT_SCOPE", row.scope)):
            wrong.append(f"{key} without {row.scope}: {without}")
        if row.scope in SCOPES and (only := await code(looked_at, "site", text, variables, await looked_at.bearer("site", row.scope)))[0]:
            wrong.append(f"{key} with {row.scope} alone: {only}")
    assert wrong == [], HOW


async def test_every_subscription_needs_its_scope(looked_at: Ground):
    for name in roots("Subscription"):
        (row,) = rows_of(f"Subscription.{name}")
        for scope in SCOPES:
            line = await looked_at.house.line(130, scope)
            await line.follow(*bare("Subscription", name))
            if scope == row.scope:
                await looked_at.house.joined(1)
            else:
                message = await line.next()
                assert message["payload"]["errors"][0]["extensions"]["wanted"] == row.scope, (name, scope)
            await line.cut()
            await looked_at.house.joined(0)


async def test_without_a_token_and_after_its_end_there_is_nothing(looked_at: Ground):
    """401 for every root field, introspection too; the same for a client that was stopped."""
    token = await looked_at.bearer("site")
    await administration.stop_client(looked_at.house.clients["130 None"], machine_now=looked_at.house.clock.now)
    looked_at.house.clock.forward(seconds=11)
    asked = [bare(root, name) for root in ("Query", "Mutation", "Subscription") for name in roots(root)]
    asked += [("{ __schema { types { name } } }", {}), ("{ __typename }", {}), ("{ nothing }", {}), ("not GraphQL", {})]
    for text, variables in asked:
        for authorization, reason in ((None, "missing"), ("Bearer x.y.z", "invalid"), (token, "stopped")):
            answer = await looked_at.post(None, text, variables, authorization=authorization)
            body = answer.json()
            assert (answer.status_code, "data" in body) == (401, False), text
            assert [error["extensions"]["reason"] for error in body["errors"]] == [reason], text


async def test_a_claim_that_is_given_up_ends_the_sight(looked_at: Ground):
    async with transaction() as tx:
        await tx.run("update party set firm_id = null where home = 1 and party_id = $1", looked_at.market.parties[130, "A"])
    seen: Sights = {}
    await looked_at.queries("seller", TABLE, seen)
    await looked_at.subscriptions("seller", TABLE, seen)
    assert compared("other-firm", seen) == []
