"""What fits a text message: counted once more, independently, and cut where a reader would cut."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from common.channels import Message
from common.clock import now
from common.process_ids import Purpose, signed_for
from eventinvoke.channels.sms.text import MAX_SEGMENTS, compose, segments

LINK = f"https://notice.example.org/a/{signed_for(Purpose.ANSWER, 'p' * 43)}"
GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = "\f^{}\\[~]|€"
CHARACTERS = [
    "a",
    "Z",
    "9",
    "é",
    "Δ",
    "€",
    "[",
    "{",
    "点",
    "検",
    "🚨",
    "👩\u200d👩\u200d👧",
    "🇩🇪",
    "e\u0301",
    "👍🏽",
    "\u0627",
]
GSM_CHARACTERS = ["a", "Z", "é", "€", "[", "{", "~", "|", "ü"]


@pytest.fixture(autouse=True, scope="module")
def public_address() -> Iterator[None]:
    with override_settings(NOTICE_PUBLIC_URL="https://notice.example.org"):
        yield


def counted(text: str) -> int:
    """Pack a text as a phone network does: code units into segments, none of which splits a pair of units."""
    if all(character in GSM + ESCAPED for character in text):
        units = [["ESC", c] if c in ESCAPED else [c] for c in text]
        alone, each = 160, 153
    else:
        raw = text.encode("utf-16-be")
        words = [raw[at : at + 2] for at in range(0, len(raw), 2)]
        units = []
        for word in words:
            if 0xDC <= word[0] <= 0xDF:
                units[-1].append(word)  # type: ignore[arg-type]
            else:
                units.append([word])  # type: ignore[list-item]
        alone, each = 70, 67
    if sum(map(len, units)) <= alone:
        return 1
    packed: list[int] = [0]
    for unit in units:
        if packed[-1] + len(unit) > each:
            packed.append(0)
        packed[-1] += len(unit)
    return len(packed)


def written(title: str, body: str) -> str:
    expires_at = now() + timedelta(minutes=10)
    return compose(Message("p" * 43, "+4915123456789", title, body, "notice-1", expires_at))


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
     ("€" * 152, 2), ("€" * 153, 3), ("€" * 228, 3), ("€" * 229, 4), ("a" * 152 + "€" + "a" * 10, 2),
     ("点" * 70, 1), ("点" * 71, 2), ("点" * 134, 2), ("点" * 135, 3), ("点" * 201, 3), ("点" * 202, 4),
     ("🚨" * 35, 1), ("🚨" * 36, 2), ("🚨" * 66, 2), ("🚨" * 67, 3), ("🚨" * 99, 3), ("🚨" * 100, 4)],
)  # fmt: skip
def test_segments_are_counted_as_they_are_billed(text: str, count: int) -> None:
    assert (segments(text), counted(text)) == (count, count)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*GSM, *ESCAPED, *CHARACTERS]), max_size=700).map("".join)
    | st.text(max_size=400)
)
def test_two_counters_agree(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert segments(text) == counted(text)


@settings(deadline=None)
@given(st.lists(st.sampled_from(GSM_CHARACTERS), max_size=700).map("".join))
def test_two_counters_agree_on_gsm(text: str) -> None:
    assert segments(text) == counted(text)


@settings(deadline=None)
@given(title=st.text(max_size=500), body=st.text(max_size=2000))
def test_each_text_fits_and_keeps_its_link(title: str, body: str) -> None:
    text = written(title, body)
    assert counted(text) <= MAX_SEGMENTS
    assert text.endswith(LINK)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(CHARACTERS), min_size=1, max_size=500)
    | st.lists(st.sampled_from(GSM_CHARACTERS), min_size=300, max_size=500)
)
def test_as_much_as_fits_is_sent_and_no_character_is_cut_in_two(characters: list[str]) -> None:
    said, end = "".join(characters), f"\nAcknowledge: {LINK}"
    text = written(said, "")
    if counted(said + end) <= MAX_SEGMENTS:
        assert text == said + end
        return
    kept = text.removesuffix(f"...{end}")
    beginnings = ["".join(characters[:n]) for n in range(len(characters) + 1)]
    assert kept in beginnings
    longer = beginnings[beginnings.index(kept) + 1]
    assert counted(f"{longer}...{end}") > MAX_SEGMENTS, "one more character would have fitted"


@settings(deadline=None)
@given(st.lists(st.sampled_from(["word", "pump", "is", "{dry}", "点検"]), min_size=150, max_size=300))
def test_a_long_text_is_cut_between_words(words: list[str]) -> None:
    kept = written(" ".join(words), "").removesuffix(f"...\nAcknowledge: {LINK}").split(" ")
    assert kept == words[: len(kept)]


@pytest.mark.parametrize("said", ["word " * 300, "点検" * 300, "🚨" * 300, "[{~}]" * 200, "a" * 458 + "é…"])
def test_a_long_text_is_cut_to_three_segments_and_keeps_its_link(said: str) -> None:
    text = written("Weekly telecon", said)
    assert counted(text) == MAX_SEGMENTS
    assert text.startswith("Weekly telecon\n")
    assert text.endswith(f"...\nAcknowledge: {LINK}")


def test_typographic_characters_do_not_make_a_message_dear() -> None:
    text = written("Pump", "\u201cPump 3\u201d \u2013 it\u2019s\u00a0dry\u2026\u200b")
    assert '"Pump 3" - it\'s dry...' in text
    assert segments(text) == 1


def test_what_is_not_gsm_anyway_is_written_as_it_is() -> None:
    said = "点検\u3000\u201cA\u201d \u0645\u06cc\u200c\u062e 10\u00a0h\u2026 👩\u200d👧"
    assert written("Notice", said) == f"Notice\n{said}\nAcknowledge: {LINK}"


def test_an_override_is_dropped_from_gsm_and_closed_elsewhere() -> None:
    assert written("Pump\u202e 3", "x") == f"Pump 3\nx\nAcknowledge: {LINK}"
    assert written("点検\u202e 3", "x") == f"\u2068点検\u202e 3\u202c\u2069\nx\nAcknowledge: {LINK}"
    kept = written("点\u202e" + "検" * 300, "").removesuffix(f"\nAcknowledge: {LINK}")
    assert kept.endswith("検\u202c\u2069...")
