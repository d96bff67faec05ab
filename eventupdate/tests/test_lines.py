import codecs

import pytest

from common.errors import FeedError
from eventupdate import lines
from eventupdate.lines import read_feed
from eventupdate.tests.texts import NEW_YORK_ZONE, WINDOW, calendar, entry, expand, expanded, single


def refusal(content: bytes | str, charset: str = "") -> str:
    with pytest.raises(FeedError) as caught:
        read_feed(content.encode() if isinstance(content, str) else content, charset)
    return caught.value.message


@pytest.mark.parametrize("content", [b"", b" \r\n\r\n", codecs.BOM_UTF8])
def test_an_empty_answer_is_refused(content: bytes) -> None:
    assert refusal(content) == "The calendar is empty."


@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html><html>", "\n  <html><body>BEGIN:VCALENDAR", "<br /><b>Warning"]
)
def test_a_web_page_in_place_of_a_calendar_is_refused(page: str) -> None:
    assert "web page" in refusal(page)


def test_something_else_is_refused() -> None:
    assert "not a calendar" in refusal('{"error": "not found"}')


def test_something_binary_is_refused() -> None:
    assert "binary" in refusal(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(400))


def test_a_calendar_that_breaks_off_is_refused_wherever_it_does() -> None:
    whole = calendar("X-WR-CALNAME:Ours", single(), single(uid="two@test")).encode()
    for length in range(len("BEGIN:VCALENDAR"), whole.rindex(b"END:VCALENDAR") + 12):
        assert refusal(whole[:length])


def test_half_a_calendar_says_where_it_breaks_off() -> None:
    text = calendar(single())
    assert "ends inside VEVENT" in refusal(text[: text.index("DURATION")])


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ("BEGIN:VTODO\nUID:t\nEND:VTOOD", "VTODO"),
        ("BEGIN:VTODO\nUID:t", "VTODO"),
        ("BEGIN:VEVENT\nUID:bad\nDTSTART:20261124T090000Z\nEND:VEVNET", "bad"),
        ("BEGIN:VEVENT\nUID:bad\nBEGIN:VCARD\nDTSTART:20261124T090000Z\nEND:VEVENT", "bad"),
        ("BEGIN:VEVENT\nBEGIN:VTODO\nEND:VTODO\nEND:VEVENT", "VEVENT"),
        ("BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nEND:STANDRAD\nEND:VTIMEZONE", "VTIMEZONE"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_one_bad_component_is_left_out_and_told(bad: str, named: str, *, is_first: bool) -> None:
    good = single(uid="good")
    expansion = expanded(*((bad, good) if is_first else (good, bad)))
    assert [o.uid for o in expansion.occurrences] == ["good"]
    assert list(expansion.broken) == [named]
    assert f"“{named}”" in expansion.problem


def test_an_alarm_without_an_end_leaves_its_event() -> None:
    alarm = entry("DTSTART:20261124T090000Z", "BEGIN:VALARM", "TRIGGER:-PT5M")
    expansion = expanded(alarm, single(uid="two"))
    assert [o.uid for o in expansion.occurrences] == ["one@test", "two"]
    assert list(expansion.broken) == ["VALARM"]


def test_a_stray_end_and_a_doubled_begin_cost_nothing() -> None:
    assert [o.uid for o in expanded("END:VTODO", single()).occurrences] == ["one@test"]
    assert [o.uid for o in expanded("BEGIN:VEVENT", single()).occurrences] == ["one@test"]


def second_calendar(second: str, zone: str = "") -> list[str]:
    feed = read_feed((calendar("X-WR-TIMEZONE:Europe/Berlin", single("20261124T090000")) + second).encode())
    return [f"{o.uid} {o.starts_at:%H:%M}" for o in expand(feed, WINDOW, zone).occurrences]


def test_each_of_two_calendars_has_its_own_zone() -> None:
    tokyo = calendar(single("20261124T090000", uid="two"), "X-WR-TIMEZONE:Asia/Tokyo")
    assert second_calendar(tokyo) == ["two 00:00", "one@test 08:00"]
    assert second_calendar(tokyo, "America/New_York") == ["one@test 14:00", "two 14:00"]
    assert second_calendar(calendar(single("20261124T090000", uid="two"))) == ["one@test 08:00", "two 09:00"]


def test_each_of_two_calendars_has_its_own_definitions_of_zones() -> None:
    at_nine = "DTSTART;TZID=Our office:20261124T090000"
    other = NEW_YORK_ZONE.replace("-0400", "+0100").replace("-0500", "+0000")
    feeds = calendar(NEW_YORK_ZONE, entry(at_nine)) + calendar(other, entry(at_nine, uid="two"))
    found = expand(read_feed(feeds.encode()), WINDOW).occurrences
    assert [f"{o.uid} {o.starts_at:%H:%M}" for o in found] == ["two 09:00", "one@test 14:00"]


@pytest.mark.parametrize("place", [0, 1])
def test_the_method_cancel_cancels_the_entries_of_its_calendar(place: int) -> None:
    parts = [entry("DTSTART:20261124T090000Z", "STATUS:CONFIRMED")]
    parts.insert(place, "METHOD:CANCEL")
    feed = read_feed((calendar(*parts) + calendar("METHOD:PUBLISH", single(uid="two"))).encode())
    assert [(o.uid, o.is_canceled) for o in expand(feed, WINDOW).occurrences] == [
        ("one@test", True),
        ("two", False),
    ]


def test_a_calendar_within_a_calendar_is_refused() -> None:
    assert "begins again" in refusal("BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + calendar(single()))


def test_two_calendars_one_after_the_other_are_one() -> None:
    assert len(read_feed((calendar(single()) + calendar(single(uid="two"))).encode()).entries) == 2


def test_a_calendar_without_entries_is_a_calendar() -> None:
    assert read_feed(calendar().encode()).entries == []


def test_tasks_journals_and_alarms_are_passed_over() -> None:
    alarm = ("BEGIN:VALARM", "TRIGGER:-PT10M", "DESCRIPTION:Wake up", "END:VALARM")
    feed = read_feed(
        calendar("BEGIN:VTODO", "UID:todo", "END:VTODO", entry("DTSTART:20261124T090000Z", *alarm)).encode()
    )
    assert feed.entries == [["UID:one@test", "SUMMARY:PFS telecon", "DTSTART:20261124T090000Z"]]


def test_a_line_folded_inside_a_character_is_put_together() -> None:
    content = calendar(entry("LOCATION:Zürich")).encode()
    folded = content.replace(b"\xc3\xbc", b"\xc3\r\n \xbc")
    assert "LOCATION:Zürich" in read_feed(folded).entries[0]


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n", "\r\r\n"])
def test_any_end_of_a_line_will_do(newline: str) -> None:
    text = calendar(entry("LOCATION:Room\r\n  12")).replace("\r\n", newline)
    assert "LOCATION:Room 12" in read_feed(text.encode()).entries[0]


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("latin-1", ""),
        ("cp1252", "windows-1252"),
        ("iso8859-2", "iso-8859-2"),
        ("latin-1", "no-such-charset"),
    ],
)
def test_characters_are_read_in_the_encoding_that_they_are_in(encoding: str, charset: str) -> None:
    content = calendar(entry("LOCATION:Köln")).encode(encoding)
    assert "LOCATION:Köln" in read_feed(content, charset).entries[0]


def test_control_characters_are_left_out() -> None:
    # PostgreSQL takes no null characters.
    content = calendar(entry("LOCATION:Room\0 1\x1b2")).encode()
    assert "LOCATION:Room 12" in read_feed(content).entries[0]


def test_a_feed_beyond_the_limit_is_refused() -> None:
    assert "larger than 20 MB" in refusal(b"BEGIN:VCALENDAR\r\n" + b"X" * lines.MAX_BYTES)


def test_too_many_entries_are_refused() -> None:
    assert "more than 50000 entries" in refusal(calendar("BEGIN:VEVENT\nEND:VEVENT\n" * 50_001))


def test_parts_that_lie_deep_inside_each_other_are_refused() -> None:
    assert "too deeply" in refusal("BEGIN:VCALENDAR\n" + "BEGIN:X-BOX\n" * 5000)


def test_another_reckoning_of_days_is_refused() -> None:
    assert "Gregorian" in refusal(calendar("CALSCALE:HEBREW", single()))
