import pytest

from eventupdate.tests.texts import NEW_YORK_ZONE, entry, expanded, single, starts, window
from eventupdate.zones import iana_name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Tokyo Standard Time", "Asia/Tokyo"),
        ("/freeassociation.sourceforge.net/Europe/Berlin", "Europe/Berlin"),
        ("/mozilla.org/20050126_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Amsterdam"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("UTC", "UTC"),
        ("Z", "UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("/softwarestudio.org/Tzfile/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        ("UTC+01", "+01:00"),
        ("utc-3:30", "-03:30"),
        ("GMT+0200", "+02:00"),
        ("GMT -5", "-05:00"),
        ("+05:30", "+05:30"),
        ("UTC+00:00", "UTC"),
        ("UTC+99", ""),
        ("GMT Standard Time 1", "Europe/London"),
        ("gmt standard time", "Europe/London"),
        ("W. Europe Daylight Time", "Europe/Berlin"),
        ("Eastern Daylight Time", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("(GMT-05.00) Eastern Time (US & Canada)", "America/New_York"),
        ("(GMT+01:00) Sarajevo, Skopje, Warsaw, Zagreb", "Europe/Sarajevo"),
        ("(UTC+03:00) Nowhere in particular", "+03:00"),
        ("Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Amsterdam"),
        ("Western/Central Europe", "Europe/Berlin"),
        ("Eastern", "America/New_York"),
        ("Room 12", ""),
        ("x" * 5000, ""),
        ("Our office", ""),
        ("", ""),
        ("../../etc/passwd", ""),
    ],
)
def test_names_of_zones_lead_to_ianas(given: str, name: str) -> None:
    assert iana_name(given) == name


def at_nine(tzid: str) -> str:
    return entry(f"DTSTART;TZID={tzid}:20261124T090000")


@pytest.mark.parametrize(
    "tzid", ["Asia/Tokyo", "Tokyo Standard Time", '"Tokyo Standard Time"', "/x/Asia/Tokyo"]
)
def test_a_zone_needs_no_rules_of_its_own(tzid: str) -> None:
    assert starts(at_nine(tzid)) == ["2026-11-24 00:00"]


def test_a_name_with_a_colon_in_it_is_read() -> None:
    # Outlook writes it without the quotes that RFC 5545 section 3.2 asks for.
    assert starts(at_nine("(UTC+09:00) Osaka, Sapporo, Tokyo")) == ["2026-11-24 00:00"]


def test_rules_of_its_own_make_a_zone() -> None:
    assert starts(NEW_YORK_ZONE, at_nine("Our office")) == ["2026-11-24 14:00"]


def test_an_abbreviation_means_what_its_rules_say() -> None:
    # New York, as vobject and pretalx name it; IANA's EST has no summer time.
    rules, talk = NEW_YORK_ZONE.replace("Our office", "EST"), entry("DTSTART;TZID=EST:20260707T090000")
    assert starts(rules, talk, window=window("2026-07-01", "2026-08-01")) == ["2026-07-07 13:00"]
    assert starts(talk, window=window("2026-07-01", "2026-08-01")) == ["2026-07-07 14:00"]


def test_an_abbreviation_whose_rules_can_not_be_read_is_iana_s() -> None:
    assert starts("BEGIN:VTIMEZONE\nTZID:EST\nEND:VTIMEZONE", at_nine("EST")) == ["2026-11-24 14:00"]


def test_rules_may_stand_after_the_entries_that_use_them() -> None:
    assert starts(at_nine("Our office"), NEW_YORK_ZONE) == ["2026-11-24 14:00"]


def test_a_zones_name_means_nothing_to_another_calendar() -> None:
    other = NEW_YORK_ZONE.replace("-0400", "+0100").replace("-0500", "+0000")
    assert starts(NEW_YORK_ZONE, at_nine("Our office")) == ["2026-11-24 14:00"]
    assert starts(other, at_nine("Our office")) == ["2026-11-24 09:00"]
    assert expanded(at_nine("Our office")).unknown_zones == ["Our office"]


@pytest.mark.parametrize("name", ["GMT-0500", "UTC+01", "Eastern"])
def test_the_rules_of_an_offset_or_a_guessed_name_go_before_the_name(name: str) -> None:
    rules, talk = NEW_YORK_ZONE.replace("Our office", name), entry(f"DTSTART;TZID={name}:20260707T090000")
    assert starts(rules, talk, window=window("2026-07-01", "2026-08-01")) == ["2026-07-07 13:00"]


def test_each_era_of_a_zone_counts_in_its_time() -> None:
    zone = """\
BEGIN:VTIMEZONE
TZID:Moved office
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0000
TZOFFSETTO:+0300
END:STANDARD
BEGIN:STANDARD
DTSTART:20261201T000000
TZOFFSETFROM:+0300
TZOFFSETTO:+0400
END:STANDARD
END:VTIMEZONE"""
    daily = entry("DTSTART;TZID=Moved office:20261129T090000", "RRULE:FREQ=DAILY;COUNT=4")
    assert starts(zone, daily) == [
        "2026-11-29 06:00",
        "2026-11-30 06:00",
        "2026-12-01 05:00",
        "2026-12-02 05:00",
    ]


def test_libicals_hint_goes_before_the_rules() -> None:
    zone = NEW_YORK_ZONE.replace("TZID:Our office", "TZID:Our office\nX-LIC-LOCATION:Asia/Tokyo")
    assert starts(zone, at_nine("Our office")) == ["2026-11-24 00:00"]


def test_an_unknown_zone_is_the_calendars_own_and_is_told_of() -> None:
    expansion = expanded("X-WR-TIMEZONE:Asia/Tokyo", at_nine("Atlantis"))
    assert [f"{o.starts_at:%H:%M}" for o in expansion.occurrences] == ["00:00"]
    assert expansion.problem == "The time zone “Atlantis” is not known; the calendar's own is used."


def test_rules_that_cant_be_read_spoil_only_what_uses_them() -> None:
    zone = NEW_YORK_ZONE.replace("TZOFFSETTO:-0500", "TZOFFSETTO:later")
    expansion = expanded(zone, at_nine("Our office"), single(uid="two@test"))
    assert [o.uid for o in expansion.occurrences] == ["two@test"]
    assert list(expansion.broken) == ["one@test"]


FLOATING = entry("DTSTART:20261124T090000")


def test_a_floating_time_is_utc_where_nothing_else_is_said() -> None:
    assert starts(FLOATING) == ["2026-11-24 09:00"]


def test_a_floating_time_is_in_the_calendars_own_zone() -> None:
    assert starts("X-WR-TIMEZONE:Asia/Tokyo", FLOATING) == ["2026-11-24 00:00"]


def test_a_floating_time_is_in_the_zone_that_the_member_chose() -> None:
    assert starts("X-WR-TIMEZONE:Asia/Tokyo", FLOATING, zone="America/New_York") == ["2026-11-24 14:00"]


def test_a_zone_that_the_calendar_names_for_itself_in_windows_words_is_known() -> None:
    assert starts("X-WR-TIMEZONE:Tokyo Standard Time", FLOATING) == ["2026-11-24 00:00"]


@pytest.mark.parametrize("zone", ["", "America/New_York"])
@pytest.mark.parametrize("more", ["", ";BYHOUR=23"])
def test_what_repeats_in_utc_stays_in_utc(zone: str, more: str) -> None:
    weekly = entry("DTSTART:20261020T233000Z", f"RRULE:FREQ=WEEKLY;COUNT=2;BYDAY=TU{more}")
    found = starts(
        "X-WR-TIMEZONE:Europe/Berlin", weekly, window=window("2026-10-19", "2026-11-01"), zone=zone
    )
    assert found == ["2026-10-20 23:30", "2026-10-27 23:30"]
