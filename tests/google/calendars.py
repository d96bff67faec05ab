"""A calendar at Google: its events, how people change them, and what a listing shows of them."""

import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from tests.google.discovery import faults_of
from tests.google.refusals import api_refusal, invalid

Json = dict[str, Any]
When = date | datetime

_FAR = 3000


class GoogleCalendar:
    """The events of one calendar. Every change has a number, which is what sync tokens remember."""

    def __init__(self, remote_id: str, time_zone: str = "Europe/Berlin", summary: str = "") -> None:
        self.id = remote_id
        self.time_zone = time_zone
        self.summary = summary or remote_id
        self.page_sizes: list[int] = []
        """How many events its pages hold, in turn: pages may be shorter than asked for, even empty."""
        self._events: dict[str, Json] = {}
        self._changed: dict[str, int] = {}
        self._revision = 0
        self._oldest = 0
        """Sync tokens from before this number are expired."""
        self._pages: dict[str, tuple[Json, list[Json], int]] = {}
        self._tokens: dict[str, tuple[Json, int]] = {}

    @property
    def zone(self) -> ZoneInfo:
        """The calendar's own time zone."""
        return ZoneInfo(self.time_zone)

    def add(self, summary: str, start: When, end: When | None = None, **fields: Any) -> str:
        """Enter an event, as a person does; return its id."""
        event_id = str(fields.pop("id", None) or secrets.token_hex(13))
        end = end or start + (timedelta(hours=1) if isinstance(start, datetime) else timedelta(days=1))
        times = {"start": self._time(start, **fields), "end": self._time(end, **fields)}
        fields.pop("zone", None)
        organizer = {"email": "boss@example.org", "displayName": "Boss"}
        new = {
            "id": event_id,
            "status": "confirmed",
            "summary": summary,
            "eventType": "default",
            "organizer": organizer,
        }
        self._put(new | times | {"iCalUID": f"{event_id}@google.com", "sequence": 0} | fields)
        return event_id

    def change(self, event_id: str, **fields: Any) -> None:
        """Change an event: ``start`` and ``end`` as times, all else as the API names it; None takes a field away."""
        event = self._events[event_id]
        if "start" in fields:
            self._end_exceptions(event_id)
        self._put(_without_nothing(event | self._times(fields, event)))

    def move(self, event_id: str, by: timedelta) -> None:
        """Move an event, or a whole series, by a time."""
        event = self._events[event_id]
        self.change(event_id, start=self._read(event["start"]) + by, end=self._read(event["end"]) + by)

    def delete(self, event_id: str) -> None:
        """Delete an event or a whole series. The API reports only the id of a deleted event for certain."""
        for exception_id in [*self._exceptions(event_id)]:
            del self._events[exception_id], self._changed[exception_id]
        self._put({"id": event_id, "status": "cancelled"})

    def restore(self, event_id: str, **fields: Any) -> None:
        """Bring back a deleted event."""
        self.add(fields.pop("summary"), fields.pop("start"), id=event_id, **fields)

    def change_instance(self, series_id: str, original: When, **fields: Any) -> str:
        """Change one occurrence of a series; return the id of the exception."""
        exception = self._exception(series_id, original) | {"status": "confirmed"}
        self._put(_without_nothing(exception | self._times(fields, exception)))
        return str(exception["id"])

    def invite_to_instance(self, series_id: str, summary: str, start: datetime) -> str:
        """Add one occurrence of a series that exists only in another person's calendar."""
        original = self._time(start)
        event_id = f"{series_id}_{start.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        return self.add(summary, start, id=event_id, recurringEventId=series_id, originalStartTime=original)

    def cancel_instance(self, series_id: str, original: When) -> str:
        """Cancel one occurrence: what the API tells of it is no more than which one it was."""
        exception = self._exception(series_id, original)
        self._cancel(exception)
        return str(exception["id"])

    def cancel(self, exception_id: str) -> None:
        """Cancel an occurrence that is an exception already."""
        self._cancel(self._events[exception_id])

    def _cancel(self, exception: Json) -> None:
        kept = {name: exception[name] for name in ("id", "recurringEventId", "originalStartTime")}
        self._put(kept | {"status": "cancelled"})

    def status_of(self, event_id: str) -> str:
        """Return an event's status; "" of what never was."""
        return str(self._events.get(event_id, {}).get("status", ""))

    def originals_of(self, event_id: str) -> list[When]:
        """Return the starts that the rule of a series gives; none of what is no series."""
        event = self._events.get(event_id, {})
        return self._originals(event) if event.get("recurrence") else []

    def forget_sync_tokens(self) -> None:
        """Expire all sync tokens that were given out."""
        self._revision += 1
        self._oldest = self._revision

    def answer(self, query: Json) -> Json:
        """Answer ``events.list``."""
        kept = {name: value for name, value in query.items() if name != "pageToken"}
        if "pageToken" in query:
            first, items, revision = self._pages.get(query["pageToken"], ({}, [], 0))
            if first != kept:
                raise invalid("pageToken", "Invalid page token value.")
        else:
            items, revision = [*self._listed(query)], self._revision
        size = min(self.page_sizes.pop(0) if self.page_sizes else 2500, query.get("maxResults", 250))
        page, rest = items[:size], items[size:]
        answer: Json = {
            "kind": "calendar#events",
            "summary": self.summary,
            "timeZone": self.time_zone,
            "accessRole": "owner",
            "items": page,
        }
        if rest:
            answer["nextPageToken"] = token = secrets.token_urlsafe(12)
            self._pages[token] = (kept, rest, revision)
        else:
            answer["nextSyncToken"] = token = f"{secrets.token_urlsafe(9)}="
            self._tokens[token] = (_choice(query), revision)
        return answer

    def _listed(self, query: Json) -> Iterator[Json]:
        if "syncToken" in query:
            yield from self._changes(query)
            return
        for event in self._events.values():
            series = self._events.get(event.get("recurringEventId", ""), {})
            is_shown = event["status"] != "cancelled" or series.get("status", "cancelled") != "cancelled"
            if is_shown or query.get("showDeleted"):
                yield event

    def _changes(self, query: Json) -> Iterator[Json]:
        known = self._tokens.get(query["syncToken"])
        if known is None:
            raise api_refusal(400, "invalid", "Invalid sync token value.", location="syncToken")
        choice, since = known
        if choice != _choice(query):
            raise invalid("syncToken", "The parameters are not those of the first listing.")
        if since < self._oldest:
            message = "Sync token is no longer valid, a full sync is required."
            raise api_refusal(410, "fullSyncRequired", message, location="syncToken", domain="calendar")
        for event_id in sorted(self._changed, key=self._changed.__getitem__):
            if self._changed[event_id] > since:
                yield self._events[event_id]

    def _put(self, event: Json) -> None:
        self._revision += 1
        event = event | {"kind": "calendar#event", "etag": f'"{self._revision}"'}
        if event["status"] != "cancelled":
            event["updated"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        faults = faults_of("Event", event)
        assert faults == [], faults
        self._events[event["id"]] = event
        self._changed[event["id"]] = self._revision

    def _times(self, fields: Json, event: Json) -> Json:
        """Return the fields with ``start`` and ``end`` as the API writes them."""
        fields = dict(fields)
        start, end, zone = fields.pop("start", None), fields.pop("end", None), fields.pop("zone", None)
        if start is not None:
            length = self._read(event["end"]) - self._read(event["start"])
            fields |= {
                "start": self._time(start, zone=zone),
                "end": self._time(end or start + length, zone=zone),
            }
        elif end is not None:
            fields["end"] = self._time(end, zone=zone)
        return fields

    def _time(self, value: When, *, zone: str | None = None, **_more: Any) -> Json:
        if not isinstance(value, datetime):
            return {"date": value.isoformat()}
        name = zone or self.time_zone
        return {"dateTime": value.astimezone(ZoneInfo(name)).isoformat(), "timeZone": name}

    def _read(self, time: Json) -> Any:
        if "date" in time:
            return date.fromisoformat(time["date"])
        return datetime.fromisoformat(time["dateTime"]).astimezone(ZoneInfo(time["timeZone"]))

    def _exception(self, series_id: str, original: When) -> Json:
        """Return the exception for an occurrence, as it is now, or as it would begin."""
        series = self._events[series_id]
        assert original in self._originals(series), f"the series has no occurrence at {original}"
        stamp = (
            f"{original.astimezone(UTC):%Y%m%dT%H%M%SZ}"
            if isinstance(original, datetime)
            else f"{original:%Y%m%d}"
        )
        exception_id = f"{series_id}_{stamp}"
        length = self._read(series["end"]) - self._read(series["start"])
        zone = series["start"].get("timeZone")
        original_time = self._time(original, zone=zone)
        fresh = {name: value for name, value in series.items() if name != "recurrence"} | {
            "id": exception_id,
            "recurringEventId": series_id,
            "originalStartTime": original_time,
            "start": original_time,
            "end": self._time(original + length, zone=zone),
        }
        return fresh | self._events.get(exception_id, {})

    def _originals(self, series: Json) -> list[When]:
        """Return the starts that the series' rule gives."""
        start = self._read(series["start"])
        is_day = not isinstance(start, datetime)
        rule = next(line for line in series["recurrence"] if line.startswith("RRULE"))
        local = datetime.combine(start, datetime.min.time()) if is_day else start.replace(tzinfo=None)
        found = [
            local for local, _ in zip(rrulestr(rule, dtstart=local, ignoretz=True), range(_FAR), strict=False)
        ]
        return [one.date() if is_day else one.replace(tzinfo=start.tzinfo) for one in found]

    def _exceptions(self, series_id: str) -> Iterator[str]:
        return (key for key, event in self._events.items() if event.get("recurringEventId") == series_id)

    def _end_exceptions(self, series_id: str) -> None:
        """A series whose time changes loses its exceptions: they are told as canceled, at their old times."""
        for exception_id in [*self._exceptions(series_id)]:
            self._cancel(self._events[exception_id])


def _without_nothing(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _choice(query: Json) -> Json:
    """Return the parameters that have to stay the same for a sync token."""
    free = {"syncToken", "pageToken", "maxResults", "fields", "alt", "prettyPrint"}
    return {name: value for name, value in query.items() if name not in free}
