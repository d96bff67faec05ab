"""Which registrations want which events: fields, words, and what is excluded."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import patterns
from common.clock import now
from eventinvoke.models import Event
from eventinvoke.planning.matching import marked, matching, text_of
from registration.models import Member, Registration

FIELDS = ["title", "location", "description", "organiser", "attendees"]


def registration(**values: Any) -> Registration:
    return Registration(kind=Registration.Kind.STANDING, source="system", member=Member(pk=1), **values)


def event(**values: Any) -> Event:
    values.setdefault("title", "PFS telecon")
    return Event(source="system", starts_at=now(), **values)


def wants(one: Registration, of: Event) -> bool:
    return bool(list(matching([of], [one])))


@pytest.mark.parametrize(
    ("values", "fields", "is_wanted"),
    [
        ({"title": "Hilo"}, ["title"], True),
        ({"location": "Hilo"}, ["title"], False),
        ({"location": "Hilo"}, ["title", "location"], True),
        ({"description": "to Hilo\nby bus"}, ["description"], True),
        ({"labels": {"organiser": "Ann <ann@hilo.example>"}}, ["organiser"], True),
        ({"attendees": "Ann <ann@x>\nBob <bob@hilo>"}, ["attendees", "title"], True),
        ({"title": "Hilo"}, [], True),
        ({"title": "Hilo"}, ["nonsense"], True),
        ({"labels": {}}, ["organiser"], False),
    ],
)
def test_a_pattern_is_tried_on_the_chosen_fields(
    values: dict[str, Any],
    fields: list[str],
    is_wanted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert wants(registration(pattern="hilo", fields=fields), event(**values)) is is_wanted


@pytest.mark.parametrize(
    ("typed", "title", "is_wanted"),
    [
        ("telecon pfs", "PFS telecon", True),
        ("telecon pfs", "PFS review", False),
        ('"pfs telecon"', "telecon PFS", False),
        ('"pfs telecon"', "The PFS  Telecon, weekly", True),
        ("\u201cpfs telecon\u201d", "pfs telecon", True),
        ('"pfs tel', "PFS telecon", True),
        ("c++ (new)", "New? No. C++ (new) course", True),
        (".*", "PFS telecon", False),
        ("\u300c定例 会議\u300d", "PFS 定例\u3000会議", True),
        ("会議 定例", "定例会議", True),
    ],
)
def test_plain_words_all_have_to_be_there(typed: str, title: str, is_wanted: bool) -> None:  # noqa: FBT001
    assert wants(registration(pattern=typed, syntax="words"), event(title=title)) is is_wanted


def test_all_words_have_to_be_in_one_field() -> None:
    one = registration(pattern="hilo telecon", syntax="words", fields=["title", "location"])
    assert not wants(one, event(location="Hilo"))
    assert wants(one, event(location="Telecon room, Hilo"))


def test_what_fits_in_any_chosen_field_is_left_out() -> None:
    one = registration(pattern="telecon", exclude="cancel|moved", fields=["title", "description"])
    assert wants(one, event())
    assert not wants(one, event(description="This was MOVED."))
    assert wants(one, event(location="moved"))


def test_words_that_are_left_out_all_have_to_be_there_too() -> None:
    one = registration(pattern="telecon", exclude="test run", syntax="words")
    assert wants(one, event(title="test telecon"))
    assert not wants(one, event(title="telecon: run a test"))


def test_a_broken_pattern_past_the_forms_holds_up_no_other() -> None:
    broken, fine = registration(pattern="("), registration(pattern="telecon", exclude="(")
    assert [one for _event, one in matching([event()], [broken, fine])] == [fine]


def test_registrations_come_in_their_order_with_any_fields() -> None:
    several = [registration(pattern="e", fields=["title", "location"][: 1 + place % 2]) for place in range(5)]
    assert [one for _event, one in matching([event()], several)] == several


def test_what_is_found_is_marked() -> None:
    one = registration(pattern="tel hilo", syntax="words", fields=["title", "location"])
    assert marked(one, event(location="Tel-Hilo hotel, Hilo")) == [
        ("location", 0, 3),
        ("location", 4, 8),
        ("location", 11, 14),
        ("location", 16, 20),
    ]
    assert marked(registration(pattern="e|l"), event(title="ele")) == [("title", 0, 3)]
    assert marked(registration(pattern="("), event()) == []


TEXTS = st.sampled_from(["", "PFS telecon", "telecon", "pfs review", "übung 3", "A  B", "a b"])
PATTERNS = st.sampled_from(["telecon", "pfs tel", "^pfs", "3$", "Ü", '"a b"', "b a", "a|u", "e", "("])


@given(
    st.lists(
        st.builds(
            registration,
            pattern=PATTERNS,
            exclude=st.one_of(st.just(""), PATTERNS),
            syntax=st.sampled_from(["regex", "words"]),
            fields=st.lists(st.sampled_from(FIELDS), max_size=3),
        ),
        max_size=6,
    ),
    st.lists(
        st.builds(
            event, title=TEXTS, location=TEXTS, description=TEXTS, attendees=TEXTS,
            labels=st.fixed_dictionaries({}, optional={"organiser": TEXTS}),
        ),
        max_size=6,
    ),
)  # fmt: skip
def test_all_at_once_finds_what_one_by_one_finds(several: list[Registration], events: list[Event]) -> None:
    def is_found(pattern: str, one: Registration, of: Event) -> bool:
        if not patterns.is_valid(pattern, one.syntax):
            return False
        needed = patterns.parts(pattern, one.syntax)
        fields = one.fields or ["title"]
        return any(all(patterns.find(part, text_of(of, name)) for part in needed) for name in fields)

    expected = [
        (id(of), id(one))
        for of in events
        for one in several
        if is_found(one.pattern, one, of) and not is_found(one.exclude, one, of)
    ]
    assert [(id(of), id(one)) for of, one in matching(events, several)] == expected
