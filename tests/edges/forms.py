"""The forms of pages, as a browser reads them."""

import inspect
import re
from collections import defaultdict
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

ROOT: Final = Path(__file__).resolve().parent.parent.parent
_READ: Final = re.compile(r"(?:GET|POST|told|body|data)(?:\.get|\.getlist)?[\[(]\"(\w+)\"")
_APPS: Final = ("registration", "eventinvoke", "eventupdate", "notification", "simulator", "pfs_notice")

Fields = dict[str, list[str]]


class _Parser(HTMLParser):
    """Collects the fields of each form, with what they hold when the page is opened, by the form's address."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.forms: dict[str, Fields] = {}
        self._path = path
        self._fields: Fields = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            where = urlsplit(given.get("action", "")).path or self._path
            self._fields = self.forms.setdefault(where, defaultdict(list))
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and self._select and ("selected" in given or not self._fields[self._select]):
            self._fields[self._select] = [given.get("value", "")]
        elif tag in {"input", "button", "textarea"} and "name" in given:
            is_chosen = given.get("type") not in {"radio", "checkbox"} or "checked" in given
            self._fields[given["name"]] += [given.get("value", "")] if is_chosen else []


def forms_of(path: str, page: str) -> dict[str, Fields]:
    """Return the fields of every form of a page, by the path that it is sent to; a select holds one value."""
    parser = _Parser(path)
    parser.feed(page)
    return parser.forms


def names_read(callback: Callable[..., Any] | None = None) -> list[str]:
    """Return every name that our views read from a query, a form or JSON, or those of one view's module."""
    files = [Path(inspect.getfile(inspect.unwrap(callback)))] if callback else _sources()
    return sorted({name for file in files for name in _READ.findall(file.read_text(encoding="utf-8"))})


def _sources() -> list[Path]:
    files = [file for app in _APPS for file in (ROOT / app).rglob("*.py")]
    return [file for file in files if "tests" not in file.parts and "provider" not in file.parts]
