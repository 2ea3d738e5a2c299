"""What an operation may ask: each limit with its code, and none of them slow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from api.documents import Documents, Faulty, Prepared
from api.errors import ApiError
from api.limits.price import Priced
from api.limits.shape import Shape, measure
from api.options import Limits
from api.schema import schema

CORE = schema._schema
DEFAULT = Limits()


def prepare(text: str, limits: Limits = DEFAULT) -> Prepared | Faulty:
    return Documents(CORE, limits).prepare(text)


def code_of(text: str, variables: dict[str, Any] | None = None, limits: Limits = DEFAULT) -> str:
    """The code with which an operation is refused before it runs; nothing if it is not."""
    found = prepare(text, limits)
    if isinstance(found, Faulty):
        assert all(isinstance(error, ApiError) for error in found.errors) or found.code.value.startswith("GRAPHQL_")
        return found.code.value
    try:
        found.price(next(iter(found.operations.values()))).check(variables or {}, limits)
    except ApiError as error:
        return error.code.value if error.japanese else "said in English only"
    return ""


def priced(text: str) -> Priced:
    found = prepare(text)
    assert isinstance(found, Prepared), found
    return next(iter(found.priced.values()))


def cost(text: str, variables: dict[str, Any] | None = None) -> tuple[int, str]:
    found = priced(text).check(variables or {}, Limits(cost=10**15))
    return found.total, found.dearest


# ── shape ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "text, shape",
    [
        ("{ a }", Shape(1, 1, 0)),
        ("{ a { b { c } } d }", Shape(3, 3, 0)),
        ("{ x: a { y: b a: a } }", Shape(2, 2, 2)),
        ("{ ... on Q { ... { a } } }", Shape(1, 3, 0)),
        ("{ ...F ...F } fragment F on Q { x: a { b } }", Shape(2, 3, 2)),
        ("{ a { ofType { ofType { name } } } }", Shape(2, 4, 0)),
        ("{ ...F } fragment F on Q { ...F a }", Shape(1, 2, 0)),
        ("{ ...Nowhere }", Shape(0, 0, 0)),
        ("query A { a { b } } query B { x: a }", Shape(2, 2, 1)),
    ],
)
def test_what_is_measured(text: str, shape: Shape):
    assert measure(parse(text)) == shape


def deep(levels: int) -> str:
    return "{ contracts " + "{ edges { node { timeline " * levels + "{ pageInfo { endCursor } }" + " } } }" * levels + " }"


@pytest.mark.parametrize(
    "text, code",
    [
        (deep(1), ""),
        (deep(5), "TOO_DEEP"),
        ("{" + "a{" * 60 + "b" + "}" * 61, "TOO_DEEP"),
        ("{" + "...{" * 60 + "__typename" + "}" * 61, "TOO_DEEP"),
        ("{" + " ".join(f"a{n}: __typename" for n in range(60)) + "}", ""),
        ("{" + " ".join(f"a{n}: __typename" for n in range(61)) + "}", "TOO_MANY_ALIASES"),
        ("{ ...F ...F ...F } fragment F on Query {" + " ".join(f"a{n}: __typename" for n in range(21)) + "}", "TOO_MANY_ALIASES"),
        ("{" + "__typename " * 100 + "}", ""),
        ("{" + "__typename " * 2_500 + "}", "TOO_MANY_TOKENS"),
        ("#\n" * 501 + "{ __typename }", "TOO_MANY_TOKENS"),
        ("{ __typename }" + " " * 100_000, "TOO_MANY_TOKENS"),
        (" ".join(f"query A{n} {{ __typename }}" for n in range(21)), "TOO_MANY_TOKENS"),
        ('{ contract(by: {contractId: "Syntax Error: Document contains more than 1 tokens. "', "GRAPHQL_PARSE_FAILED"),
    ],
    ids=range(13),
)
def test_shapes_that_are_refused(text: str, code: str):
    assert code_of(text) == code


@pytest.mark.parametrize(
    "limits, text, code",
    [
        (Limits(depth=1), "{ viewer { scopes } }", "TOO_DEEP"),
        (Limits(depth=2), "{ viewer { scopes } }", ""),
        (Limits(aliases=0), "{ a: __typename }", "TOO_MANY_ALIASES"),
        (Limits(tokens=2), "{ __typename }", "TOO_MANY_TOKENS"),
        (Limits(cost=2), "{ viewer { scopes } }", "TOO_COSTLY"),
        (Limits(page=10), "{ contracts(first: 11) { asOf } }", "PAGE_TOO_LARGE"),
        (Limits(page=10), "{ contracts(first: 10) { asOf } }", ""),
    ],
)
def test_each_limit_is_configurable(limits: Limits, text: str, code: str):
    assert code_of(text, limits=limits) == code


# ── price ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "text, variables, total, dearest",
    [
        ("{ __typename }", {}, 1, "__typename"),
        ("{ viewer { clientId } }", {}, 2, "viewer.clientId"),
        ("{ viewer { scopes } }", {}, 5, "viewer.scopes"),
        ('{ c: contract(by: {contractId: "1"}) { id } }', {}, 22, "c.id"),
        # 50 + 1 + 20 x (edge 1 + node 1 + amount 1)
        ("{ contracts(first: 20) { edges { node { amount } } } }", {}, 111, "contracts.edges.node.amount"),
        ("{ contracts(last: 20) { edges { node { amount } } } }", {}, 111, "contracts.edges.node.amount"),
        ("{ contracts { edges { node { amount } } } }", {}, 201, "contracts.edges.node.amount"),
        ("{ contracts(first: 0) { edges { node { amount } } } }", {}, 51, "contracts.edges.node.amount"),
        ("{ contracts(first: 20) { asOf edges { cursor } } }", {}, 92, "contracts.edges.cursor"),
        ("{ contracts(first: 1) { count { value } edges { cursor } } }", {}, 155, "contracts.count.value"),
        ("query ($n: Int) { contracts(first: $n) { edges { cursor } } }", {"n": 10}, 71, "contracts.edges.cursor"),
        ("query ($n: Int) { contracts(first: $n) { edges { cursor } } }", {}, 151, "contracts.edges.cursor"),
        ("query ($n: Int = 3) { contracts(first: $n) { edges { cursor } } }", {}, 57, "contracts.edges.cursor"),
        ("query ($n: Int = 3) { contracts(first: $n) { edges { cursor } } }", {"n": None}, 151, "contracts.edges.cursor"),
        ("query ($n: Int) { contracts(first: $n) { edges { cursor } } }", {"n": "10"}, 151, "contracts.edges.cursor"),
        ("query ($n: Int) { contracts(first: $n) { edges { cursor } } }", {"n": True}, 151, "contracts.edges.cursor"),
        # fragments count where they are spread, the page around them too
        (
            """{ contracts(first: 10) { ...Page } } fragment Page on ContractConnection { edges { ...Row } }
               fragment Row on ContractEdge { node { amount } cursor }""",
            {},
            91,
            "contracts.edges.node.amount",
        ),
        # lists in lists multiply: 51 + 10 x (2 + timeline 1 + 20 x (edge 1 + kind 1 + node 1))
        (
            "{ contracts(first: 10) { edges { node { timeline(first: 20) { edges { node { kind } } } } } } }",
            {},
            681,
            "contracts.edges.node.timeline.edges.node.kind",
        ),
    ],
)
def test_what_an_operation_costs(text: str, variables: dict[str, Any], total: int, dearest: str):
    assert cost(text, variables) == (total, dearest)


def test_a_price_is_worked_out_again_for_another_page():
    found = priced("query ($n: Int) { contracts(first: $n) { edges { cursor } } }")
    assert [found.check({"n": n}, DEFAULT).total for n in (1, 200, 1)] == [53, 451, 53]


@pytest.mark.parametrize(
    "text, variables, code",
    [
        ("query ($n: Int) { contracts(first: $n) { asOf } }", {"n": 201}, "PAGE_TOO_LARGE"),
        ("query ($n: Int = 201) { contracts(last: $n) { asOf } }", {}, "PAGE_TOO_LARGE"),
        ("{ contracts { edges { node { timeline(first: 201) { pageInfo { endCursor } } } } } }", {}, "PAGE_TOO_LARGE"),
        (
            "{ contracts(first: 200) { edges { node { timeline(first: 200) { edges { node { kind } } } } } } }",
            {},
            "TOO_COSTLY",
        ),
        (get_introspection_query(), {}, ""),
        ("{ __schema " + "{ types { fields { type " * 3 + "{ name }" + " } } }" * 3 + " }", {}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_what_is_too_much(text: str, variables: dict[str, Any], code: str):
    assert code_of(text, variables) == code


def test_what_is_too_costly_is_told_with_numbers_and_place():
    found = priced("{ contracts(first: 200) { edges { node { timeline(first: 200) { edges { node { kind } } } } } } }")
    with pytest.raises(ApiError) as refused:
        found.check({}, DEFAULT)
    assert refused.value.extensions == {
        "code": "TOO_COSTLY",
        "cost": 120_651,
        "limit": 80_000,
        "dearest": "contracts.edges.node.timeline.edges.node.kind",
    }


def test_the_dear_fields_are_fields_of_the_schema():
    from api.limits.price import DEAR, USUALLY

    for type_name, name in [*DEAR, *USUALLY]:
        fields: Any = CORE.type_map[type_name]
        assert name in fields.fields


# ── none of it is slow ───────────────────────────────────────────────────────────────────────────────────────────────
def steps(work: Callable[[], Any]) -> int:
    """How many calls of Python functions a piece of work takes: the same on every machine, however busy."""
    count = 0

    def counting(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counting)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


TEN = 10_000


def filled(piece: Callable[[int], str], around: str = "{%s}") -> str:
    """As many pieces as go into ten thousand characters."""
    pieces: list[str] = []
    size = len(around)
    for number in range(TEN):
        one = piece(number)
        if size + len(one) > TEN:
            break
        pieces.append(one)
        size += len(one)
    return around % "".join(pieces)


def doubling(inside: str) -> str:
    """Each fragment has the next one twice: 2^100 and more when written out."""
    fragments = [f"fragment F{n} on Query{{{inside % {'next': f'F{n + 1}'}}}}" for n in range(120)]
    return ("{...F0}" + "".join(fragments) + "fragment F120 on Query{__typename}")[:TEN]


def bombs() -> Iterator[tuple[str, str]]:
    yield "one field again and again", filled(lambda _: "__typename ")
    yield "one short field", filled(lambda _: "a ")
    yield "fields with fields again and again", filled(lambda _: "viewer{scopes}")
    yield "aliases", filled(lambda n: f"a{n}:__typename ")
    yield "dear aliases", filled(lambda n: f'a{n}:contract(by:{{contractId:"1"}}){{id}}')
    yield "depth", "{" + "a{" * 3_000 + "a" + "}" * 3_001
    yield "inline fragments in each other", "{" + "...{" * 2_000 + "a" + "}" * 2_001
    yield "inline fragments beside each other", filled(lambda _: "...{__typename}")
    yield "doubling fragments", doubling("...%(next)s ...%(next)s")
    yield "doubling fragments with aliases", doubling("a:viewer{clientId}...%(next)s b:viewer{clientId}...%(next)s")
    yield "a circle", "{...A}fragment A on Query{...B}fragment B on Query{...A}"
    yield "a chain of fragments", filled(lambda n: f"fragment A{n} on Query{{...A{n + 1}}}", "{...A0}%s")
    yield (
        "all fragments in one place",
        filled(lambda n: f"...A{n} ", "{%s}")[:4_000] + "}" + filled(lambda n: f"fragment A{n} on Query{{__typename}}", "%s")[:6_000],
    )
    yield (
        "each fragment spreads all",
        "{...A0}"
        + "".join(f"fragment A{n} on Query{{{''.join(f'...A{m} ' for m in range(n + 1, 40))}__typename}}" for n in range(40))[:TEN],
    )
    yield "directives", "{__typename" + "@skip(if:true)" * 700 + "}"
    yield "unknown directives", "{__typename" + "@a" * 4_900 + "}"
    yield "operations", filled(lambda n: f"query A{n}{{...F}}", "%sfragment F on Query{__typename}")
    yield "variables", filled(lambda n: f"$a{n}:Int ", "query(%s){__typename}")
    yield "used variables", filled(lambda n: f"$a{n}:Int ", "query(%s){")[:5_000] + "){" + "contracts(first:$a1){asOf}" * 150 + "}"
    yield "a list in a list", "{contracts(filter:{numbers:" + "[" * 4_000 + "]" * 4_000 + "}){asOf}}"
    yield "an object in an object", "{contracts(filter:" + "{a:" * 2_500 + "1" + "}" * 2_500 + "){asOf}}"
    yield "a long number", "{contracts(first:" + "9" * 9_900 + "){asOf}}"
    yield "a long name", "{" + "a" * 9_990 + "}"
    yield "a long text", '{contract(by:{contractId:"' + "x" * 9_900 + '"}){id}}'
    yield "a block of lines", '{contract(by:{contractId:"""' + " \n" * 4_900 + '"""}){id}}'
    yield "comments", "#\n" * 4_900 + "{a}"
    yield "arguments", filled(lambda n: f"a{n}:1 ", "{contracts(%s){asOf}}")
    yield "the same argument", filled(lambda _: "first:1 ", "{contracts(%s){asOf}}")
    yield (
        "the largest pages",
        "{contracts(first:200){edges{node{" + "timeline(first:200){edges{node{contract{" * 2 + "id" + "}}}}" * 2 + "}}}}",
    )
    yield "a deep introspection", "{__schema{types{" + "fields{type{" * 700 + "name" + "}}" * 700 + "}}}"
    yield "a wide introspection", "{__schema{" + filled(lambda n: f"t{n}:types{{name}}", "%s")[:9_000]
    yield "braces", "{" * TEN
    yield "brackets", "[" * TEN
    yield "nothing", " " * TEN


BOMBS = dict(bombs())
GENEROUS = Limits(tokens=TEN, comments=TEN, aliases=TEN, operations=TEN, cost=10**9)  # the work is bounded without them, too
HARMLESS = {"a long text", "a block of lines"}  # they run, and find nothing


@pytest.mark.parametrize("name", BOMBS)
def test_ten_thousand_characters_are_judged_in_bounded_work(name: str):
    """An honest introspection takes 150,000 steps; 3,000,000 are well below a second."""
    text = BOMBS[name]
    assert len(text) <= TEN + 200
    verdict = ""

    def judge() -> None:
        nonlocal verdict
        verdict = code_of(text, {})

    assert steps(judge) < 3_000_000
    assert bool(verdict) is (name not in HARMLESS)
    assert steps(lambda: code_of(text, {}, GENEROUS)) < 7_000_000  # the worst takes a second where the others take a tenth


def test_doubling_fragments_are_measured_once_each():
    """One level more is a little more work, not twice as much; and the count of aliases is exact however large."""

    def text(levels: int) -> str:
        fragments = "".join(f"fragment F{n} on Query{{x:viewer{{scopes}}...F{n + 1} ...F{n + 1}}}" for n in range(levels))
        return "{...F0}" + fragments + f"fragment F{levels} on Query{{__typename}}"

    works = {levels: steps(lambda levels=levels: measure(parse(text(levels)))) for levels in (20, 40)}  # type: ignore[misc]
    assert works[40] < 2.5 * works[20]
    assert measure(parse(text(40))).aliases == 2**40 - 1


def test_an_operation_that_is_known_costs_next_to_nothing():
    documents = Documents(CORE, DEFAULT)
    text = "query ($n: Int) { contracts(first: $n) { edges { node { id contractId number amount debit { status } } } } }"

    def check() -> None:
        found = documents.prepare(text)
        assert isinstance(found, Prepared)
        found.price(found.operation(None)).check({"n": 20}, DEFAULT)

    check()
    assert steps(check) < 40
