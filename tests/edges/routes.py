"""Every route of the site, found by walking the resolver, and addresses that belong to it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver

_CONVERTER: Final = re.compile(r"<(?:\w+:)?(\w+)>")
_GROUP: Final = re.compile(r"\(\?P<(\w+)>([^)|]*)[^)]*\)")


@dataclass(frozen=True, slots=True)
class Route:
    """One route: its template, as it stands in the URLconf, its name with the namespace ("" for none), its view."""

    template: str
    name: str
    view: Callable[..., Any]

    def path(self, values: Mapping[str, str]) -> str:
        """Return an address of the route, with these values for its parameters."""

        def group(found: re.Match[str]) -> str:
            return quote(values.get(found[1], found[2]), safe="/")

        def converter(found: re.Match[str]) -> str:
            return quote(values[found[1]], safe="/")

        plain = _GROUP.sub(group, self.template.replace("^", "").replace("$", ""))
        return f"/{_CONVERTER.sub(converter, plain)}"

    @property
    def parameters(self) -> list[str]:
        """The names of its parameters."""
        return [*_CONVERTER.findall(self.template), *(name for name, _first in _GROUP.findall(self.template))]


def all_routes() -> list[Route]:
    """Return every route, those of the administration too."""
    return list(_below(get_resolver(), "", ""))


def _below(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        template = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield Route(template, f"{namespace}{entry.name}" if entry.name else "", entry.callback)
        else:
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _below(entry, template, inner)
