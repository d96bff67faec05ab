"""Texts of other people: what of them stands in ours, and where they are cut."""

from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.texts import BIDI_CONTROLS, cleaned, cut, foreign, foreign_url, isolated, one_line, place_to_cut

FAMILY = "👩\u200d👩\u200d👧\u200d👦"
HOSTILE = st.text(
    alphabet="ab \n\u200e\u200f\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", max_size=40
)


def left_open(paragraph: str) -> bool:
    """Follow UAX 9, BD9 and X1 to X8, within one paragraph; say whether it reorders what follows it.

    Nothing that was closed by the text is remembered; what a PDI has no beginning for reaches outside.
    """
    stack: list[str] = []
    for character in paragraph:
        if character in "\u202a\u202b\u202d\u202e":
            stack.append("embedding")
        elif character in "\u2066\u2067\u2068":
            stack.append("isolate")
        elif character == "\u202c" and stack and stack[-1] == "embedding":
            stack.pop()
        elif character == "\u2069":
            if "isolate" not in stack:
                return True
            del stack[len(stack) - 1 - stack[::-1].index("isolate") :]
    return bool(stack)


@pytest.mark.parametrize(
    "kept",
    ["会議\u3000室", "10\u00a0h", "1\u202f000", FAMILY, "\u0645\u06cc\u200c\u062e", "soft\u00adhyphen",
     "a\tb", "two\nlines", "x\u2028y", "\ufeffz", "🏴\U000e0067\U000e007f"],
)  # fmt: skip
def test_only_controls_and_surrogates_are_dropped(kept: str) -> None:
    assert cleaned(kept) == kept
    assert foreign(kept) == kept
    assert cleaned(f"\x00{kept}\x1b\x9f\ud800") == kept


@settings(deadline=None)
@given(st.text())
def test_each_character_of_another_category_stays(text: str) -> None:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert cleaned(text) == "".join(c for c in plain if c in "\n\t" or category(c) not in {"Cc", "Cs"})


def test_line_breaks_of_every_system_are_one() -> None:
    assert cleaned("a\r\nb\rc\nd") == "a\nb\nc\nd"


@settings(deadline=None)
@given(
    st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\r\n\x0b\x0c\x1c\x85\u2028\u2029 \u3000")))
)
def test_one_line_has_no_break_for_any_reader(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not any(category(c) in {"Cc", "Cs"} for c in line)


def test_one_line_keeps_wide_spaces() -> None:
    assert one_line("会議\u3000室\u00a0 A\r\n\r\nB") == "会議\u3000室\u00a0 A B"


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("Pump\u202e 3", "\u2068Pump\u202e 3\u202c\u2069"),
        ("Pump\u2067 3", "\u2068Pump\u2067 3\u2069\u2069"),
        ("out\u2069side", "\u2068\u2068out\u2069side\u2069"),
        ("\u200f\u05e9\u05dc\u05d5\u05dd", "\u2068\u200f\u05e9\u05dc\u05d5\u05dd\u2069"),
        ("\u2067ok\u2069", "\u2067ok\u2069"),
        ("\u2067a\u2069 \u2067b\u2069", "\u2068\u2067a\u2069 \u2067b\u2069\u2069"),
        ("plain\nx\u202ey", "plain\n\u2068x\u202ey\u202c\u2069"),
    ],
)
def test_an_override_ends_with_its_text(given_text: str, shown: str) -> None:
    assert isolated(given_text) == shown


@settings(deadline=None)
@given(HOSTILE)
def test_what_is_isolated_reorders_nothing_around_it(text: str) -> None:
    shown = isolated(text)
    for line in shown.split("\n"):
        for paragraph in line.split("\u2029"):
            assert not left_open(paragraph)
            if set(paragraph) & BIDI_CONTROLS:
                # What stands beside it is not joined to it: its outermost level is an isolate.
                assert paragraph[0] in "\u2066\u2067\u2068"
                assert paragraph[-1] == "\u2069"
    assert isolated(shown) == shown
    rest = iter(shown)
    assert all(c in rest for c in text), "a character was dropped"


@settings(deadline=None)
@given(HOSTILE, st.integers(0, 50))
def test_what_is_cut_after_that_is_repaired(text: str, length: int) -> None:
    assert not any(
        left_open(p) for line in isolated(isolated(text)[:length]).split("\n") for p in line.split("\u2029")
    )


def test_an_address_leads_to_the_same_place() -> None:
    assert foreign_url("https://x.example/\u202egpj.exe\r\n") == "https://x.example/%E2%80%AEgpj.exe\n"


@pytest.mark.parametrize(
    ("text", "length", "shown"),
    [
        ("Weekly telecon", 14, "Weekly telecon"),
        ("Weekly telecon", 13, "Weekly…"),
        ("点検" * 20, 11, "点検点検点検点検点検…"),
        ("a" * 50, 11, "a" * 10 + "…"),
        ("点検" + FAMILY + "です", 6, "点検…"),
        ("e\u0301e\u0301e\u0301", 5, "e\u0301e\u0301…"),
        ("🇩🇪🇫🇷🇯🇵", 4, "🇩🇪…"),
        ("ok👍🏽!", 4, "ok…"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", 5, "\u1112\u1161\u11ab…"),
    ],
)
def test_a_text_is_cut_between_words_or_characters(text: str, length: int, shown: str) -> None:
    assert cut(text, length) == shown


@settings(deadline=None)
@given(st.text(), st.integers(1, 300))
def test_a_cut_text_is_no_longer_and_is_a_beginning(text: str, length: int) -> None:
    shown = cut(text, length)
    assert len(shown) <= max(length, 1)
    assert text.startswith(shown.removesuffix("…")) or shown == text


def test_a_tower_of_marks_is_cut_all_the_same() -> None:
    assert place_to_cut("a" + "\u0301" * 500, 400) == 400
