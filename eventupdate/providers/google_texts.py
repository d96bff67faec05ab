"""Texts of Google's, as they may stand in iCalendar (RFC 5545), and descriptions without their HTML."""

import re
from html.parser import HTMLParser
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TAG: Final = re.compile(
    r"</?(?:a|b|br|div|em|h[1-6]|i|li|ol|p|span|strong|u|ul|html-blob)\b[^>]*>", re.IGNORECASE
)
_BREAKS: Final = frozenset({"br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "ul"})
_MANY_BREAKS: Final = re.compile(r"\n{3,}")
_NOT_IN_NAMES: Final = re.compile(r"[\x00-\x1f\x7f\"]")


def escaped(text: str) -> str:
    r"""Return a value of the type TEXT: ``\``, ``;``, ``,`` and line breaks escaped (section 3.3.11)."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    for character in ("\\", ";", ","):
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "\\n")


def parameter(text: str) -> str:
    """Return a parameter's value, quoted where it has to be; it can't hold a quote (section 3.2)."""
    text = _NOT_IN_NAMES.sub("'", text).strip()
    return f'"{text}"' if set(text) & set(",;:") else text


def plain(text: str) -> str:
    """Return a description without HTML. Google keeps what was typed with formatting as HTML, all else as it is."""
    if not _TAG.search(text):
        return text
    reader = _Reader()
    reader.feed(text)
    reader.close()
    lines = (line.strip() for line in "".join(reader.parts).replace("\xa0", " ").split("\n"))
    return _MANY_BREAKS.sub("\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    """Collects what a person reads; of a link whose words are not its address, the address too."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._link = ""
        self._link_begins_at = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.parts.append("\n")
        if tag == "a":
            self._link = dict(attrs).get("href") or ""
            self._link_begins_at = len(self.parts)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS - {"br"}:
            self.parts.append("\n")
        if tag == "a" and self._link:
            words = "".join(self.parts[self._link_begins_at :])
            if self._link not in words and self._link.startswith(("http://", "https://")):
                self.parts.append(f" {self._link} ")
            self._link = ""

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
