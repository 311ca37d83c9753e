"""Keys are equal exactly where values are (vpl.md section 3)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runtime.keys import as_key, as_keys
from engine.runtime.operators import equals_or_null
from engine.runtime.values import Duration, Timestamp

PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.0, -0.0, 1.0, 2.5, -3.0]),
    st.sampled_from(["", "a", "bool", "array"]),
    st.integers(0, 2).map(Timestamp),
    st.integers(0, 2).map(Duration),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(VALUES, VALUES)
def test_keys_are_equal_exactly_where_values_are(a: Any, b: Any) -> None:
    first, second = as_key(a), as_key(b)
    assert (first == second) is equals_or_null(a, b)
    if first == second:
        assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (False, 0.0, False),
        (None, None, True),
        ([1, [2]], [1.0, [2.0]], True),
        ([True], [1], False),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, True),
        (Timestamp(1), Duration(1), False),
        ("1", 1, False),
    ],
)
def test_it_keeps_the_rules_of_equality(a: Any, b: Any, same: bool) -> None:
    assert (as_key(a) == as_key(b)) is same


def test_several_values_are_one_key_in_their_order() -> None:
    assert as_keys((1, "a")) == as_keys((1.0, "a"))
    assert as_keys((1, "a")) != as_keys(("a", 1))
    assert as_keys((None, True)) != as_keys((None, 1))
