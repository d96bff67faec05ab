"""The call that brings a verification code: its content goes with the request, so nothing is fetched."""

import re
from typing import Final

from django.utils.translation import gettext, override
from twilio.twiml.voice_response import VoiceResponse

from common.channels import Message
from eventinvoke.channels.voice.voices import Voice, voice_for

_CODE: Final = re.compile(r"(?<!\d)\d{4,10}(?!\d)")
_TIMES: Final = 2


def twiml(message: Message) -> str:
    """Return TwiML that says the code in the message's body digit by digit, twice, in its language."""
    voice = voice_for(message.language)
    response = VoiceResponse()
    found = _CODE.search(message.body) or _CODE.search(message.title)
    with override(voice.texts):
        if found is None:
            _say(response, voice, f"{message.title}. {message.body}")
            return str(response)
        _say(response, voice, gettext("Hello. This is PFS Notice. Your code is:"))
        for time in range(_TIMES):
            if time:
                _say(response, voice, gettext("Once more, your code is:"))
            for digit in found.group():
                response.pause(length=1)
                _say(response, voice, digit)
            response.pause(length=1)
        _say(response, voice, gettext("Goodbye."))
    return str(response)


def _say(response: VoiceResponse, voice: Voice, text: str) -> None:
    response.say(text, language=voice.language, voice=voice.voice)
