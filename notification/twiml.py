"""TwiML: what a call says and asks (https://www.twilio.com/docs/voice/twiml)."""

from collections.abc import Iterable
from typing import Final

from django.http import HttpResponse
from twilio.twiml.voice_response import Gather, VoiceResponse

from eventinvoke.channels.voice.voices import Voice

_KEY_SECONDS: Final = 6
"""Seconds to wait for a key after the last word."""
_MAX_SAID: Final = 3000
"""Characters of one sentence; Twilio reads 4096 (https://www.twilio.com/docs/voice/twiml/say)."""


class Script:
    """A call's content, in one voice. Texts are escaped by twilio-python's builder."""

    def __init__(self, voice: Voice) -> None:
        """Begin with nothing."""
        self._voice = voice
        self._response = VoiceResponse()

    def say(self, sentences: Iterable[str]) -> None:
        """Speak."""
        self._say(self._response, sentences)

    def ask(self, sentences: Iterable[str], action: str) -> None:
        """Speak, and send the first key that is pressed meanwhile or soon after to ``action``.

        The key # is a key like any other (``finishOnKey`` is empty). Goes on when none is pressed.
        """
        gather = Gather(
            input="dtmf",
            num_digits=1,
            timeout=_KEY_SECONDS,
            finish_on_key="",
            action=action,
            method="POST",
        )
        self._say(gather, sentences)
        self._response.append(gather)

    def go_to(self, url: str) -> None:
        """Go on with the content of another address."""
        self._response.redirect(url, method="POST")

    def hang_up(self) -> None:
        """End the call."""
        self._response.hangup()

    def answer(self) -> HttpResponse:
        """Return it as the answer to Twilio."""
        return HttpResponse(str(self._response), content_type="text/xml; charset=utf-8")

    def _say(self, parent: VoiceResponse | Gather, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            text = _speakable(sentence)
            if text:
                parent.say(text, language=self._voice.language, voice=self._voice.voice)


def _speakable(text: str) -> str:
    """Return a text without the characters that XML can't contain, such as control characters."""
    text = text[:_MAX_SAID]
    return (text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)).strip()
