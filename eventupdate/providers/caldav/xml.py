"""The XML of WebDAV and CalDAV: bodies of requests, and the parsing of untrusted responses.

A response comes from a server that a member named. One with entities, a document type, too deep
nesting or too many elements, or a truncated one, is rejected as a whole.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from common.errors import FeedError
from eventupdate.lines import read_feed

DAV: Final = "{DAV:}"
CALDAV: Final = "{urn:ietf:params:xml:ns:caldav}"
SERVER: Final = "{http://calendarserver.org/ns/}"

_PREFIXES: Final = {"DAV:": "D", "urn:ietf:params:xml:ns:caldav": "C", "http://calendarserver.org/ns/": "S"}
_DECLARED: Final = " ".join(f"xmlns:{prefix}={quoteattr(name)}" for name, prefix in _PREFIXES.items())
_MAX_DEPTH: Final = 40
_MAX_ELEMENTS: Final = 1_000_000
"""20 for each of the most entries of a calendar."""
_MAX_ATTRIBUTES: Final = 100_000
_MAX_TAGS: Final = 1000
"""Most names of elements: the parser keeps each."""
_CHUNK: Final = 65_536
_MAX_OPEN: Final = 2 * _CHUNK
"""Most bytes of a tag or comment."""
_TOO_LARGE: Final = "The server's response is too large for a calendar."
_STATUS: Final = re.compile(r"HTTP/\d(?:\.\d)?\s+(\d{3})")
_OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Response:
    """The part of a response about one resource."""

    href: str
    """The unchanged href: a path or an absolute URL."""
    status: int
    """The status of the resource; 0 if each property has its own."""
    properties: Mapping[str, Element] = field(default_factory=dict)
    """The properties with a status of success, by name with namespace."""

    def text(self, name: str) -> str:
        """Return the text of a property, "" if it is missing."""
        found = self.properties.get(name)
        return (found.text or "").strip() if found is not None else ""

    def href_in(self, name: str) -> str:
        """Return the href inside a property, or ""."""
        found = self.properties.get(name)
        return (found.findtext(f"{DAV}href") or "").strip() if found is not None else ""

    def hrefs_in(self, name: str) -> list[str]:
        """Return the hrefs inside a property."""
        found = self.properties.get(name)
        texts = (
            [(one.text or "").strip() for one in found.iterfind(f"{DAV}href")] if found is not None else []
        )
        return [text for text in texts if text]

    def has(self, name: str, inner: str) -> bool:
        """Say whether a property contains an element ``inner`` at any depth."""
        found = self.properties.get(name)
        return found is not None and next(found.iter(inner), None) is not None


@dataclass(frozen=True, slots=True)
class Multistatus:
    """A 207 response (RFC 4918 section 13)."""

    responses: tuple[Response, ...]
    sync_token: str = ""


def read_multistatus(body: bytes) -> Multistatus:
    """Parse a 207 response. Raises ``FeedError`` for a truncated one or other content."""
    root, responses = _parse(body)
    if root.tag != f"{DAV}multistatus":
        msg = "The server's response is not that of a CalDAV server."
        raise FeedError(msg)
    token = (root.findtext(f"{DAV}sync-token") or "").strip()
    return Multistatus(tuple(responses), token)


def has_condition(body: bytes, name: str) -> bool:
    """Say whether an error response names a precondition, like "valid-sync-token"."""
    try:
        root, _ = _parse(body)
    except FeedError:
        return False
    return next(root.iter(f"{DAV}{name}"), None) is not None


def zone_in(text: str) -> str:
    """Return the TZID in a calendar-timezone property, or ""."""
    try:
        zones = read_feed(text.encode()).zones
    except FeedError:
        return ""
    return zones[0].tzid if zones else ""


def propfind(names: Iterable[str]) -> bytes:
    """Return the body of a PROPFIND for properties."""
    return _document("D:propfind", f"<D:prop>{_elements(names)}</D:prop>")


def sync_collection(token: str, names: Iterable[str]) -> bytes:
    """Return the body of a sync-collection report (RFC 6578 section 3.2); the first token is ""."""
    inner = f"<D:sync-token>{escape(token)}</D:sync-token><D:sync-level>1</D:sync-level>"
    return _document("D:sync-collection", f"{inner}<D:prop>{_elements(names)}</D:prop>")


def multiget(paths: Iterable[str]) -> bytes:
    """Return the body of a calendar-multiget report (RFC 4791 section 7.9)."""
    listed = "".join(f"<D:href>{escape(path)}</D:href>" for path in paths)
    names = _elements((f"{DAV}getetag", f"{CALDAV}calendar-data"))
    return _document("C:calendar-multiget", f"<D:prop>{names}</D:prop>{listed}")


def _document(root: str, inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{root} {_DECLARED}>{inner}</{root}>'.encode()


def _elements(names: Iterable[str]) -> str:
    return "".join(f"<{_prefixed(name)}/>" for name in names)


def _prefixed(name: str) -> str:
    namespace, _, local = name.removeprefix("{").partition("}")
    return f"{_PREFIXES[namespace]}:{local}"


class _BoundedBuilder(TreeBuilder):
    """A tree builder that rejects what is too deep or too large, and keeps the attribute "name" only."""

    def __init__(self) -> None:
        super().__init__()
        self.responses: list[Response] = []
        """What the responses say; their elements are dropped at their ends."""
        self._depth = 0
        self._elements = 0
        self._attributes = 0
        self._tags: set[str] = set()

    def start(self, tag: Any, attrs: Any) -> Element:
        """Begin an element."""
        self._depth += 1
        self._elements += 1
        self._attributes += len(attrs)
        self._tags.add(tag)
        if (
            self._depth > _MAX_DEPTH
            or self._elements > _MAX_ELEMENTS
            or self._attributes > _MAX_ATTRIBUTES
            or len(self._tags) > _MAX_TAGS
        ):
            raise FeedError(_TOO_LARGE)
        return super().start(tag, {"name": attrs["name"]} if "name" in attrs else {})

    def end(self, tag: Any) -> Element:
        """End an element."""
        self._depth -= 1
        element = super().end(tag)
        if self._depth == 1 and tag == f"{DAV}response":
            self.responses += _response(element)
            element.clear()
        return element


def _parse(body: bytes) -> tuple[Element, list[Response]]:
    builder = _BoundedBuilder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    try:
        for start in range(0, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK])
            # Expat keeps an unfinished tag, and gives its attributes all at once.
            if start + _CHUNK - parser.parser.CurrentByteIndex > _MAX_OPEN:
                raise FeedError(_TOO_LARGE)
        root: Element = parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        msg = "The server's response can't be read: it is truncated, or not that of a CalDAV server."
        raise FeedError(msg) from None
    return root, builder.responses


def _response(element: Element) -> Iterator[Response]:
    """Yield a ``Response`` for each href of an element; several hrefs share one status."""
    hrefs = [(found.text or "").strip() for found in element.iterfind(f"{DAV}href")]
    status = _status(element)
    properties: dict[str, Element] = {}
    for part in element.iterfind(f"{DAV}propstat"):
        if _status(part) in _OK:
            properties |= {found.tag: found for found in part.iterfind(f"{DAV}prop/*")}
    if not any(hrefs):
        msg = "The server's response has an element without an href."
        raise FeedError(msg)
    for href in filter(None, hrefs):
        yield Response(href, status, properties)


def _status(element: Element) -> int:
    said = element.findtext(f"{DAV}status")
    if said is None:
        return 0
    found = _STATUS.match(said.strip())
    return int(found[1]) if found else 0
