"""Escaping texts for iCalendar (RFC 5545), and removing HTML from Google's descriptions."""

import re
from collections.abc import Sequence
from html import unescape
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Possessive, so that the time is linear for each text; Python's HTML parser takes half a second for
# eight thousand characters of "<a".
_TAG: Final = re.compile(r"<(/?)([a-z][a-z0-9-]*+)([^<>]*+)>", re.IGNORECASE)
_HREF: Final = re.compile(r"\bhref\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))", re.IGNORECASE)
_BREAKS: Final = frozenset({"br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "ul"})
_KNOWN: Final = _BREAKS | {"a", "b", "em", "html-blob", "i", "span", "strong", "u"}
_MANY_BREAKS: Final = re.compile(r"\n{3,}")
_NOT_IN_NAMES: Final = re.compile(r"[\x00-\x1f\x7f\"]")


def escaped(text: str) -> str:
    r"""Return a value of the type TEXT: ``\``, ``;``, ``,`` and line breaks escaped (section 3.3.11)."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    for character in ("\\", ";", ","):
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "\\n")


def parameter(text: str) -> str:
    """Return a parameter's value, quoted if necessary; it can't contain a quote (section 3.2)."""
    text = _NOT_IN_NAMES.sub("'", text).strip()
    return f'"{text}"' if set(text) & set(",;:") else text


def plain(text: str) -> str:
    """Return a description without HTML; a link is followed by its URL if its text differs.

    Google stores formatted descriptions as HTML and others as plain text.
    """
    tags = [tag for tag in _TAG.finditer(text) if tag[2].lower() in _KNOWN]
    if not tags:
        return text
    lines = (line.strip() for line in unescape(_without(text, tags)).replace("\xa0", " ").split("\n"))
    return _MANY_BREAKS.sub("\n\n", "\n".join(lines)).strip()


def _without(text: str, tags: Sequence[re.Match[str]]) -> str:
    """Return the text with line breaks and URLs in place of tags."""
    parts: list[str] = []
    end = 0
    link, link_begins_at = "", 0
    for tag in tags:
        parts.append(text[end : tag.start()])
        end = tag.end()
        is_closing, name = bool(tag[1]), tag[2].lower()
        if name in _BREAKS and not (is_closing and name == "br"):
            parts.append("\n")
        elif name == "a" and not is_closing:
            link, link_begins_at = _address(tag[3]), len(parts)
        elif name == "a" and link:
            if link not in "".join(parts[link_begins_at:]):
                parts.append(f" {link} ")
            link = ""
    return "".join([*parts, text[end:]])


def _address(attributes: str) -> str:
    found = _HREF.search(attributes)
    link = next((part for part in found.groups() if part), "").strip() if found else ""
    return link if link.startswith(("http://", "https://")) else ""
