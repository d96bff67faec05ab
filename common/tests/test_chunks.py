"""Chunks of iterables."""

from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.chunks import chunks


@given(st.lists(st.integers()), st.integers(1, 12))
def test_chunks_hold_all_in_order_and_only_the_last_is_shorter(items: list[int], size: int) -> None:
    made = list(chunks(iter(items), size))
    assert [one for some in made for one in some] == items
    assert all(len(some) == size for some in made[:-1])
    assert all(made)


def test_it_reads_no_further_than_what_it_yields() -> None:
    numbers = count()
    assert list(islice(chunks(numbers, 3), 2)) == [[0, 1, 2], [3, 4, 5]]
    assert next(numbers) == 6


@pytest.mark.parametrize("size", [0, -1])
def test_a_chunk_has_at_least_one_item(size: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        chunks([1], size)
