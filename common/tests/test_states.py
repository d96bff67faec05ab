"""The states of a delivery never go backwards."""

import pytest

from common.states import FINAL, MISSED, REACHED, TRANSITIONS, State, before, may_follow

ORDER = [State.PENDING, State.SENDING, State.SENT, State.DELIVERED, State.ACKNOWLEDGED]


def test_every_state_has_its_transitions() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize(("later", "earlier"), [(a, b) for i, a in enumerate(ORDER) for b in ORDER[:i]])
def test_nothing_goes_back_but_a_try_that_is_made_again(later: State, earlier: State) -> None:
    assert may_follow(later, earlier) is ((later, earlier) == (State.SENDING, State.PENDING))


def test_a_confirmation_settles_a_miss_and_nothing_settles_a_confirmation() -> None:
    assert may_follow(State.UNDELIVERED, State.ACKNOWLEDGED)
    assert State.ACKNOWLEDGED in FINAL


def test_no_state_counts_as_reached_and_missed() -> None:
    assert not REACHED & MISSED


@pytest.mark.parametrize("new", list(State))
def test_before_names_exactly_the_states_that_may_come_before(new: State) -> None:
    assert set(before(new)) == {old.value for old in State if may_follow(old, new)}
