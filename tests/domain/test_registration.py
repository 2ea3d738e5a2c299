"""One registration: shape, values, content; all mistakes at once, each with its input path."""

import json
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import registration as rules
from domain.problems import ProblemCode
from domain.registration import NormalContract, content_hash, differing_paths, normalise, shape_problems
from domain.statuses import AccountType, Currency, DeliveryTrigger, Mode, Release
from tests.domain.grid import grid
from tests.domain.inputs import FIRST, LEFT_OUT, registration, to_kana


def normal(**changes: object) -> NormalContract:
    item = registration(**changes)
    assert shape_problems(item) == []
    made = normalise(item, to_kana)
    assert isinstance(made, NormalContract), made
    return made


def refused(**changes: object) -> set[tuple[str, str]]:
    item = registration(**changes)
    assert shape_problems(item) == []
    found = normalise(item, to_kana)
    assert isinstance(found, list), found
    return {(problem.code.name, ".".join(problem.path)) for problem in found}


# -- shape: the call is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    "place, given, code",
    [
        ("number", LEFT_OUT, "REQUIRED"),
        ("number", None, "REQUIRED"),
        ("number", 4100, "INPUT_INVALID"),
        ("amount", LEFT_OUT, "REQUIRED"),
        ("currency", "USD", "INPUT_INVALID"),
        ("siteId", 130, "INPUT_INVALID"),
        ("seller", "A", "INPUT_INVALID"),
        ("seller", LEFT_OUT, "REQUIRED"),
        ("seller__code", LEFT_OUT, "REQUIRED"),
        ("seller__postalCode", 100, "INPUT_INVALID"),
        ("seller__account", [], "INPUT_INVALID"),
        ("buyer__account__type", "TERM", "INPUT_INVALID"),
        ("buyer__account__type", 1, "INPUT_INVALID"),
        ("buyer__account__bankCode", 9991, "INPUT_INVALID"),
        ("buyer__account__holder", None, "REQUIRED"),
        ("buyer__iban", "x", "INPUT_INVALID"),
        ("goods", LEFT_OUT, "REQUIRED"),
        ("goods", {}, "INPUT_INVALID"),
        ("goods__0", "paper", "INPUT_INVALID"),
        ("goods__0__quantity", "500", "INPUT_INVALID"),
        ("goods__0__quantity", True, "INPUT_INVALID"),
        ("goods__0__quantity", 1.5, "INPUT_INVALID"),
        ("goods__0__name", LEFT_OUT, "REQUIRED"),
        ("terms", "ESCROW", "INPUT_INVALID"),
        ("terms__mode", "escrow", "INPUT_INVALID"),
        ("terms__release", "NONE", "INPUT_INVALID"),
        ("terms__deliveryTrigger", ["AFTER_DEBIT"], "INPUT_INVALID"),
        ("terms__shipBeforeAcceptance", 1, "INPUT_INVALID"),
        ("discount", 5, "INPUT_INVALID"),
    ],
)
def test_shape(place, given, code):
    found = shape_problems(registration(**{place: given}), ("contracts", "7"))
    assert [(p.code.name, p.path) for p in found] == [(code, ("contracts", "7", *place.split("__")))]


@pytest.mark.parametrize("item", [None, 1, "x", [], [FIRST]])
def test_what_is_no_object_has_no_shape(item):
    assert [(p.code, p.path) for p in shape_problems(item, ("contracts", "0"))] == [(ProblemCode.INPUT_INVALID, ("contracts", "0"))]


def test_every_faulty_place_is_named_at_once():
    item = registration(number=1, seller__account__holder=LEFT_OUT, goods__0__quantity="1", extra=1)
    assert [".".join(p.path) for p in shape_problems(item)] == [
        "number",
        "seller.account.holder",
        "goods.0.quantity",
        "extra",
    ]


@pytest.mark.parametrize("amount", [1.5, "12.5", "-1", True, [], {}, "", 0, "９"])
@pytest.mark.parametrize("due_on", [None, 20000924, "2000/09/24", {}])
def test_own_scalars_never_refuse_a_whole_call(amount, due_on):
    """`amount` and `dueOn` are looked at item by item."""
    assert shape_problems(registration(amount=amount, dueOn=due_on)) == []
    found = refused(amount=amount, dueOn=due_on)
    assert ("INPUT_INVALID", "amount") in found
    assert (("INPUT_INVALID", "dueOn") in found) is (due_on is not None)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLACES = [
    "number", "amount", "currency", "dueOn", "siteId", "seller", "buyer", "goods", "terms", "seller__code", "buyer__name",
    "buyer__account", "seller__account__type", "buyer__account__number", "buyer__account__holder", "goods__0",
    "goods__0__name", "goods__0__model", "goods__0__quantity", "seller__postalCode", "terms__mode", "terms__release",
]  # fmt: skip


@given(st.sampled_from(PLACES), json_values)
def test_any_json_anywhere_is_answered(place, value):
    """The quick look and the close look agree: what has no shape problem can be normalised, or is refused by value."""
    item = registration(**{place: value})
    problems = shape_problems(item)
    assert all(problem.path[:1] == (place.split("__")[0],) for problem in problems)
    if not problems:
        assert isinstance(normalise(item, to_kana), NormalContract | list)


# -- values: the item is refused -------------------------------------------------------------------

LONG = "あ" * 400


@pytest.mark.parametrize(
    "place, given, code",
    [
        ("number", "", "REQUIRED"),
        ("number", "41 00", "INPUT_INVALID"),
        ("number", " 4100", "INPUT_INVALID"),
        ("number", "4" * 65, "INPUT_INVALID"),
        ("number", "41\u200b00", "INPUT_INVALID"),
        ("number", "41\n00", "INPUT_INVALID"),
        ("number", "41\ud83d", "INPUT_INVALID"),
        ("amount", 0, "INPUT_INVALID"),
        ("amount", -1, "INPUT_INVALID"),
        ("amount", 10_000_000_000, "AMOUNT_TOO_LARGE"),
        ("amount", "10000000000", "AMOUNT_TOO_LARGE"),
        ("amount", "1" * 17, "INPUT_INVALID"),
        ("amount", "1,000", "INPUT_INVALID"),
        ("dueOn", "2000-09-31", "DATE_NOT_POSSIBLE"),
        ("dueOn", "2001-02-29", "DATE_NOT_POSSIBLE"),
        ("dueOn", "2000-9-1", "INPUT_INVALID"),
        ("dueOn", "20000924", "INPUT_INVALID"),
        ("dueOn", "2000-W38-7", "INPUT_INVALID"),
        ("seller__code", "  ", "REQUIRED"),
        ("seller__code", "x" * 65, "INPUT_INVALID"),
        ("seller__name", "\u3000", "REQUIRED"),
        ("seller__name", LONG, "INPUT_INVALID"),
        ("buyer__name", "B\x00社", "INPUT_INVALID"),
        ("buyer__name", "B\u202e社", "INPUT_INVALID"),
        ("buyer__name", "B\ud800社", "INPUT_INVALID"),
        ("buyer__address", "1\n2", "INPUT_INVALID"),
        ("buyer__address", LONG, "INPUT_INVALID"),
        ("seller__postalCode", "1" * 17, "INPUT_INVALID"),
        ("seller__account__bankCode", "999", "INPUT_INVALID"),
        ("seller__account__bankCode", "", "REQUIRED"),
        ("seller__account__bankCode", "0000", "INPUT_INVALID"),
        ("seller__account__bankCode", "9999", "INPUT_INVALID"),
        ("seller__account__branchCode", "1O1", "INPUT_INVALID"),
        ("seller__account__number", "900001", "INPUT_INVALID"),
        ("seller__account__number", "٩٠٠٠٠٠١", "INPUT_INVALID"),
        ("seller__account__holder", " ", "REQUIRED"),
        ("seller__account__holder", "髙ｼﾔ", "UNSUPPORTED_CHARACTER"),
        ("seller__account__holder", "ｱ" * 31, "INPUT_INVALID"),
        ("seller__account__holder", "ガ" * 16, "INPUT_INVALID"),
        ("buyer__account__type", "SAVINGS", "INPUT_INVALID"),
        ("buyer__account__bankCode", "9900", "NOT_ROUTABLE"),
        ("goods", [], "REQUIRED"),
        ("goods", [FIRST["goods"][0]] * 101, "INPUT_INVALID"),  # type: ignore[index]
        ("goods__0__quantity", 0, "INPUT_INVALID"),
        ("goods__0__quantity", 1_000_000_000, "INPUT_INVALID"),
        ("goods__0__name", " ", "REQUIRED"),
        ("goods__0__name", LONG, "INPUT_INVALID"),
        ("goods__0__model", LONG, "INPUT_INVALID"),
        ("goods__0__model", "a\tb", "INPUT_INVALID"),
    ],
)
def test_values(place, given, code):
    assert refused(**{place: given}) == {(code, place.replace("__", "."))}


def test_all_mistakes_at_once_and_each_under_the_path_of_its_item():
    item = registration(number="", amount=0, dueOn="x", seller__account__holder="髙", buyer__account__type="SAVINGS", goods__0__quantity=0)
    found = normalise(item, to_kana, ("contracts", "3"))
    assert isinstance(found, list)
    assert [".".join(problem.path) for problem in found] == [
        "contracts.3.number",
        "contracts.3.amount",
        "contracts.3.dueOn",
        "contracts.3.seller.account.holder",
        "contracts.3.buyer.account.type",
        "contracts.3.goods.0.quantity",
    ]
    assert all(problem.message_en and problem.message_ja for problem in found)


def test_a_refusal_names_the_character_and_nothing_else_of_the_name():
    (problem,) = normalise(registration(buyer__account__holder="ﾔﾏﾀﾞ髙ﾀﾛｳ"), lambda _: to_kana("髙"))  # type: ignore[misc]
    assert "「髙」は銀行のデータに書けません。カナで入力してください。" in str(problem)
    assert "ﾔﾏﾀﾞ" not in str(problem)
    assert "9000002" not in str(problem)


def test_a_converter_that_breaks_is_not_taken_for_a_bad_name():
    def broken(text: str) -> str:
        raise ValueError("out of order")

    with pytest.raises(ValueError, match="out of order"):
        normalise(registration(buyer__account__holder="やまだ"), broken)


def test_what_the_converter_gives_is_checked_too():
    (problem,) = normalise(registration(buyer__account__holder="を"), lambda _: "ｦ")  # type: ignore[misc]
    assert problem.code is ProblemCode.UNSUPPORTED_CHARACTER


# -- the normal form -------------------------------------------------------------------------------


def test_the_normal_form():
    made = normal(
        siteId="１３０",
        amount="0025000",
        dueOn="2000-09-29",
        currency="JPY",
        seller__code=" Ａ ",
        seller__name="  A社 ",
        seller__postalCode="１００-０００１",
        seller__account__bankCode="９９９０",
        seller__account__holder="アーシャ",
        buyer__postalCode=" ",
        goods__0__model=" ",
        terms={"mode": "ESCROW", "release": "ON_DELIVERY", "deliveryTrigger": None, "shipBeforeAcceptance": True},
    )
    assert (made.site_id, made.number, made.amount, made.currency) == ("130", "4100", 25_000, Currency.JPY)
    assert made.due_on == date(2000, 9, 29)
    assert (made.seller.code, made.seller.name, made.seller.postal_code) == ("A", "A社", "100-0001")
    assert (made.seller.account.bank_code, made.seller.account.holder) == ("9990", "ｱ-ｼﾔ")
    assert made.buyer.account.type is AccountType.ORDINARY
    assert (made.buyer.postal_code, made.goods[0].model, made.goods[0].quantity) == (None, None, 500)
    assert (made.mode, made.release, made.delivery_trigger) == (Mode.ESCROW, Release.ON_DELIVERY, None)
    assert made.ship_before_acceptance is True
    assert isinstance(made.delivery_trigger, DeliveryTrigger | None)


def test_a_clean_holder_is_not_converted():
    def never(text: str) -> str:
        raise AssertionError(text)

    assert isinstance(normalise(registration(buyer__account__holder="ｶ)ﾔﾏﾀﾞ-2.(A) ﾀﾛｳ"), never), NormalContract)


def test_numbers_are_compared_exactly_after_nfc():
    assert normal(number="か\u3099").number == "が"
    assert normal(number="ｶﾞ").number == "ｶﾞ"  # not NFKC: half width stays what it is
    assert content_hash(normal(number="か\u3099")) == content_hash(normal(number="が"))


def test_names_are_kept_as_they_are_written():
    """Unicode's normal forms would turn one person's character into another's."""
    assert normal(seller__name="\ufa19谷").seller.name == "\ufa19谷"


def test_s46_the_quantity_is_copied():
    assert normal(goods=[{"name": "デスク", "model": "AP55", "quantity": 1}]).goods[0].quantity == 1


# -- content ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"siteId": "130"},
        {"siteId": None},
        {"currency": "JPY"},
        {"dueOn": None},
        {"terms": None},
        {"terms": {}},
        {"terms": {"mode": "ESCROW"}},
        {"terms": {"mode": None, "release": None}},
        {"amount": "25000"},
        {"seller__code": "Ａ"},
        {"seller__name": " A社 "},
        {"buyer__postalCode": ""},
        {"buyer__account__bankCode": "９９９１"},
        {"seller__account__holder": "Aｼﾔ "},
    ],
    ids=str,
)
def test_i13_the_same_content_however_it_is_written(changes):
    assert content_hash(normal(**changes)) == content_hash(normal())


@pytest.mark.parametrize(
    "changes, path",
    [
        ({"number": "4101"}, "number"),
        ({"amount": 25_001}, "amount"),
        ({"dueOn": "2000-09-29"}, "dueOn"),
        ({"seller__code": "a"}, "seller.code"),
        ({"seller__name": "Ａ社"}, "seller.name"),
        ({"seller__postalCode": "100-0001"}, "seller.postalCode"),
        ({"buyer__address": "港区新橋"}, "buyer.address"),
        ({"buyer__account__branchCode": "102"}, "buyer.account.branchCode"),
        ({"buyer__account__type": "CURRENT"}, "buyer.account.type"),
        ({"buyer__account__number": "9000003"}, "buyer.account.number"),
        ({"buyer__account__holder": "Cｼﾔ"}, "buyer.account.holder"),
        ({"goods__0__name": "デスク"}, "goods.0.name"),
        ({"goods__0__model": None}, "goods.0.model"),
        ({"goods__0__quantity": 501}, "goods.0.quantity"),
        ({"terms": {"release": "ON_SHIPMENT"}}, "terms.release"),  # before defaults: said is not left out
        ({"terms": {"shipBeforeAcceptance": False}}, "terms.shipBeforeAcceptance"),
        ({"goods": [*FIRST["goods"], {"name": "x", "quantity": 1}]}, "goods.1"),  # type: ignore[misc]
    ],
    ids=str,
)
def test_s37_other_content_is_told_apart_and_its_place_is_named(changes, path):
    old, new = normal(), normal(**changes)
    assert content_hash(new) != content_hash(old)
    assert [".".join(place) for place in differing_paths(old.canonical, new.canonical)] == [path]
    assert [".".join(place) for place in differing_paths(new.canonical, old.canonical)] == [path]
    assert differing_paths(new.canonical, new.canonical) == []


def test_the_order_of_goods_is_content():
    lines = [{"name": "a", "quantity": 1}, {"name": "b", "quantity": 2}]
    assert content_hash(normal(goods=lines)) != content_hash(normal(goods=lines[::-1]))


def test_several_differences_are_all_named():
    old = normal()
    new = normal(amount=1, goods__0__quantity=1, buyer__name="x", terms={"release": "ON_DELIVERY"})
    assert differing_paths(old.canonical, new.canonical) == [
        ("amount",),
        ("buyer", "name"),
        ("goods", "0", "quantity"),
        ("terms", "release"),
    ]


def test_the_hash_carries_the_version_of_the_rules():
    made = normal()
    assert content_hash(made) == b"\x01" + sha256(made.canonical).digest()
    # Stored hashes live for ever. If this line fails, the rules have changed: raise CONTENT_VERSION and keep both.
    assert content_hash(made).hex() == GOLDEN


GOLDEN = "0194d0da4d2366169290c2ae44661f79598d720f49b722aab34f1431ed59f66316"


texts = st.text(min_size=1, max_size=20)


@given(
    texts, texts, st.none() | texts, st.integers(1, 9_999_999_999), st.sampled_from([None, "2000-09-29"]),
    st.none() | st.fixed_dictionaries({}, optional={
        "mode": st.sampled_from(["ESCROW", "DIRECT"]),
        "release": st.sampled_from(["ON_DELIVERY", "UNCONDITIONAL"]),
        "deliveryTrigger": st.just("AFTER_DEBIT"),
        "shipBeforeAcceptance": st.booleans(),
    }),
)  # fmt: skip
def test_canonical_is_json_with_sorted_keys_and_nothing_else(name, code, model, amount, due_on, terms):
    item = registration(buyer__name=name, seller__code=code, goods__0__model=model, amount=amount, dueOn=due_on, terms=terms)
    made = normalise(item, to_kana)
    if isinstance(made, NormalContract):
        text = made.canonical.decode()
        assert json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":")) == text
        # What is normal already stays as it is, and is the same content.
        again = normalise(item | json.loads(text), to_kana)
        assert isinstance(again, NormalContract)
        assert again.canonical == made.canonical


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(rules, "_MAX_KNOWN", 3)
    for number in range(10):
        assert normal(buyer__code=f"B{number}", goods__0__name=f"g{number}").buyer.code == f"B{number}"
        assert len(rules._known_parties) <= 3 or number == 0
        assert len(rules._known_goods) <= 3 or number == 0


def test_the_same_party_as_buyer_is_checked_as_a_buyer():
    """What is remembered of a seller with a savings account must not let it through as a buyer."""
    account = FIRST["seller"]["account"] | {"type": "SAVINGS"}  # type: ignore[index]
    both = {"seller__account": account, "buyer": FIRST["seller"] | {"account": account}}  # type: ignore[operator]
    assert refused(**both) == {("INPUT_INVALID", "buyer.account.type")}


@pytest.mark.parametrize("what, limit", grid("""
    MAX_NUMBER       64
    MAX_CODE         64
    MAX_NAME         140
    MAX_ADDRESS      300
    MAX_GOODS_NAME   200
    MAX_MODEL        100
    MAX_GOODS_LINES  100
    MAX_HOLDER       30
"""))  # fmt: skip
def test_limits_are_part_of_the_interface(what, limit):
    assert getattr(rules, what) == int(limit)


@pytest.mark.parametrize("empty", [None, "", " ", "\u3000"])
def test_an_empty_postal_code_is_one_that_was_left_out(empty: str | None):
    made = normalise(registration(seller__postalCode=empty), to_kana)
    assert isinstance(made, NormalContract)
    assert made.seller.postal_code is None
    assert made.canonical == normalise(registration(), to_kana).canonical  # type: ignore[union-attr]
