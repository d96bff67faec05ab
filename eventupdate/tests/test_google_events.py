"""An event of Google's, written as iCalendar: times, texts, people."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from eventupdate.providers.google.events import is_long_over, resource_of
from eventupdate.providers.google.texts import plain

TEN = {"dateTime": "2026-11-23T10:00:00+01:00", "timeZone": "Europe/Berlin"}
ELEVEN = {"dateTime": "2026-11-23T11:00:00+01:00", "timeZone": "Europe/Berlin"}
EVENT = {"id": "e1", "status": "confirmed", "summary": "Telecon", "start": TEN, "end": ELEVEN}
WEEKLY = ["RRULE:FREQ=WEEKLY;UNTIL=20261231T090000Z", "EXDATE;TZID=Europe/Berlin:20261130T100000"]


def lines(**fields: Any) -> list[str]:
    return resource_of(EVENT | fields, "America/New_York").text.split("\n")


def test_an_event_has_a_start_and_an_end_in_utc() -> None:
    found = lines()
    assert (found[0], found[1], found[-1]) == ("BEGIN:VEVENT", "UID:e1", "END:VEVENT")
    assert {"DTSTART:20261123T090000Z", "DTEND:20261123T100000Z", "SUMMARY:Telecon"} <= {*found}


def test_the_second_of_two_equal_clock_times_stays_the_second() -> None:
    # Clocks in Berlin go back from 03:00 to 02:00 on 25 October 2026.
    start = {"dateTime": "2026-10-25T02:30:00+01:00", "timeZone": "Europe/Berlin"}
    assert "DTSTART:20261025T013000Z" in lines(start=start)


def test_a_series_follows_the_clocks_of_its_zone_and_keeps_its_rules() -> None:
    found = lines(recurrence=WEEKLY)
    assert {"DTSTART;TZID=Europe/Berlin:20261123T100000", *WEEKLY} <= {*found}


def test_a_series_in_utc_stays_in_utc_in_any_calendar_zone() -> None:
    start = {"dateTime": "2026-11-23T10:00:00Z", "timeZone": "UTC"}
    assert "DTSTART;TZID=UTC:20261123T100000" in lines(recurrence=WEEKLY, start=start)


def test_a_series_without_a_zone_is_in_the_calendar_s() -> None:
    start = {"dateTime": "2026-11-23T10:00:00+01:00"}
    assert "DTSTART;TZID=America/New_York:20261123T040000" in lines(recurrence=WEEKLY, start=start)


def test_a_zone_that_is_not_known_leaves_the_instant() -> None:
    start = {"dateTime": "2026-11-23T10:00:00+01:00", "timeZone": "Mars/Base"}
    assert "DTSTART:20261123T090000Z" in lines(recurrence=WEEKLY, start=start)


def test_a_day_is_a_day() -> None:
    found = lines(start={"date": "2026-11-23"}, end={"date": "2026-11-24"})
    assert {"DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261124"} <= {*found}


def test_an_end_that_was_never_given_is_left_out() -> None:
    assert not any(line.startswith("DTEND") for line in lines(endTimeUnspecified=True))


def test_an_exception_has_its_series_uid_and_its_original_start() -> None:
    found = lines(id="e1_x", recurringEventId="series", originalStartTime=TEN, start=ELEVEN)
    assert {"UID:series", "RECURRENCE-ID;TZID=Europe/Berlin:20261123T100000"} <= {*found}


def test_a_canceled_exception_needs_no_more_than_its_original_start() -> None:
    bare = {"id": "e1_x", "status": "cancelled", "recurringEventId": "series", "originalStartTime": TEN}
    text = resource_of(bare, "Europe/Berlin").text
    assert "STATUS:CANCELLED" in text
    assert "\nDTSTART;TZID=Europe/Berlin:20261123T100000\n" in text


@pytest.mark.parametrize(("answer", "status"), [("declined", "CANCELLED"), ("accepted", "CONFIRMED")])
def test_what_the_member_declined_is_canceled_for_the_member(answer: str, status: str) -> None:
    people = [
        {"email": "boss@example.org", "responseStatus": "declined"},
        {"email": "ada@example.org", "self": True, "responseStatus": answer},
    ]
    assert f"STATUS:{status}" in lines(attendees=people)


def test_a_tentative_event_is_tentative() -> None:
    assert "STATUS:TENTATIVE" in lines(status="tentative")


def test_texts_are_escaped() -> None:
    found = lines(summary="a,b;c\\d\nSTATUS:CANCELLED\r\x07e")
    assert r"SUMMARY:a\,b\;c\\d\nSTATUS:CANCELLED\ne" in found
    assert found.count("STATUS:CANCELLED") == 0


def test_a_name_with_quotes_and_colons_stays_one_parameter() -> None:
    organizer = {"email": "b@example.org", "displayName": 'The "Boss": B, C'}
    assert "ORGANIZER;CN=\"The 'Boss': B, C\":mailto:b@example.org" in lines(organizer=organizer)


def test_attendees_are_people_not_rooms() -> None:
    people = [
        {"email": "ada@example.org", "displayName": "Ada", "responseStatus": "tentative"},
        {"email": "room@example.org", "resource": True, "responseStatus": "accepted"},
    ]
    assert [line for line in lines(attendees=people) if line.startswith("ATTENDEE")] == [
        "ATTENDEE;CN=Ada;PARTSTAT=TENTATIVE:mailto:ada@example.org"
    ]


def test_the_link_to_join_by_is_the_one_for_a_screen() -> None:
    entries = [
        {"entryPointType": "phone", "uri": "tel:+49-1"},
        {"entryPointType": "video", "uri": "https://zoom.us/j/1"},
    ]
    found = lines(conferenceData={"entryPoints": entries}, hangoutLink="https://meet.google.com/x")
    assert "X-GOOGLE-CONFERENCE:https://zoom.us/j/1" in found


def test_without_conference_data_the_hangout_is_the_link() -> None:
    assert "X-GOOGLE-CONFERENCE:https://meet.google.com/x" in lines(hangoutLink="https://meet.google.com/x")


def test_a_link_can_not_begin_a_line_of_its_own() -> None:
    assert not any("evil" in line for line in lines(htmlLink="https://x\nSUMMARY:evil"))


def test_an_absence_says_so_and_free_time_too() -> None:
    assert "X-MICROSOFT-CDO-BUSYSTATUS:OOF" in lines(eventType="outOfOffice")
    assert "TRANSP:TRANSPARENT" in lines(transparency="transparent")


def test_a_description_loses_its_html_but_not_its_links() -> None:
    html = 'Agenda:<br><ul><li>One &amp; two</li></ul><a href="https://example.org/x">minutes</a>'
    assert r"DESCRIPTION:Agenda:\n\nOne & two\n\nminutes https://example.org/x" in lines(description=html)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ('<a href="https://x.org/?a=1&amp;b=2">https://x.org/?a=1&amp;b=2</a>', "https://x.org/?a=1&b=2"),
        ("<A HREF='https://x.org'>here</A>", "here https://x.org"),
        ('<a href="javascript:x">here</a>', "here"),
        ("<b>bold</b> <ada@example.org> &lt;x&gt;", "bold <ada@example.org> <x>"),
        ("<html-blob>x<br>y</html-blob>", "x\ny"),
        ("a<br>b</br>c<br/>d", "a\nbc\nd"),
        ("<b>cut <a href=", "cut <a href="),
    ],
)
def test_html_becomes_what_a_person_reads(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    "piece", ["<a", "<a\n", "<a '", "<br/", "</", "<!--", "<a-", '<a href="', "<a></a>", "&#"]
)
def test_a_hostile_description_takes_no_long_time(piece: str) -> None:
    began = time.process_time()
    plain("<b>x</b>" + piece * 50_000)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("text", ["if a < b and c > d, go", "R&D; 5 > 3", "<ada@example.org>"])
def test_a_description_that_is_no_html_stays_as_it_is(text: str) -> None:
    escaped = text.replace(";", "\\;").replace(",", "\\,")
    assert f"DESCRIPTION:{escaped}" in lines(description=text)


def test_the_version_is_that_of_what_counts() -> None:
    one = resource_of(EVENT | {"etag": "1", "updated": "2026-11-20T10:00:00Z"}, "UTC")
    other = resource_of(EVENT | {"etag": "2", "updated": "2026-11-21T10:00:00Z"}, "UTC")
    assert one == other
    assert resource_of(EVENT | {"summary": "Other"}, "UTC").version != one.version


def test_a_long_id_is_a_hash_as_key_and_whole_as_uid() -> None:
    found = resource_of(EVENT | {"id": "x" * 1024}, "UTC")
    assert (len(found.key), found.uid) == (64, "x" * 1024)


@pytest.mark.parametrize(
    ("fields", "is_over"),
    [
        ({}, True),
        ({"recurrence": WEEKLY}, False),
        ({"recurringEventId": "s", "originalStartTime": {"date": "2027-03-01"}}, False),
        ({"recurringEventId": "s", "originalStartTime": {"date": "2026-11-01"}}, True),
        ({"start": {"date": "2026-11-23"}, "end": {"date": "2027-03-01"}}, False),
        ({"start": {}, "end": {}}, False),
    ],
)
def test_what_can_not_take_place_any_more_is_told_from_what_can(fields: dict[str, Any], is_over: Any) -> None:
    assert is_long_over(EVENT | fields, datetime(2027, 2, 1, tzinfo=UTC)) == is_over


@pytest.mark.parametrize(
    "fields",
    [
        {"summary": "x\r\nEND:VEVENT\r\nRRULE:FREQ=DAILY"},
        {"location": "x\u2028\u0085\x0b\x0c\x1c\nRRULE:FREQ=DAILY"},
        {"recurrence": [*WEEKLY, "END:VEVENT", "BEGIN:VEVENT", "SUMMARY:Other", "X\nRRULE:FREQ=DAILY"]},
        {"start": {"date": "2026-11-23\nRRULE:FREQ=DAILY"}},
        {
            "attendees": [
                {"email": "a@example.org\nRRULE:FREQ=DAILY\0", "displayName": 'A"\r\nRRULE:FREQ=DAILY'}
            ]
        },
        {"htmlLink": "https://example.org/\nRRULE:FREQ=DAILY"},
        {"status": "confirmed\nRRULE:FREQ=DAILY", "transparency": "\nRRULE:FREQ=DAILY"},
    ],
)
def test_no_value_becomes_a_line_of_its_own(fields: dict[str, Any]) -> None:
    found = lines(**fields)
    assert "RRULE:FREQ=DAILY" not in found
    assert (found.count("BEGIN:VEVENT"), found.count("END:VEVENT")) == (1, 1)
    assert sum(line.startswith("SUMMARY:") for line in found) == 1
    assert not any(set(line) & {"\0", "\r"} for line in found)


def test_half_a_character_spoils_nothing() -> None:
    assert "SUMMARY:Telecon ?" in lines(summary="Telecon \ud83d")


def test_an_exception_that_does_not_say_of_what_is_no_series_of_its_own() -> None:
    assert "RECURRENCE-ID:unknown" in lines(recurringEventId="e0", status="cancelled")
