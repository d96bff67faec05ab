"""The stand-in's web server: TLS on loopback, with the faults of real servers."""

import contextlib
import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.google.accounts import OAuthServer, Person
from tests.google.calendars import GoogleCalendar
from tests.google.discovery import Call, faults_of, read_call
from tests.google.partial import project
from tests.google.refusals import Refusal, api_refusal, insufficient_scopes
from tests.tls import server_context
from tests.web_server import Handler, WebServer

Json = dict[str, Any]
_TITLES = frozenset({"reader", "writerWithoutPrivateAccess", "writer", "owner"})
# Parameters of the API that the stand-in does not implement. None can be used with a sync token.
_NOT_PLAYED = frozenset({
    "alwaysIncludeEmail", "eventTypes", "iCalUID", "maxAttendees", "orderBy", "privateExtendedProperty", "q",
    "sharedExtendedProperty", "timeMax", "timeMin", "timeZone", "updatedMin",
})  # fmt: skip


@dataclass
class Trouble:
    """Something that goes wrong with some requests."""

    where: str
    """The id of an API method, or "token"."""
    refusal: Refusal | None = None
    seconds: float = 0
    is_cut: bool = False
    """The answer breaks off half-way."""
    skip: int = 0
    """The number of requests that succeed first."""
    times: int = 1


class StandIn(WebServer):
    """Google, on loopback."""

    def __init__(self, folder: Path) -> None:
        """Make a certificate in ``folder``."""
        super().__init__(_Handler)
        self.oauth = OAuthServer("123-abc.apps.googleusercontent.com", "GOCSPX-secret")
        self.people: list[Person] = []
        self.calls: list[Call] = []
        """The API's requests that were in order."""
        self.faults: list[str] = []
        """Requests that the stand-in does not implement, or wrong answers of its own; a test that causes one fails."""
        self.ca_file = folder / "certificate.pem"
        self._troubles: list[Trouble] = []
        self._lock = threading.Lock()
        context = server_context(folder)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://{self.address}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings that point the product at the stand-in."""
        return {
            "GOOGLE_CLIENT_ID": self.oauth.client_id,
            "GOOGLE_CLIENT_SECRET": self.oauth.client_secret,
            "GOOGLE_AUTH_URL": f"{self.url}/o/oauth2/auth",
            "GOOGLE_TOKEN_URL": f"{self.url}/token",
            "GOOGLE_REVOKE_URL": f"{self.url}/revoke",
            "GOOGLE_API_URL": self.url,
            "NOTICE_EXTRA_CA_FILE": str(self.ca_file),
        }

    def person(self, address: str = "ada@example.org", *more: GoogleCalendar) -> Person:
        """Add a person with a main calendar, whose id is the mail address, and more calendars."""
        person = Person(address, [GoogleCalendar(address), *more])
        self.people.append(person)
        return person

    def trouble(self, where: str, refusal: Refusal | None = None, **how: Any) -> None:
        """Let requests go wrong (see ``Trouble``)."""
        self._troubles.append(Trouble(where, refusal, **how))

    def mend(self) -> None:
        """Remove all troubles."""
        self._troubles.clear()

    def answer_api(self, verb: str, path: str, query: str, authorization: str) -> Json:
        """Answer a request to the Calendar API. Raises ``Refusal``."""
        call = read_call(verb, path, parse_qsl(query, keep_blank_values=True))
        grant = self.oauth.grant_of(authorization)
        if not call.scopes & grant.scopes:
            raise insufficient_scopes()
        with self._lock:
            self.calls.append(call)
            if missing := _NOT_PLAYED & call.query.keys():
                self.faults.append(f"not played: {sorted(missing)}")
            match call.method_id:
                case "calendar.events.list":
                    answer = self._events(grant.person, call)
                case "calendar.calendarList.list":
                    answer = self._calendars(grant.person, call)
                case other:
                    self.faults.append(f"not played: {other}")
                    raise api_refusal(501, "notImplemented", other)
        self.faults += faults_of(call.answer, answer)
        return project(call.answer, answer, call.query["fields"]) if "fields" in call.query else answer

    def _events(self, person: Person, call: Call) -> Json:
        if call.query.get("singleEvents"):
            self.faults.append("not played: singleEvents")
        wanted = call.path["calendarId"]
        for calendar in person.calendars:
            if calendar.id == wanted or (wanted == "primary" and calendar is person.calendars[0]):
                return calendar.answer(dict(call.query))
        raise api_refusal(404, "notFound", "Not Found")

    def _calendars(self, person: Person, call: Call) -> Json:
        shown = [one for one in person.calendars if self._is_shown(person, one, call)]
        begin = int(call.query.get("pageToken", "0"))
        size = call.query.get("maxResults", 100)
        items = [_entry(person, one) for one in shown[begin : begin + size]]
        answer: Json = {"kind": "calendar#calendarList", "items": items}
        is_last = begin + size >= len(shown)
        return answer | ({"nextSyncToken": "end"} if is_last else {"nextPageToken": str(begin + size)})

    def _is_shown(self, person: Person, calendar: GoogleCalendar, call: Call) -> bool:
        return call.query.get("minAccessRole") is None or person.role(calendar) in _TITLES

    def troubled(self, where: str) -> Trouble | None:
        """Return the trouble that affects this request, if any, and count it."""
        with self._lock:
            for trouble in self._troubles:
                if trouble.where != where or not trouble.times:
                    continue
                if trouble.skip:
                    trouble.skip -= 1
                    return None
                trouble.times -= 1
                return trouble
        return None


def _entry(person: Person, calendar: GoogleCalendar) -> Json:
    entry: Json = {
        "kind": "calendar#calendarListEntry",
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "accessRole": person.role(calendar),
    }
    return entry | ({"primary": True} if calendar is person.calendars[0] else {})


class _Handler(Handler):
    timeout = 20

    def _serve(self) -> None:
        google: StandIn = self.server.site
        body = self.read_body().decode()
        parts = urlsplit(self.path)
        authorization = self.headers.get("Authorization", "")
        try:
            match parts.path:
                case "/o/oauth2/auth":
                    self._give(302, None, {"Location": google.oauth.ask(dict(parse_qsl(parts.query)))})
                case "/token":
                    self._meet(google.troubled("token"))
                    self._give(200, google.oauth.token(dict(parse_qsl(body)), authorization))
                case "/revoke":
                    google.oauth.revoke(dict(parse_qsl(body)).get("token", ""))
                    self._give(200, {})
                case path:
                    name = (
                        "calendar.events.list" if path.endswith("/events") else "calendar.calendarList.list"
                    )
                    trouble = google.troubled(name)
                    self._meet(trouble)
                    answer = google.answer_api(self.command, path, parts.query, authorization)
                    self._give(200, answer, is_cut=bool(trouble and trouble.is_cut))
        except Refusal as refusal:
            self._give(refusal.status, refusal.body, refusal.headers)

    do_GET = do_POST = _serve  # noqa: N815 - their names in the library

    def _meet(self, trouble: Trouble | None) -> None:
        if trouble is not None:
            time.sleep(trouble.seconds)
            if trouble.refusal is not None:
                raise trouble.refusal

    def _give(
        self, status: int, answer: Json | None, headers: dict[str, str] | None = None, *, is_cut: bool = False
    ) -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        self.give_head(
            status, len(body), {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}
        )
        self.wfile.write(body[: len(body) // 2] if is_cut else body)
        if is_cut:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.close()
