"""No request makes the site answer 500: every route, every form, odd values.

``FUZZ_EXAMPLES=200 script/test tests/edges/test_fuzz.py`` looks longer, and elsewhere each time.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from tests.edges.forms import Fields, forms_of, names_read
from tests.edges.routes import Route, all_routes
from tests.edges.world import World, build

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "0"))
ACCOUNT: Final = "AC" + "1" * 32
TOKEN: Final = "token" * 6
HOSTILE: Final = (
    "9" * 5000,
    "-" + "9" * 5000,
    str(2**31),
    str(2**63),
    str(-(2**63) - 1),
    "1e400",
    "nan",
    "0x10",
    "٣" * 30,
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\r\nX-Header: x",
    "\u202ex",
    "🚨" * 2000,
    "x",
    "x" * 3000,
    "//evil.example",
    "http://[",
    "https://user:pass@[::1]:99999/",
    "../../etc/passwd",
    "%00",
    "%",
    "0000-01-01",
    "0001-01-01T00:00",
    "0001-01-01T00:00+14:00",
    "9999-12-31T23:59",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30T25:61",
    "24:00",
    "(((((",
    "[a-",
    "a{1,99999}",
    "true",
    "null",
    "[]",
    "{}",
)
CHARSETS: Final = ("utf-8", "UTF8", "latin-1", "ascii", "nonsense", "x" * 5000, "", '"')
"""Others are refused before there is a request: ``pfs_notice/headers.py``."""
TYPES: Final = (
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/json",
    "text/plain",
    "x",
)
NAMES: Final = names_read()
_FEW: Final = {"pages": 14, "administration": 3}
"""Examples of each route, which take half a minute together."""
_UNAVAILABLE: Final = {
    "health", "ready", "simulator:phone-state", "simulator:phone-act", "simulator:phone-write",
}  # fmt: skip
"""These say 503 themselves, without workers or a simulated provider."""

WORST: Final = ("9" * 5000, str(2**63), "\0", "\ud800", "x", "9999-12-31T23:59", "0001-01-01T00:00")

texts = st.one_of(
    st.sampled_from(WORST),
    st.sampled_from(HOSTILE),
    st.one_of(
        st.text(st.characters(), max_size=40),
        st.integers().map(str),
        st.datetimes().map(str),
        st.floats().map(str),
    ),
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "HX-Request": st.just("true"),
        "HX-Current-URL": texts,
        "HX-Target": texts,
        "Accept-Language": texts,
        "If-None-Match": texts,
        "X-Forwarded-For": texts,
        "User-Agent": texts,
        "Referer": texts,
        "X-Twilio-Signature": texts,
        "Cookie": texts,
    },
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the fields that are replaced in what the page's own form would send, and how it is sent."""

    role: str
    method: str
    changes: Mapping[str, list[str]]
    query: Mapping[str, list[str]]
    parameter: str | None
    content_type: str
    charset: str | None
    body: Any
    headers: Mapping[str, str]


def requests(names: list[str]) -> st.SearchStrategy[Asked]:
    """Return requests whose odd values stand in these fields, or in those of other pages."""
    name = st.one_of(st.sampled_from(names or NAMES), st.sampled_from(NAMES), texts)
    some = st.dictionaries(name, st.lists(texts, max_size=2), max_size=3)
    all_alike = texts.map(lambda value: {name: [value] for name in names})
    either = st.one_of(some, all_alike)
    return st.builds(
        Asked,
        role=st.sampled_from(["member", "superuser", "member", "superuser", "anonymous"]),
        method=st.sampled_from(["post", "get", "post", "get", "put", "head"]),
        changes=either,
        query=either,
        parameter=st.one_of(st.none(), st.none(), st.none(), texts),
        content_type=st.sampled_from([TYPES[0], TYPES[0], *TYPES]),
        charset=st.one_of(st.none(), st.none(), st.none(), st.sampled_from(CHARSETS)),
        body=json_values,
        headers=headers,
    )


def seen_forms(world: World) -> dict[str, Fields]:
    """Return the fields of every form of every page, by the path that it is sent to."""
    found: dict[str, Fields] = {}
    for route in all_routes():
        path = route.path(world.values(route))
        for role in ("member", "superuser"):
            answer = world.client(role).get(path)
            if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
                found |= forms_of(path, answer.content.decode())
    return found


@pytest.fixture(autouse=True)
def twilio(settings: Settings) -> None:
    """An account with Twilio, so that requests with its signature go beyond the check of it."""
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKENS = ACCOUNT, [TOKEN]
    settings.SIMULATOR_URL = "http://127.0.0.1:1"


def send(world: World, route: Route, asked: Asked, fields: Fields) -> int:
    """Send a request, undo what it did, and return the status. An error of a view is raised."""
    values = world.values(route)
    if asked.parameter is not None:
        values |= dict.fromkeys(values, asked.parameter or "0")
    path = route.path({name: _sent(value) for name, value in values.items()})
    if query := urlencode(asked.query, doseq=True, errors="surrogatepass"):
        path += f"?{query}"
    told = {**fields, **asked.changes}
    data, content_type = _body(asked, told)
    sent = {name: _sent(value, "latin-1") for name, value in asked.headers.items()}
    if route.template.startswith("n/"):
        plain = {_sent(name): _sent(values[-1]) for name, values in told.items() if values}
        plain |= {"AccountSid": ACCOUNT}
        data, content_type = urlencode(plain).encode(), _typed(asked, TYPES[0])
        url = f"{django_settings.NOTICE_PUBLIC_URL}{path}"
        sent.setdefault("X-Twilio-Signature", RequestValidator(TOKEN).compute_signature(url, plain))
    client = world.client(asked.role)
    with transaction.atomic():
        answer = client.generic(
            asked.method.upper(),
            path,
            b"" if asked.method in {"get", "head"} else data,
            content_type,
            headers=sent,
        )
        transaction.set_rollback(True)
    return answer.status_code


def _sent(text: str, encoding: str = "utf-8") -> str:
    """Return what of a text may arrive in a header or a path: no half of a surrogate pair, in a header no control."""
    return text.encode(encoding, "replace").decode(encoding)


def _typed(asked: Asked, content_type: str) -> str:
    return content_type if asked.charset is None else f"{content_type}; charset={asked.charset}"


def _body(asked: Asked, told: Fields) -> tuple[bytes, str]:
    kind = asked.content_type
    if kind == "application/json":
        given = {name: value[-1] if value else None for name, value in told.items()}
        body = given if isinstance(asked.body, str) else asked.body
        return json.dumps(body).encode(), _typed(asked, kind)
    if kind == "multipart/form-data":
        parts = [
            f'--line\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, values in told.items()
            for value in values
        ]
        body = "".join([*parts, "--line--\r\n"]).encode("utf-8", "surrogatepass")
        return body, _typed(asked, f"{kind}; boundary=line")
    return urlencode(told, doseq=True, errors="surrogatepass").encode(), _typed(asked, kind)


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["pages", "administration"])
def test_no_request_is_answered_by_an_error(part: str) -> None:
    world = build()
    forms = seen_forms(world)
    problems = []
    for route in all_routes():
        if route.template.startswith("admin/") is (part == "administration"):
            try:
                attack(world, route, forms.get(route.path(world.values(route)), {}), EXAMPLES or _FEW[part])
            except Exception as error:  # noqa: BLE001 - all are reported together
                error.add_note(route.template)
                problems.append(error)
    if problems:
        raise ExceptionGroup("these requests were answered by an error", problems)


def attack(world: World, route: Route, fields: Fields, examples: int) -> None:
    """Send requests to one route. Raises the first error of a view, with the request that caused it."""
    is_ours = not route.template.startswith("admin/")
    names = sorted({*fields, *(names_read(route.view) if is_ours else ())})

    @settings(
        max_examples=examples,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a smaller example is not worth the minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(requests(names))
    def answered(asked: Asked) -> None:
        assert send(world, route, asked, fields) < 500 or route.name in _UNAVAILABLE

    for value in WORST if is_ours else ():
        alike = {name: [value] for name in names}
        for method in ("get", "post"):
            asked = Asked("member", method, alike, alike, None, TYPES[0], None, None, {})
            assert send(world, route, asked, fields) < 500 or route.name in _UNAVAILABLE
    answered()
