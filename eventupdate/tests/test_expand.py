from datetime import UTC, date, datetime, timedelta

import pytest

from eventupdate.expand import window_at
from eventupdate.tests.texts import AT, entry, expanded, occurrences, single, starts, window

BERLIN = "DTSTART;TZID=Europe/Berlin:"
WEEKLY = (f"{BERLIN}20261109T100000", "DTEND;TZID=Europe/Berlin:20261109T103000", "RRULE:FREQ=WEEKLY;COUNT=5")


def override(recurrence_id: str, *lines: str, title: str = "PFS telecon") -> str:
    return entry(f"RECURRENCE-ID;TZID=Europe/Berlin:{recurrence_id}", *lines, title=title)


def test_the_window_rolls_by_whole_days() -> None:
    early, late = window_at(AT, 60), window_at(AT + timedelta(hours=11), 60)
    assert early == late
    assert early.start <= AT - timedelta(days=1)
    assert early.stop >= AT + timedelta(days=60)
    assert window_at(AT + timedelta(days=1), 60).stop == early.stop + timedelta(days=1)


def test_a_single_entry_is_named_by_its_uid_so_that_it_may_move() -> None:
    (before,) = occurrences(single("20261124T090000Z"))
    (after,) = occurrences(single("20261125T100000Z"))
    assert before.external_id == after.external_id == "one@test#"
    assert after.starts_at == datetime(2026, 11, 25, 10, tzinfo=UTC)
    assert after.ends_at == datetime(2026, 11, 25, 10, 30, tzinfo=UTC)


def test_what_lies_outside_of_the_window_is_left_out() -> None:
    assert starts(single("20261118T235959Z"), single("20270120T000000Z", uid="two")) == []
    assert len(starts(single("20261119T000000Z"), single("20270119T235959Z", uid="two"))) == 2


def test_a_long_uid_still_gives_an_id_that_fits() -> None:
    (found,) = occurrences(single(uid="x" * 900))
    assert len(found.external_id) == 65


def test_an_entry_without_uid_is_known_by_its_start_and_title() -> None:
    text = "\n".join(line for line in single().split("\n") if not line.startswith("UID"))
    assert occurrences(text)[0].external_id == occurrences(text)[0].external_id
    assert occurrences(text)[0].uid.startswith("no-uid-")


def test_an_entry_repeats_by_its_rule_and_keeps_to_its_zones_clock() -> None:
    found = starts(
        entry(f"{BERLIN}20261012T100000", "RRULE:FREQ=WEEKLY;COUNT=4"),
        window=window("2026-10-01", "2026-12-01"),
    )
    assert found == ["2026-10-12 08:00", "2026-10-19 08:00", "2026-10-26 09:00", "2026-11-02 09:00"]


def test_a_date_that_is_excluded_is_left_out() -> None:
    found = starts(entry(*WEEKLY, "EXDATE;TZID=Europe/Berlin:20261123T100000,20261207T100000"))
    assert found == ["2026-11-30 09:00"]


@pytest.mark.parametrize(
    "exdate", ["EXDATE:20261123T090000Z", "EXDATE;VALUE=DATE:20261123", "EXDATE:20261123T100000"]
)
def test_an_exclusion_of_any_type_counts(exdate: str) -> None:
    assert "2026-11-23 09:00" not in starts(entry(*WEEKLY, exdate))


def test_an_empty_exclusion_excludes_nothing() -> None:
    assert len(starts(entry(*WEEKLY, "EXDATE:"))) == 3


def test_a_date_that_is_added_takes_place() -> None:
    found = starts(
        entry(f"{BERLIN}20261123T100000", "RDATE;TZID=Europe/Berlin:20261125T110000,20261126T120000")
    )
    assert found == ["2026-11-23 09:00", "2026-11-25 10:00", "2026-11-26 11:00"]


def test_a_period_that_is_added_has_its_own_length() -> None:
    periods = "RDATE;VALUE=PERIOD:20261125T110000Z/20261125T140000Z,20261126T110000Z/PT2H"
    found = occurrences(entry("DTSTART:20261123T100000Z", "DURATION:PT1H", periods))
    assert [(o.ends_at - o.starts_at) / timedelta(hours=1) for o in found if o.ends_at] == [1, 3, 2]


def test_an_occurrence_that_is_moved_keeps_its_id() -> None:
    moved = override("20261123T100000", f"{BERLIN}20261124T150000", "DURATION:PT1H")
    found = {o.external_id: o.starts_at for o in occurrences(entry(*WEEKLY), moved)}
    assert found["one@test#20261123T090000Z"] == datetime(2026, 11, 24, 14, tzinfo=UTC)
    assert len(found) == 3


def test_an_occurrence_that_is_retitled_stands_alone() -> None:
    found = occurrences(
        entry(*WEEKLY), override("20261123T100000", f"{BERLIN}20261123T100000", title="Guest talk")
    )
    assert [o.details.title for o in found] == ["Guest talk", "PFS telecon", "PFS telecon"]


def test_an_occurrence_that_is_cancelled_says_so() -> None:
    found = occurrences(
        entry(*WEEKLY), override("20261123T100000", f"{BERLIN}20261123T100000", "STATUS:CANCELLED")
    )
    assert [o.is_canceled for o in found] == [True, False, False]


def test_a_series_that_is_cancelled_is_so_as_a_whole() -> None:
    assert all(o.is_canceled for o in occurrences(entry(*WEEKLY, "STATUS:CANCELLED")))


def test_an_occurrence_moved_into_the_window_from_far_away_is_found() -> None:
    series = entry(f"{BERLIN}20260105T100000", "RRULE:FREQ=YEARLY;COUNT=2")
    moved = override("20260105T100000", f"{BERLIN}20261124T100000")
    assert starts(series, moved) == ["2026-11-24 09:00", "2027-01-05 09:00"]


def test_an_occurrence_without_its_series_takes_place() -> None:
    assert starts(override("20261123T100000", f"{BERLIN}20261124T150000")) == ["2026-11-24 14:00"]


@pytest.mark.parametrize(
    "recurrence_id",
    ["RECURRENCE-ID:20261123T090000Z", "RECURRENCE-ID;VALUE=DATE:20261123", "RECURRENCE-ID:20261123T100000"],
)
def test_an_override_of_any_type_finds_its_occurrence(recurrence_id: str) -> None:
    found = occurrences(entry(*WEEKLY), entry(recurrence_id, f"{BERLIN}20261123T120000", title="Later"))
    assert [o.external_id for o in found if o.details.title == "Later"] == ["one@test#20261123T090000Z"]
    assert len(found) == 3


def test_an_override_may_stand_before_its_series() -> None:
    assert (
        starts(override("20261123T100000", f"{BERLIN}20261123T110000"), entry(*WEEKLY))[0]
        == "2026-11-23 10:00"
    )


def test_this_and_all_that_follow_are_moved_and_keep_their_ids() -> None:
    later = entry(
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261130T100000",
        f"{BERLIN}20261130T113000",
        "DTEND;TZID=Europe/Berlin:20261130T130000",
        title="New hour",
    )
    found = occurrences(entry(*WEEKLY), later)
    assert [(o.external_id, f"{o.starts_at:%H:%M}", o.details.title) for o in found] == [
        ("one@test#20261123T090000Z", "09:00", "PFS telecon"),
        ("one@test#20261130T090000Z", "10:30", "New hour"),
        ("one@test#20261207T090000Z", "10:30", "New hour"),
    ]
    assert [(o.ends_at - o.starts_at) / timedelta(minutes=1) for o in found if o.ends_at] == [30, 90, 90]


def test_the_newest_of_two_entries_with_one_uid_counts() -> None:
    old = entry("DTSTART:20261124T090000Z", "SEQUENCE:2", title="Old")
    new = entry("DTSTART:20261125T090000Z", "SEQUENCE:3", title="New")
    assert [o.details.title for o in occurrences(new, old)] == ["New"]


@pytest.mark.parametrize(
    ("until", "count"),
    [
        ("20261207T090000Z", 3),  # as it should be
        ("20261207T085959Z", 2),
        ("20261207", 3),  # a date: the whole last day
        ("20261206", 2),
        ("20261207T100000", 3),  # floating: in the zone of the start
        ("20261207T095959", 2),
    ],
)
def test_the_end_of_a_rule_of_any_type_counts(until: str, count: int) -> None:
    found = starts(entry(f"{BERLIN}20261123T100000", f"RRULE:FREQ=WEEKLY;UNTIL={until}"))
    assert len(found) == count


@pytest.mark.parametrize("until", ["20261125", "20261125T000000Z", "20261124T230000Z", "20261125T120000"])
def test_the_end_of_a_rule_of_days_is_a_day(until: str) -> None:
    daily = entry("DTSTART;VALUE=DATE:20261123", f"RRULE:FREQ=DAILY;UNTIL={until}")
    assert len(starts("X-WR-TIMEZONE:Europe/Berlin", daily)) == 3


def test_a_position_within_the_month_is_found() -> None:
    last_workday = "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"
    found = starts(entry("DTSTART:20260130T090000Z", last_workday))
    assert found == ["2026-11-30 09:00", "2026-12-31 09:00"]


def test_the_29th_of_february_comes_in_leap_years_only() -> None:
    birthday = entry("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY")
    assert starts(birthday, window=window("2025-01-01", "2027-12-31")) == []
    assert starts(birthday, window=window("2028-01-01", "2028-12-31")) == ["2028-02-29 00:00"]


def test_a_count_and_an_end_together_do_not_confuse() -> None:
    assert (
        len(starts(entry("DTSTART:20261123T090000Z", "RRULE:FREQ=DAILY;COUNT=50;UNTIL=20261125T090000Z")))
        == 3
    )


def test_a_day_begins_at_midnight_in_the_calendars_zone() -> None:
    (found,) = occurrences("X-WR-TIMEZONE:Europe/Berlin", entry("DTSTART;VALUE=DATE:20261124"))
    assert found.starts_on == date(2026, 11, 24)
    assert found.starts_at == datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 11, 24, 23, tzinfo=UTC)


def test_a_day_on_which_the_clocks_change_has_25_hours() -> None:
    day = entry("DTSTART;VALUE=DATE:20261025", "DTEND;VALUE=DATE:20261026")
    (found,) = occurrences("X-WR-TIMEZONE:Europe/Berlin", day, window=window("2026-10-01", "2026-11-01"))
    assert found.ends_at
    assert found.ends_at - found.starts_at == timedelta(hours=25)


def test_days_that_repeat_are_named_by_their_day() -> None:
    found = occurrences(entry("DTSTART;VALUE=DATE:20261123", "RRULE:FREQ=DAILY;COUNT=2"), zone="Asia/Tokyo")
    assert [o.external_id for o in found] == ["one@test#20261123", "one@test#20261124"]


def test_a_date_that_is_written_with_a_time_is_a_date() -> None:
    (found,) = occurrences(entry("DTSTART;VALUE=DATE:20261124T000000"))
    assert found.starts_on == date(2026, 11, 24)


@pytest.mark.parametrize(
    "line",
    [
        "DTSTART:tomorrow",
        "DTSTART:20261399T000000Z",
        "DTSTART:PT1H",
        "X-NOTHING:1",
    ],
)
def test_a_broken_entry_is_named_and_spoils_nothing_else(line: str) -> None:
    expansion = expanded(entry(line), single(uid="two@test"))
    assert [o.uid for o in expansion.occurrences] == ["two@test"]
    assert list(expansion.broken) == ["one@test"]
    assert expansion.problem.startswith("One entry can't be read and was left as it was; of “one@test”, ")


def test_a_broken_text_is_not_the_end_of_an_entry() -> None:
    assert (
        len(starts(entry("DTSTART:20261124T090000Z", "SEQUENCE:many", "ORGANIZER;CN=:::", "ATTENDEE;=:x")))
        == 1
    )
