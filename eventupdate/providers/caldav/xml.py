"""The XML of WebDAV and CalDAV: what we ask, and answers taken apart without trust.

An answer comes from a server that a member named. It may declare no entity and no document type,
nest no deeper and hold no more elements than a calendar needs, and must be whole; else nothing of
it counts.
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
_MAX_ELEMENTS: Final = 2_000_000
_STATUS: Final = re.compile(r"HTTP/\d(?:\.\d)?\s+(\d{3})")
_OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Response:
    """What an answer says of one resource."""

    href: str
    """As it stands there: a path, or a whole address."""
    status: int
    """Of the resource as a whole; 0 where each property has its own."""
    properties: Mapping[str, Element] = field(default_factory=dict)
    """Those that were to be had, by name with namespace."""

    def text(self, name: str) -> str:
        """Return what a property says, "" where it is missing."""
        found = self.properties.get(name)
        return (found.text or "").strip() if found is not None else ""

    def href_in(self, name: str) -> str:
        """Return the address inside a property, "" where there is none."""
        found = self.properties.get(name)
        return (found.findtext(f"{DAV}href") or "").strip() if found is not None else ""

    def hrefs_in(self, name: str) -> list[str]:
        """Return the addresses inside a property that may hold several."""
        found = self.properties.get(name)
        texts = (
            [(one.text or "").strip() for one in found.iterfind(f"{DAV}href")] if found is not None else []
        )
        return [text for text in texts if text]

    def has(self, name: str, inner: str) -> bool:
        """Say whether a property holds, at any depth, an element of a name."""
        found = self.properties.get(name)
        return found is not None and next(found.iter(inner), None) is not None


@dataclass(frozen=True, slots=True)
class Multistatus:
    """An answer 207 (RFC 4918 section 13)."""

    responses: tuple[Response, ...]
    sync_token: str = ""


def read_multistatus(body: bytes) -> Multistatus:
    """Take an answer 207 apart. Raises ``FeedError`` for what is none, or is not whole."""
    root = _parse(body)
    if root.tag != f"{DAV}multistatus":
        msg = "The server's answer is not one of a CalDAV server."
        raise FeedError(msg)
    responses = (_response(element) for element in root.iterfind(f"{DAV}response"))
    token = (root.findtext(f"{DAV}sync-token") or "").strip()
    return Multistatus(tuple(found for some in responses for found in some), token)


def has_condition(body: bytes, name: str) -> bool:
    """Say whether a refusal names a precondition of DAV, like "valid-sync-token"."""
    try:
        root = _parse(body)
    except FeedError:
        return False
    return next(root.iter(f"{DAV}{name}"), None) is not None


def zone_in(text: str) -> str:
    """Return the name of the zone that a calendar-timezone property holds, "" for none."""
    try:
        zones = read_feed(text.encode()).zones
    except FeedError:
        return ""
    return zones[0].tzid if zones else ""


def propfind(names: Iterable[str]) -> bytes:
    """Return the body of a PROPFIND for properties."""
    return _document("D:propfind", f"<D:prop>{_elements(names)}</D:prop>")


def sync_collection(token: str, names: Iterable[str]) -> bytes:
    """Return the body of a sync-collection report (RFC 6578 section 3.2); "" for the first time."""
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
    """Builds a tree until it grows too deep or too large."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._count = 0

    def start(self, tag: Any, attrs: Any) -> Element:
        """Begin an element."""
        self._depth += 1
        self._count += 1
        if self._depth > _MAX_DEPTH or self._count > _MAX_ELEMENTS:
            msg = "The server's answer is larger than that of any calendar."
            raise FeedError(msg)
        return super().start(tag, attrs)

    def end(self, tag: Any) -> Element:
        """End an element."""
        self._depth -= 1
        return super().end(tag)


def _parse(body: bytes) -> Element:
    parser = DefusedXMLParser(target=_BoundedBuilder(), forbid_dtd=True)
    try:
        parser.feed(body)
        root: Element = parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        msg = "The server's answer can't be read: it is not whole, or not what a CalDAV server says."
        raise FeedError(msg) from None
    return root


def _response(element: Element) -> Iterator[Response]:
    """Yield what a response says; one with a status of its own may speak of several resources."""
    hrefs = [(found.text or "").strip() for found in element.iterfind(f"{DAV}href")]
    status = _status(element)
    properties: dict[str, Element] = {}
    for part in element.iterfind(f"{DAV}propstat"):
        if _status(part) in _OK:
            properties |= {found.tag: found for found in part.iterfind(f"{DAV}prop/*")}
    if not any(hrefs):
        msg = "The server's answer does not say what it speaks of."
        raise FeedError(msg)
    for href in filter(None, hrefs):
        yield Response(href, status, properties)


def _status(element: Element) -> int:
    said = element.findtext(f"{DAV}status")
    if said is None:
        return 0
    found = _STATUS.match(said.strip())
    return int(found[1]) if found else 0
