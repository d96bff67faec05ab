"""Which voice speaks to whom: https://www.twilio.com/docs/voice/twiml/say/text-speech."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Voice:
    """How a language is spoken."""

    texts: str
    """The language of our own texts (``common.languages``)."""
    language: str
    """As Twilio names it."""
    voice: str


VOICES: Final = {
    "en": Voice("en", "en-US", "Polly.Joanna-Neural"),
    "en-au": Voice("en-au", "en-AU", "Polly.Olivia-Neural"),
    "en-gb": Voice("en-gb", "en-GB", "Polly.Amy-Neural"),
    "de": Voice("de", "de-DE", "Polly.Vicki-Neural"),
    "de-at": Voice("de", "de-AT", "Polly.Hannah-Neural"),
    "fr": Voice("fr", "fr-FR", "Polly.Lea-Neural"),
    "fr-ca": Voice("fr", "fr-CA", "Polly.Gabrielle-Neural"),
    "ja": Voice("ja", "ja-JP", "Polly.Takumi-Neural"),
}


def voice_for(language: str) -> Voice:
    """Return the voice for a member's language (BCP 47).

    For a language without a translation the text is English, and so is the voice: an Italian voice
    can't read English.
    """
    name = language.lower().replace("_", "-")
    return VOICES.get(name) or VOICES.get(name.partition("-")[0]) or VOICES["en"]
