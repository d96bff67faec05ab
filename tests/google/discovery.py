"""What the discovery document of the Calendar API says of requests and answers."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import googleapiclient

from tests.google.refusals import api_refusal, invalid

Json = dict[str, Any]

# Stated in the descriptions of maxResults, in words only.
MAX_RESULTS = {"calendar.events.list": 2500, "calendar.calendarList.list": 250}
# Stated in the descriptions of syncToken, in words only.
NOT_WITH_SYNC_TOKEN = {
    "calendar.events.list": {
        "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax",
        "updatedMin",
    },
    "calendar.calendarList.list": {"minAccessRole", "showOwnOrganizationOnly"},
}  # fmt: skip
NOT_FALSE_WITH_SYNC_TOKEN = {
    "calendar.events.list": {"showDeleted"},
    "calendar.calendarList.list": {"showDeleted", "showHidden"},
}


@dataclass(frozen=True)
class Call:
    """A request that the document allows."""

    method_id: str
    path: Mapping[str, str]
    query: Mapping[str, Any]
    """Converted: numbers, booleans, lists of what may be repeated."""
    scopes: frozenset[str]
    """Any one of which is enough."""
    answer: str
    """The schema of the answer."""


@cache
def document() -> Json:
    """Return the discovery document that google-api-python-client ships."""
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    found: Json = json.loads((folder / "calendar.v3.json").read_text())
    return found


def read_call(verb: str, path: str, pairs: list[tuple[str, str]]) -> Call:
    """Return the call that a request makes. Raises ``Refusal`` for what the document does not allow."""
    for method, found in _candidates(path):
        if method["httpMethod"] != verb:
            continue
        known = document()["parameters"] | method.get("parameters", {})
        query = _query(known, pairs)
        _check_rules(method["id"], query)
        names = {name: unquote(value) for name, value in found.groupdict().items()}
        return Call(method["id"], names, query, frozenset(method["scopes"]), method["response"]["$ref"])
    raise api_refusal(404, "notFound", "Not Found")


def _candidates(path: str) -> Iterator[tuple[Json, re.Match[str]]]:
    for method in _methods(document()["resources"]):
        pattern = re.sub(
            r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(document()["servicePath"] + method["path"])
        )
        if found := re.fullmatch(pattern, path.lstrip("/")):
            yield method, found


def _methods(resources: Json) -> Iterator[Json]:
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from _methods(resource.get("resources", {}))


def _query(known: Json, pairs: list[tuple[str, str]]) -> Json:
    query: Json = {}
    for name, text in pairs:
        if name not in known or known[name]["location"] != "query":
            raise invalid(name, f'Unknown name "{name}": Cannot bind query parameter.')
        value = _value(name, text, known[name])
        if known[name].get("repeated"):
            query.setdefault(name, []).append(value)
        elif name in query:
            raise invalid(name, f"{name} is given twice.")
        else:
            query[name] = value
    return query


def _value(name: str, text: str, spec: Json) -> Any:
    if spec["type"] == "integer":
        if not re.fullmatch(r"-?\d{1,10}", text) or int(text) < int(spec.get("minimum", -(2**31))):
            raise invalid(name, f"Invalid integer value: '{text}'.")
        return int(text)
    if spec["type"] == "boolean":
        if text not in {"true", "false"}:
            raise invalid(name, f"Invalid boolean value: '{text}'.")
        return text == "true"
    if "enum" in spec and text not in spec["enum"]:
        raise invalid(name, f"Invalid string value: '{text}'. Allowed values: {spec['enum']}.")
    if spec.get("format") == "date-time" and not _is_instant(text):
        raise invalid(name, f'Invalid value for: Invalid format: "{text}".')
    return text


def _check_rules(method_id: str, query: Json) -> None:
    limit = MAX_RESULTS.get(method_id)
    if limit is not None and query.get("maxResults", 1) > limit:
        raise invalid(
            "maxResults", f"Invalid value '{query['maxResults']}'. Values must be within [1, {limit}]."
        )
    if "syncToken" not in query:
        return
    for name in sorted(NOT_WITH_SYNC_TOKEN.get(method_id, set()) & query.keys()):
        raise invalid(name, f"Sync token cannot be used with {name}.")
    for name in NOT_FALSE_WITH_SYNC_TOKEN.get(method_id, set()):
        if query.get(name) is False:
            raise invalid(name, f"{name} may not be false with a sync token.")


def faults_of(schema: str, value: Any) -> list[str]:
    """Return what is wrong with a value by its schema; nothing if it is as it should be."""
    return list(_faults({"$ref": schema}, value, schema))


def _faults(spec: Json, value: Any, where: str) -> Iterator[str]:
    if "$ref" in spec:
        spec = document()["schemas"][spec["$ref"]]
    match spec["type"]:
        case "object" if isinstance(value, dict):
            yield from _object_faults(spec, value, where)
        case "array" if isinstance(value, list):
            for number, item in enumerate(value):
                yield from _faults(spec["items"], item, f"{where}[{number}]")
        case "string" if isinstance(value, str):
            if not _has_format(value, spec.get("format", "")):
                yield f"{where} is no {spec['format']}: {value!r}"
        case "boolean" if isinstance(value, bool):
            pass
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            pass
        case wanted:
            yield f"{where} is no {wanted}: {value!r}"


def _object_faults(spec: Json, value: Json, where: str) -> Iterator[str]:
    known = spec.get("properties", {})
    for name, part in value.items():
        if name in known:
            yield from _faults(known[name], part, f"{where}.{name}")
        elif "additionalProperties" in spec:
            yield from _faults(spec["additionalProperties"], part, f"{where}.{name}")
        else:
            yield f"{where} has no {name}"


def _has_format(text: str, wanted: str) -> bool:
    if wanted == "date":
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text)) and date.fromisoformat(text) is not None
    return _is_instant(text) if wanted == "date-time" else True


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
