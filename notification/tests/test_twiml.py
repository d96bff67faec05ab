"""TwiML that any text may go into."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from eventinvoke.channels.voice.voices import voice_for
from notification.twiml import Script


@given(st.lists(st.text(max_size=400), min_size=1, max_size=5))
def test_any_text_makes_a_document_that_only_speaks(sentences: list[str]) -> None:
    script = Script(voice_for("en"))
    script.ask(sentences, "https://notice.example.org/key?a=1&b=2")
    root = ET.fromstring(script.answer().content)  # noqa: S314 - our own answer
    assert [verb.tag for verb in root] == ["Gather"]
    assert {child.tag for child in root[0]} <= {"Say"}
    assert root[0].get("action") == "https://notice.example.org/key?a=1&b=2"


def test_a_long_sentence_is_cut_to_what_twilio_reads() -> None:
    script = Script(voice_for("en"))
    script.say(["x" * 10_000])
    assert script.answer().content.count(b"x") <= 4096
