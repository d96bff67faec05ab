"""The text of a message, within three segments.

A message that holds one character beyond the GSM alphabet is sent as UCS-2, and only 67 instead of
153 characters fit a segment (https://www.twilio.com/docs/glossary/what-sms-character-limit). So
typographic quotes, dashes and spaces are written plainly, and a long text is cut: each segment costs.
"""

from typing import Final

from django.utils.translation import gettext, override

from common.channels import Message
from common.languages import texts_for
from eventinvoke.links import PLACEHOLDER, link

MAX_SEGMENTS: Final = 3
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""3GPP TS 23.038, 6.2.1.1: two septets each."""
_PLAIN: Final = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032`\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f\t", " "),
        **dict.fromkeys("\u200b\u200c\u200e\u200f\ufeff\u00ad\r", None),
        "\u2026": "...",
        "\u2022": "-",
    }
)
"""Quotes, primes, dashes, spaces, what is not seen at all, ellipsis, bullet."""


def segments(text: str) -> int:
    """Return how many segments a text is sent in."""
    length, alone, each = _measure(text)
    return 1 if length <= alone else -(-length // each)


def _measure(text: str) -> tuple[int, int, int]:
    """Return the length, and what fits a single message and each of several."""
    used = set(text)
    if used <= _BASIC | _EXTENDED:
        return len(text) + sum(text.count(character) for character in _EXTENDED), 160, 153
    return len(text.encode("utf-16-le", "replace")) // 2, 70, 67


def compose(message: Message) -> str:
    """Return the text: title, what the notice says, and the link to acknowledge, which is never cut."""
    has_links = bool(message.process_id)
    text = template(message.title, message.body, message.language, has_links=has_links)
    return text.replace(PLACEHOLDER, message.process_id) if has_links else text


def template(title: str, body: str, language: str, *, has_links: bool) -> str:
    """Return the text with ``PLACEHOLDER``, which is as long, in place of the process id."""
    said = "\n".join(part for part in (title.strip(), body.strip()) if part)
    said = said.translate(_PLAIN)
    if not has_links:
        return _fit(said, "")
    with override(texts_for(language)):
        line = gettext("Acknowledge: %(url)s") % {"url": link("notification:answer", PLACEHOLDER)}
    return _fit(said, f"\n{line}")


def _fit(said: str, end: str) -> str:
    if segments(said + end) <= MAX_SEGMENTS:
        return said + end
    # The most that fits; fewer characters never take more segments, so halving finds it.
    few, many = 0, len(said)
    while many - few > 1:
        middle = (few + many) // 2
        if segments(f"{said[:middle]}...{end}") <= MAX_SEGMENTS:
            few = middle
        else:
            many = middle
    return f"{said[:few].rstrip()}...{end}"
