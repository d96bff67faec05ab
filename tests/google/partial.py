"""Partial answers: the parameter ``fields`` (``items(id,start),nextPageToken``), held against the schema."""

import re
from typing import Any

from tests.google.discovery import document
from tests.google.refusals import invalid

Json = dict[str, Any]
Mask = dict[str, "Mask"]
"""The fields to keep; an empty one keeps the whole of it."""


def project(schema: str, value: Json, fields: str) -> Json:
    """Return the selected part of an answer. Raises ``Refusal`` for fields that the schema does not have."""
    mask = _Parser(fields).read()
    _check(mask, {"$ref": schema}, fields)
    kept: Json = _keep(mask, value)
    return kept


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = re.findall(r"[A-Za-z]+|[(),/]|.", text)

    def read(self) -> Mask:
        mask = self._list()
        if self._tokens:
            raise self._fault()
        return mask

    def _list(self) -> Mask:
        mask: Mask = {}
        while True:
            self._path(mask)
            if self._tokens[:1] != [","]:
                return mask
            self._tokens.pop(0)

    def _path(self, mask: Mask) -> None:
        if not self._tokens or not self._tokens[0].isalpha():
            raise self._fault()
        inner = mask.setdefault(self._tokens.pop(0), {})
        if self._tokens[:1] == ["/"]:
            self._tokens.pop(0)
            self._path(inner)
        elif self._tokens[:1] == ["("]:
            self._tokens.pop(0)
            inner |= self._list()
            if self._tokens[:1] != [")"]:
                raise self._fault()
            self._tokens.pop(0)

    def _fault(self) -> Exception:
        return invalid("fields", f"Invalid field selection {self._text}")


def _check(mask: Mask, spec: Json, fields: str) -> None:
    while "$ref" in spec or spec.get("type") == "array":
        spec = document()["schemas"][spec["$ref"]] if "$ref" in spec else spec["items"]
    for name, inner in mask.items():
        known = spec.get("properties", {})
        if name not in known:
            raise invalid("fields", f"Invalid field selection {name}")
        _check(inner, known[name], fields)


def _keep(mask: Mask, value: Any) -> Any:
    if not mask:
        return value
    if isinstance(value, list):
        return [_keep(mask, item) for item in value]
    return {name: _keep(mask[name], part) for name, part in value.items() if name in mask}
