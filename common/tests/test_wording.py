"""Texts with fields that people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import wording
from common.errors import InputError

VALUES = dict.fromkeys(wording.FIELDS, "") | {"title": "Telecon", "place": "Room 5"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{strat}", r"There is no {strat}; did you mean {start}\?"),
        ("{Title}", r"did you mean {title}\?"),
        ("{xyzzy}", "There are {title}, {start}"),
        ("{}", "like {title}"),
        ("{title", "not closed"),
        ("{title!}", "alone between the braces"),
        ("title}", "no { before"),
        ("{title {place}}", "inside another"),
        ("{title.__class__}", "There is no {title.__class__}"),
        ("{title[0]}", r"There is no {title\[0\]}"),
        ("{title!r}", "There is no {title!r}"),
        ("{title:>99999999}", "There is no {title:>99999999}"),
        ("{0}", "There is no {0}"),
        ("x" * 2001, "longer than 2000"),
        ("a\0", "null"),
    ],
)
def test_a_text_that_can_t_be_used_is_explained(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        wording.check_template(text)
    assert caught.value.field == "text"


def test_fields_are_filled_in_and_doubled_braces_stand_for_themselves() -> None:
    text = wording.check_template("{title} in {place} {{title}}")
    assert wording.fill(text, VALUES.__getitem__) == "Telecon in Room 5 {title}"


def test_what_a_value_holds_is_not_a_field() -> None:
    assert wording.fill("{title}", lambda _name: "{place} {0}") == "{place} {0}"


def test_a_line_whose_fields_are_all_empty_is_left_out() -> None:
    assert wording.fill("{title}\nJoin: {link}\nBring {organiser} to {place}", VALUES.__getitem__) == (
        "Telecon\nBring  to Room 5"
    )


def test_the_fields_of_a_text_are_known() -> None:
    assert wording.fields_of("{title} {{place}} {link}") == {"title", "link"}
    assert wording.fields_of("{title") == frozenset()


@given(st.text(alphabet="{}!:.[]title 0\n", max_size=30))
def test_every_accepted_text_can_be_filled_in(text: str) -> None:
    try:
        wording.check_template(text)
    except InputError:
        return
    wording.fill(text, VALUES.__getitem__)
