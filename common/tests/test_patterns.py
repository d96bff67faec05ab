"""Patterns that people type."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import patterns
from common.errors import PatternError


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("", "Enter a pattern"),
        ("a(", "missing )"),
        ("[z-a]", "range"),
        ("(?=telecon)", "Lookahead"),
        ("(?<!no )telecon", "lookbehind"),
        (r"(a)\1", "back-reference"),
        ("(?>a)", "atomic"),
        ("x{2000}", "repetition"),
        (r"\pL{1000}\pL{1000}", "repeats too much"),
        ("a" * 501, "longer than 500"),
        ("a\0b", "null"),
    ],
)
def test_a_pattern_that_can_t_be_used_is_explained(pattern: str, says: str) -> None:
    with pytest.raises(PatternError, match=says.replace(")", r"\)").replace("(", r"\(")) as caught:
        patterns.check(pattern)
    assert caught.value.field == "pattern"


def test_a_pattern_is_searched_for_and_case_is_ignored() -> None:
    assert patterns.find("tele.on", "The PFS TELECON") == (8, 15)
    assert patterns.find("ÜBUNG", "übung") == (0, 5)
    assert patterns.find("^telecon", "PFS telecon") is None


def test_a_pattern_that_ruins_others_takes_linear_time() -> None:
    began = time.process_time()
    assert patterns.find("(a+)+$", "a" * 50_000 + "b") is None
    assert time.process_time() - began < 1


@given(st.lists(st.sampled_from(["telecon", "^PFS", "a|b", "[0-9]+", "ü"]), max_size=5), st.text(max_size=40))
def test_a_set_finds_what_each_pattern_finds(several: list[str], text: str) -> None:
    one_by_one = [index for index, pattern in enumerate(several) if patterns.find(pattern, text)]
    assert patterns.PatternSet(several).matches(text) == one_by_one


def test_an_empty_set_finds_nothing() -> None:
    assert patterns.PatternSet([]).matches_of(["a", "b"]) == {"a": [], "b": []}


def test_a_pattern_that_is_too_much_is_refused_at_once() -> None:
    began = time.process_time()
    assert not patterns.is_valid(r"\pL{1000}" * 50)
    assert time.process_time() - began < 1


def test_patterns_that_are_much_together_hide_no_other() -> None:
    heavy = [rf"\pL{{{100 - number}}}" for number in range(40)]
    assert all(map(patterns.is_valid, heavy))
    found = patterns.PatternSet(["first", *heavy, "telecon", *heavy, "last"]).matches(
        "PFS telecon, last of all"
    )
    assert found == [41, 82]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("one  two one", ["one", "two"]),
        ('say "hello  world" now', ["say", "hello world", "now"]),
        ('"not closed', ["not closed"]),
        ('a"b c"d', ["a", "b c", "d"]),
        ("\u201ecurly quotes\u201c \u00abin\u00bb", ["curly quotes", "in"]),
        ('"" " "', []),
    ],
)
def test_a_text_is_taken_apart_into_words(typed: str, found: list[str]) -> None:
    assert patterns.words(typed) == found


def test_words_are_not_read_as_an_expression() -> None:
    assert patterns.check("a( [b", "words") == "a( [b"
    assert patterns.find_all("a( [b", "[b] A()", "words") == [(0, 2), (4, 6)]


def test_no_word_at_all_is_refused_and_the_field_is_named() -> None:
    with pytest.raises(PatternError, match="one word") as caught:
        patterns.check('""', "words", "exclude")
    assert caught.value.field == "exclude"
    with pytest.raises(PatternError, match="missing") as caught:
        patterns.check("a(", field="exclude")
    assert caught.value.field == "exclude"


@given(st.text(max_size=40), st.text(max_size=40))
def test_words_of_any_text_are_found_in_itself_and_marks_lie_within(typed: str, text: str) -> None:
    if "\0" in typed:
        return
    for start, end in patterns.find_all(typed, text, "words"):
        assert 0 <= start < end <= len(text)
    for word in patterns.words(typed):
        assert patterns.find_all(f'"{word}"', f"x {word} y", "words")
