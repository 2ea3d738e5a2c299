"""A million keys remembered exactly, in a few megabytes."""

from __future__ import annotations

import random
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from zengin.keys import KeySet

NUMBERS = st.one_of(st.integers(0, 10**20 - 1), st.integers(0, 60), st.sampled_from([2**64, 2**64 - 1, 0, 10**20 - 1, 2**65]))
KEYS = st.one_of(NUMBERS.map(lambda number: f"{number:020d}"), st.text(max_size=3), st.sampled_from(["1" * 21, "２" * 20]))


@given(st.lists(KEYS, max_size=300))
def test_it_answers_as_a_set(keys: list[str]):
    ours, plain = KeySet(), set[str]()
    for key in keys:
        assert ours.add(key) is (key not in plain)
        plain.add(key)


def test_it_grows_and_forgets_nothing():
    disorder = random.Random(1)
    keys = [f"{disorder.randrange(10**20):020d}" for _ in range(5_000)]
    ours = KeySet()
    assert [ours.add(key) for key in keys * 2] == [True] * 5_000 + [False] * 5_000


def test_a_key_takes_less_than_forty_bytes():
    tracemalloc.start()
    ours = KeySet()
    for number in range(44_000):
        ours.add(f"{number:020d}")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 44_000 * 45
