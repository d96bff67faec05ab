import pytest

from eventupdate.details import MAX_ATTENDEES, Details
from eventupdate.tests.texts import entry, occurrences

START = "DTSTART:20261124T090000Z"


def details(*lines: str, title: str = "PFS telecon") -> Details:
    (found,) = occurrences(entry(START, *lines, title=title))
    return found.details


def test_escaped_characters_are_what_they_stand_for() -> None:
    found = details(r"DESCRIPTION:First\, then\;\nsecond \\ last", title=r"Zoom\, now")
    assert found.title == "Zoom, now"
    assert found.description == "First, then;\nsecond \\ last"


def test_a_title_is_one_line() -> None:
    assert details(title=r"  PFS\n  telecon ").title == "PFS telecon"


def test_an_entry_without_title_has_one_all_the_same() -> None:
    assert details(title="").title == "(no title)"


def test_long_texts_are_cut() -> None:
    found = details("DESCRIPTION:" + "x" * 9000, "LOCATION:" + "x" * 9000, title="x" * 9000)
    assert (len(found.title), len(found.description), len(found.location)) == (500, 2000, 500)


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("X-GOOGLE-CONFERENCE:https://meet.google.com/abc-defg-hij", "https://meet.google.com/abc-defg-hij"),
        ("CONFERENCE;VALUE=URI;FEATURE=VIDEO:https://video.example.org/1", "https://video.example.org/1"),
        (
            "X-MICROSOFT-SKYPETEAMSMEETINGURL:https://teams.microsoft.com/l/1",
            "https://teams.microsoft.com/l/1",
        ),
        (r"LOCATION:https://us02web.zoom.us/j/123?pwd=x\,", "https://us02web.zoom.us/j/123?pwd=x"),
        (r"DESCRIPTION:Join: <https://zoom.us/j/9>\nor by phone", "https://zoom.us/j/9"),
        ("URL:https://indico.example.org/event/1/", "https://indico.example.org/event/1/"),
        ("LOCATION:https://video.example.org/room", "https://video.example.org/room"),
        ("DESCRIPTION:Slides: https://example.org/slides", ""),
        ("URL:javascript:alert(1)", ""),
        ("URL:https://name:password@example.org/", ""),
        ("LOCATION:Room 12", ""),
    ],
)
def test_the_link_to_join_by_is_found(line: str, url: str) -> None:
    assert details(line).url == url


def test_a_meeting_goes_before_the_entrys_own_page() -> None:
    lines = (
        "URL:https://indico.example.org/1",
        r"DESCRIPTION:Minutes https://example.org https://zoom.us/j/9",
    )
    assert details(*lines).url == "https://zoom.us/j/9"


def test_a_host_that_only_looks_like_a_meeting_is_none() -> None:
    assert details("DESCRIPTION:https://zoom.us.example.org/j/9").url == ""


def test_what_registrations_may_ask_for_stands_in_the_labels() -> None:
    found = details(
        "STATUS:TENTATIVE", 'ORGANIZER;CN="Ana Sol":mailto:ana@example.org', r"CATEGORIES:PFS\, ops,Work"
    )
    assert found.labels == {"status": "tentative", "organiser": "Ana Sol", "category": "PFS, ops"}


def test_an_organiser_without_name_is_known_by_the_address() -> None:
    assert details("ORGANIZER:MAILTO:ana@example.org").organiser == "ana@example.org"


def test_properties_that_stand_twice_count_once() -> None:
    found = details(
        "LOCATION:First",
        "LOCATION:Second",
        "DESCRIPTION:One",
        "DESCRIPTION:Two",
        "STATUS:CONFIRMED",
        "STATUS:X",
    )
    assert (found.location, found.description, found.status) == ("First", "One", "confirmed")


def test_who_attends_is_read_a_line_each() -> None:
    found = details(
        'ATTENDEE;CN="Sol, Ana";PARTSTAT=ACCEPTED:mailto:ana@example.org',
        "ATTENDEE:MAILTO:bo@example.org",
        "ATTENDEE;CN=Room 12;CUTYPE=ROOM:invalid:nomail",
        "ATTENDEE;CN=Kim ^'K^' Lee:mailto:kim@example.org",
    )
    assert found.attendees.split("\n") == [
        "Sol, Ana <ana@example.org>",
        "bo@example.org",
        "Room 12 <invalid:nomail>",
        'Kim "K" Lee <kim@example.org>',
    ]


def test_the_number_of_attendees_is_limited() -> None:
    lines = [f"ATTENDEE:mailto:{n}@example.org" for n in range(3 * MAX_ATTENDEES)]
    found = details(*lines, "ATTENDEE:mailto:" + "x" * 9000)
    assert found.attendees.count("\n") == MAX_ATTENDEES - 1


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", {"busy": "away"}),
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE", {"busy": "free"}),
        ("TRANSP:TRANSPARENT", {"busy": "free"}),
        ("TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:OOF", {"busy": "away"}),
        ("X-MICROSOFT-CDO-BUSYSTATUS:BUSY", {}),
        ("TRANSP:OPAQUE", {}),
    ],
)
def test_who_is_away_or_free_meanwhile_stands_in_the_labels(line: str, labels: dict[str, str]) -> None:
    assert details(*line.split("\n")).labels == labels
