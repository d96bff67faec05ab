"""The text of a message, within three segments.

A message that holds one character beyond the GSM alphabet (3GPP TS 23.038, 6.2.1) is sent as UTF-16, of
which fewer than half as many characters fit a segment. So typographic quotes, dashes and spaces are
written plainly where that makes it GSM, and a long text is cut: each segment costs. The tables of single
languages in TS 23.038, annex A, are not used: Twilio knows the general one alone.
https://www.twilio.com/docs/glossary/what-sms-character-limit
"""

from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext, override

from common.channels import Message
from common.languages import texts_for
from common.process_ids import Purpose, signed_for
from common.texts import BIDI_CONTROLS, foreign, isolated, place_to_cut
from eventinvoke.links import ANSWER_PLACEHOLDER, PLACEHOLDER, link

MAX_SEGMENTS: Final = 3
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""3GPP TS 23.038, 6.2.1.1: two septets each."""
_BASIC_AND_EXTENDED: Final = _BASIC | _EXTENDED
_PLAIN: Final = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032`\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f\t", " "),
        **dict.fromkeys("\u200b\u200c\ufeff\u00ad", None),
        **dict.fromkeys(BIDI_CONTROLS, None),  # what is GSM has nothing that is written from the right
        "\u2026": "...",
        "\u2022": "-",
    }
)
"""Quotes, primes, dashes, spaces, what is not seen at all, ellipsis, bullet."""
_GSM_LENGTHS: Final = (160, 153)
_UTF_16_LENGTHS: Final = (70, 67)
"""What fits a message of one segment, and each segment of several, whose header takes six bytes."""


def segments(text: str) -> int:
    """Return how many segments a text is sent in, each character whole within one."""
    is_gsm = _is_gsm(text)
    sizes = _septets(text) if is_gsm else _utf_16_units(text)
    alone, each = _GSM_LENGTHS if is_gsm else _UTF_16_LENGTHS
    if sum(sizes) <= alone:
        return 1
    count, used = 1, 0
    for size in sizes:
        used += size
        if used > each:
            count, used = count + 1, size
    return count


def _is_gsm(text: str) -> bool:
    return _BASIC_AND_EXTENDED.issuperset(text)


def _septets(text: str) -> Sequence[int]:
    return [1 + (character in _EXTENDED) for character in text]


def _utf_16_units(text: str) -> Sequence[int]:
    return [1 + (character > "\uffff") for character in text]


def compose(message: Message, *, has_replies: bool = False) -> str:
    """Return the text: title, what the notice says, and the link to acknowledge, which is never cut.

    With ``has_replies`` it says that a text is an answer too.
    """
    has_links = bool(message.process_id)
    text = template(
        message.title, message.body, message.language, has_links=has_links, has_replies=has_replies
    )
    return with_ids(text, message.process_id)


def with_ids(text: str, process_id: str) -> str:
    """Return a text with the ids of one attempt in place of their placeholders; as it is without a process id."""
    if not process_id:
        return text
    answer_id = signed_for(Purpose.ANSWER, process_id)
    return text.replace(ANSWER_PLACEHOLDER, answer_id).replace(PLACEHOLDER, process_id)


def template(title: str, body: str, language: str, *, has_links: bool, has_replies: bool = False) -> str:
    """Return the text with ``ANSWER_PLACEHOLDER``, which is as long, in place of the id in its link."""
    said = "\n".join(part for part in (foreign(title).strip(), foreign(body).strip()) if part)
    if not has_links:
        return _fit(said, "")
    with override(texts_for(language)):
        line = gettext("Acknowledge: %(url)s") % {"url": link("notification:answer", ANSWER_PLACEHOLDER)}
        if has_replies:
            reply = gettext("Or reply Y, N, LATER or STOP.")
            line = f"{line}\n{reply}"
    return _fit(said, f"\n{line}")


def _fit(said: str, end: str) -> str:
    """Return the text and what always ends it, cut between words or characters where it is too long."""
    whole = _shortest(said, end)
    if segments(whole) <= MAX_SEGMENTS:
        return whole
    # Fewer characters never take more segments, so halving finds how many fit.
    few, many = 0, len(said)
    while many - few > 1:
        middle = (few + many) // 2
        if segments(_cut(said, middle, end)) <= MAX_SEGMENTS:
            few = middle
        else:
            many = middle
    return _cut(said, place_to_cut(said, few), end)


def _cut(said: str, place: int, end: str) -> str:
    return _shortest(f"{isolated(said[:place].rstrip())}...", end)


def _shortest(said: str, end: str) -> str:
    """Return the text written plainly if it is GSM then, and the one of fewer segments if either will do."""
    plain = said.translate(_PLAIN) + end
    return min((plain, said + end), key=segments) if _is_gsm(plain) else said + end
