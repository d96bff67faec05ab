"""The stand-in itself: it takes and gives what the discovery document allows, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.google.calendars import GoogleCalendar
from tests.google.discovery import faults_of, read_call
from tests.google.partial import project
from tests.google.refusals import Refusal

EVENTS = "/calendar/v3/calendars/ada%40example.org/events"
NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


def refusal_of(path: str, *pairs: tuple[str, str]) -> tuple[int, str]:
    with pytest.raises(Refusal) as raised:
        read_call("GET", path, [*pairs])
    detail = raised.value.body["error"]["errors"][0]
    return raised.value.status, detail.get("location", detail["reason"])


def test_a_request_is_read_by_the_document() -> None:
    call = read_call(
        "GET", EVENTS, [("maxResults", "2500"), ("singleEvents", "false"), ("eventTypes", "default")]
    )
    assert (call.method_id, call.path) == ("calendar.events.list", {"calendarId": "ada@example.org"})
    assert call.query == {"maxResults": 2500, "singleEvents": False, "eventTypes": ["default"]}
    assert "https://www.googleapis.com/auth/calendar.events.readonly" in call.scopes


@pytest.mark.parametrize(
    ("pair", "location"),
    [
        (("maxresults", "10"), "maxresults"),
        (("calendarId", "x"), "calendarId"),
        (("maxResults", "ten"), "maxResults"),
        (("maxResults", "0"), "maxResults"),
        (("maxResults", "2501"), "maxResults"),
        (("singleEvents", "yes"), "singleEvents"),
        (("orderBy", "title"), "orderBy"),
        (("timeMin", "2026-11-20"), "timeMin"),
        (("timeMin", "2026-11-20T10:00:00"), "timeMin"),
    ],
)
def test_a_parameter_that_the_document_does_not_allow_is_refused(
    pair: tuple[str, str], location: str
) -> None:
    assert refusal_of(EVENTS, pair) == (400, location)


@pytest.mark.parametrize(
    "pair",
    [
        ("iCalUID", "x"),
        ("orderBy", "updated"),
        ("q", "telecon"),
        ("timeMin", "2026-11-20T10:00:00Z"),
        ("timeMax", "2026-11-20T10:00:00Z"),
        ("updatedMin", "2026-11-20T10:00:00Z"),
        ("privateExtendedProperty", "a=b"),
        ("showDeleted", "false"),
    ],
)
def test_a_sync_token_excludes_filters(pair: tuple[str, str]) -> None:
    assert refusal_of(EVENTS, pair, ("syncToken", "x")) == (400, pair[0])


def test_an_address_that_is_none_of_the_api_s_is_not_found() -> None:
    assert refusal_of("/calendar/v3/calendar/x/events") == (404, "notFound")


def test_fields_select_a_part_of_the_answer() -> None:
    answer = {
        "kind": "calendar#events",
        "items": [{"id": "1", "start": {"date": "2026-11-20"}, "summary": "x"}],
    }
    assert project("Events", answer, "items(id,start/date)") == {
        "items": [{"id": "1", "start": {"date": "2026-11-20"}}]
    }


@pytest.mark.parametrize("fields", ["items(nothing)", "items(id", "items id", "", "items/"])
def test_fields_that_the_schema_does_not_have_are_refused(fields: str) -> None:
    with pytest.raises(Refusal):
        project("Events", {"items": []}, fields)


@pytest.mark.parametrize(
    "event",
    [
        {"title": "x"},
        {"summary": 1},
        {"sequence": "1"},
        {"start": {"date": "20261120"}},
        {"start": {"dateTime": "2026-11-20T10:00:00"}},
        {"attendees": {"email": "a@example.org"}},
        {"recurrence": ["RRULE:FREQ=DAILY", 1]},
    ],
)
def test_an_event_that_google_would_not_give_is_noticed(event: dict[str, Any]) -> None:
    assert len(faults_of("Event", event)) == 1


def test_only_an_occurrence_of_a_series_can_be_changed() -> None:
    calendar = GoogleCalendar("ada@example.org")
    series = calendar.add("Telecon", NINE, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    calendar.cancel_instance(series, NINE + timedelta(days=2))
    with pytest.raises(AssertionError, match="no occurrence"):
        calendar.cancel_instance(series, NINE + timedelta(days=3))


def test_a_listing_without_a_token_shows_canceled_occurrences_but_no_deleted_events() -> None:
    calendar = GoogleCalendar("ada@example.org")
    series = calendar.add("Telecon", NINE, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    canceled = calendar.cancel_instance(series, NINE)
    calendar.delete(calendar.add("Gone", NINE))
    assert [event["id"] for event in calendar.answer({})["items"]] == [series, canceled]


def test_a_token_is_good_for_the_same_parameters_only() -> None:
    calendar = GoogleCalendar("ada@example.org")
    token = calendar.answer({"showDeleted": True})["nextSyncToken"]
    with pytest.raises(Refusal):
        calendar.answer({"syncToken": token})
    assert calendar.answer({"syncToken": token, "showDeleted": True})["items"] == []


def test_what_changes_while_pages_are_read_comes_with_the_next_token() -> None:
    calendar = GoogleCalendar("ada@example.org")
    for _ in range(2):
        calendar.add("Telecon", NINE)
    first = calendar.answer({"maxResults": 1})
    late = calendar.add("Late", NINE)
    last = calendar.answer({"maxResults": 1, "pageToken": first["nextPageToken"]})
    changes = calendar.answer({"maxResults": 1, "syncToken": last["nextSyncToken"]})
    assert [event["id"] for event in changes["items"]] == [late]
