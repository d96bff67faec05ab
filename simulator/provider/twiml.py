"""Reading TwiML: https://www.twilio.com/docs/voice/twiml.

Only the verbs that a spoken notice needs are read; others are skipped with a warning, as Twilio
warns of what its schema does not know (12200). A document type declaration is refused, so that
entities can't be used to make a small document large.
"""

import re
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

MAX_LENGTH: Final = 64 * 1024
"""Characters of a document. Twilio takes 64 KB: https://www.twilio.com/docs/api/errors/11750"""
_DEFAULT_LANGUAGE: Final = "en-US"
_VOICE_LANGUAGE: Final = re.compile(r"^(?:Google|ElevenLabs)\.([a-z]{2,3}-[A-Z]{2})\b")
_ENDLESS: Final = 1000
_GATHER_CHILDREN: Final = frozenset({"Say", "Pause", "Play"})


class TwimlError(Exception):
    """A document that Twilio can't use, with the code of its notification."""

    def __init__(self, code: int, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Say:
    """Words to speak."""

    text: str
    language: str = _DEFAULT_LANGUAGE
    voice: str = ""
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, in seconds."""

    length: float = 1.0


@dataclass(frozen=True, slots=True)
class Play:
    """A sound file."""

    url: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Gather:
    """Wait for keys."""

    prompt: tuple["Say | Pause | Play", ...] = ()
    action: str = ""
    """Relative to the document; "" is the document itself."""
    method: str = "POST"
    timeout: float = 5.0
    num_digits: int | None = None
    finish_on_key: str = "#"
    is_empty_sent: bool = False
    """``actionOnEmptyResult``."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with another document."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call. A Reject of a call that was answered does the same."""


Verb = Say | Pause | Play | Gather | Redirect | Hangup


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read."""

    verbs: tuple[Verb, ...]
    warnings: tuple[str, ...] = ()


def parse(text: str) -> Document:
    """Read a document. Raises ``TwimlError`` 12100 for what is no TwiML and 11750 for too much."""
    if len(text.encode()) > MAX_LENGTH:
        raise TwimlError(11750, f"TwiML response body too large: more than {MAX_LENGTH} bytes")
    try:
        root = fromstring(text.strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise TwimlError(12100, f"Document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(12100, f"Document parse failure: the root is {root.tag}, not Response")
    warnings: list[str] = []
    verbs = tuple(verb for child in root if (verb := _verb(child, warnings)) is not None)
    return Document(verbs, tuple(warnings))


def _verb(element: Element, warnings: list[str]) -> Verb | None:
    if element.tag == "Gather":
        return _gather(element, warnings)
    if element.tag == "Redirect":
        _check(element, {"method"}, warnings)
        return Redirect((element.text or "").strip(), element.get("method", "POST").upper())
    if element.tag in {"Hangup", "Reject"}:
        return Hangup()
    return _sound(element, warnings)


def _sound(element: Element, warnings: list[str]) -> Say | Pause | Play | None:
    if element.tag == "Say":
        _check(element, {"voice", "language", "loop"}, warnings)
        text = " ".join(_spoken(element).split())
        voice = element.get("voice", "")
        language = element.get("language") or _language_of(voice)
        if not text:
            warnings.append("13520: Say has no text")
        return Say(text, language, voice, _loop(element, warnings))
    if element.tag == "Pause":
        _check(element, {"length"}, warnings)
        return Pause(_number(element, "length", 1.0, warnings))
    if element.tag == "Play":
        _check(element, {"loop", "digits"}, warnings)
        return Play((element.text or "").strip() or element.get("digits", ""), _loop(element, warnings))
    warnings.append(f"12200: {element.tag} is not simulated, or no verb; it was skipped")
    return None


def _gather(element: Element, warnings: list[str]) -> Gather:
    known = {"action", "method", "timeout", "numDigits", "finishOnKey", "actionOnEmptyResult", "input"}
    _check(element, known, warnings)
    sounds = []
    for child in element:
        if child.tag not in _GATHER_CHILDREN:
            warnings.append(f"12200: {child.tag} may not stand in Gather; it was skipped")
        elif (sound := _sound(child, warnings)) is not None:
            sounds.append(sound)
    digits = _number(element, "numDigits", 0, warnings)
    return Gather(
        prompt=tuple(sounds),
        action=element.get("action", "").strip(),
        method=element.get("method", "POST").upper(),
        timeout=_number(element, "timeout", 5.0, warnings),
        num_digits=int(digits) or None,
        finish_on_key=element.get("finishOnKey", "#"),
        is_empty_sent=element.get("actionOnEmptyResult", "false").lower() == "true",
    )


def _spoken(element: Element) -> str:
    """Return the words of an element, with SSML's substitutions made and its pauses as spaces."""
    parts = [element.text or ""]
    for child in element:
        alias = child.get("alias")
        parts.append(alias if child.tag == "sub" and alias else _spoken(child))
        parts.append(" " if child.tag in {"break", "p", "s"} else "")
        parts.append(child.tail or "")
    return "".join(parts)


def _language_of(voice: str) -> str:
    found = _VOICE_LANGUAGE.match(voice)
    return found[1] if found else _DEFAULT_LANGUAGE


def _loop(element: Element, warnings: list[str]) -> int:
    count = int(_number(element, "loop", 1, warnings))
    return min(count, _ENDLESS) if count else _ENDLESS


def _number(element: Element, name: str, default: float, warnings: list[str]) -> float:
    value = element.get(name)
    if value is None:
        return default
    if not value.strip().isdecimal():
        warnings.append(f"12200: {name}={value!r} of {element.tag} is no whole number of at least 0")
        return default
    return min(float(value), 100_000.0)


def _check(element: Element, known: set[str], warnings: list[str]) -> None:
    unknown = sorted(set(element.keys()) - known)
    warnings.extend(f"12200: {element.tag} has no attribute {name}" for name in unknown)
