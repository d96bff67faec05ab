"""Entries with mistakes, rules that exclude, and several entries with one UID."""

from datetime import date

import pytest

from eventupdate.tests.texts import entry, expanded, occurrences, single, starts, window

BERLIN = "DTSTART;TZID=Europe/Berlin:"
WEEKLY = (f"{BERLIN}20261109T100000", "DTEND;TZID=Europe/Berlin:20261109T103000", "RRULE:FREQ=WEEKLY;COUNT=5")


def override(recurrence_id: str, *lines: str, title: str = "PFS telecon") -> str:
    return entry(f"RECURRENCE-ID;TZID=Europe/Berlin:{recurrence_id}", *lines, title=title)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("RRULE:FREQ=SOMETIMES", "its RRULE can't be read"),
        ("RRULE:COUNT=3", "its RRULE can't be read"),
        ("RRULE:FREQ=WEEKLY;UNTIL=soon", "its RRULE can't be read"),
        ("RRULE:RSCALE=HEBREW;FREQ=MONTHLY", "its RRULE can't be read"),
        ("RECURRENCE-ID:soon", "its RECURRENCE-ID can't be read"),
    ],
)
def test_a_series_that_cant_be_read_keeps_its_first_start(line: str, problem: str) -> None:
    expansion = expanded(entry("DTSTART:20261124T090000Z", line))
    assert [o.external_id for o in expansion.occurrences] == ["one@test#20261124T090000Z"]
    assert expansion.broken == {"one@test": problem}


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("RDATE:soon", "its RDATE can't be read"),
        ("EXDATE:soon", "its EXDATE can't be read"),
        ("DURATION:soon", "its DURATION can't be read"),
        ("DTEND:20261324T090000Z", "its DTEND can't be read"),
        ("EXRULE:FREQ=SOMETIMES", "its EXRULE can't be read"),
        ("RRULE:FREQ=WEEKLY;COUNT=1;UNTL=20261224", "the part UNTL of its RRULE is passed over"),
        ("RRULE:FREQ=MONTHLY;COUNT=1;SKIP=BACKWARD", "the SKIP of its RRULE is passed over"),
    ],
)
def test_a_mistake_that_the_start_does_not_need_is_told_and_passed_over(line: str, note: str) -> None:
    expansion = expanded(entry("DTSTART:20261124T090000Z", line))
    assert [f"{o.starts_at:%m-%d %H:%M}" for o in expansion.occurrences] == ["11-24 09:00"]
    assert not expansion.broken
    assert expansion.problem == f"One entry is read with a mistake in it; of “one@test”, {note}."


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;COUNT=3;UNTIL=",
        "FREQ=DAILY;UNTIL=20261126T090000Z;COUNT=",
        "FREQ=DAILY;INTERVAL=;BYDAY=;COUNT=3",
        "RSCALE=GREGORIAN;FREQ=DAILY;SKIP=OMIT;COUNT=3",
        "FREQ=DAILY;COUNT=3;X-EVOLUTION-ENDDATE=20261126T090000Z",
        "FREQ=DAILY; COUNT=3;",
    ],
)
def test_empty_and_private_parts_of_a_rule_mean_nothing(rule: str) -> None:
    found = starts(entry("DTSTART:20261124T090000Z", f"RRULE:{rule}"))
    assert found == ["2026-11-24 09:00", "2026-11-25 09:00", "2026-11-26 09:00"]


@pytest.mark.parametrize(
    "line", ["RRULE:", "RDATE:", "EXDATE:", "RECURRENCE-ID:", "DTEND:", "DURATION:", "EXRULE:"]
)
def test_an_empty_property_means_nothing(line: str) -> None:
    assert starts(entry("DTSTART:20261124T090000Z", line)) == ["2026-11-24 09:00"]


def test_a_broken_override_leaves_out_only_its_own_occurrence() -> None:
    expansion = expanded(entry(*WEEKLY), override("20261130T100000", "DTSTART:soon"), single(uid="two@test"))
    found = [(o.uid, f"{o.starts_at:%m-%d}") for o in expansion.occurrences]
    assert found == [("one@test", "11-23"), ("two@test", "11-24"), ("one@test", "12-07")]
    assert list(expansion.broken) == ["one@test"]


@pytest.mark.parametrize(
    "value",
    [";TZID=Europe/Berlin:20261125T000000", ";TZID=America/New_York:20261125T000000", ":20261125T000000",
     ":20261124T230000Z", ":20261125T000000Z", ";VALUE=DATE:20261125"],
)  # fmt: skip
@pytest.mark.parametrize(
    "rule", ["RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=DAILY;COUNT=3\nRDATE;VALUE=DATE:20261124"]
)
def test_a_date_of_a_series_of_days_is_that_of_its_own_zone(value: str, rule: str) -> None:
    series = entry("DTSTART;VALUE=DATE:20261124", rule)
    zone = "BEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\nEND:VTIMEZONE"
    excluded = entry("DTSTART;VALUE=DATE:20261124", rule, f"EXDATE{value}")
    assert [o.starts_on for o in occurrences(zone, excluded)] == [date(2026, 11, 24), date(2026, 11, 26)]
    moved = entry(f"RECURRENCE-ID{value}", "DTSTART;VALUE=DATE:20261201")
    days = [o.starts_on and o.starts_on.day for o in occurrences(zone, series, moved)]
    assert days == [24, 26, 1]
    added = entry("DTSTART;VALUE=DATE:20261120", rule.replace("COUNT=3", "COUNT=1"), f"RDATE{value}")
    assert date(2026, 11, 25) in [o.starts_on for o in occurrences(zone, added)]


@pytest.mark.parametrize("rule", ["FREQ=DAILY;COUNT=6", "FREQ=DAILY;COUNT=6;BYHOUR=9"])
@pytest.mark.parametrize(
    ("exrule", "days"),
    [
        ("FREQ=DAILY;INTERVAL=2", [24, 26, 28]),
        ("FREQ=WEEKLY;BYDAY=TU,SA", [23, 25, 26, 27]),
        ("FREQ=DAILY;BYHOUR=9;UNTIL=20261126T090000Z", [27, 28]),
        ("FREQ=DAILY;BYHOUR=10", [23, 24, 25, 26, 27, 28]),
    ],
)
def test_an_exclusion_rule_leaves_out_what_it_yields(rule: str, exrule: str, days: list[int]) -> None:
    found = occurrences(entry("DTSTART:20261123T090000Z", f"RRULE:{rule}", f"EXRULE:{exrule}"))
    assert [o.starts_at.day for o in found] == days


def test_an_exclusion_rule_follows_the_clock_of_its_zone() -> None:
    lines = (f"{BERLIN}20261023T100000", "RRULE:FREQ=DAILY;COUNT=5", "EXRULE:FREQ=DAILY;INTERVAL=3")
    found = starts(entry(*lines), window=window("2026-10-01", "2026-11-01"))
    assert found == ["2026-10-24 08:00", "2026-10-25 09:00", "2026-10-27 09:00"]


@pytest.mark.parametrize("order", [1, -1])
def test_several_entries_with_one_uid_are_distinct_where_their_starts_differ(order: int) -> None:
    parts = [single("20261124T090000Z"), single("20261125T090000Z"), single("20261125T090000Z")][::order]
    expansion = expanded(*parts)
    assert [o.external_id for o in expansion.occurrences] == [
        "one@test#20261124T090000Z",
        "one@test#20261125T090000Z",
    ]
    assert "several entries have its UID" in expansion.problem


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("sequence", ["0", "3"])
def test_the_newer_stamp_decides_between_equal_sequences(order: int, sequence: str) -> None:
    old = entry("DTSTART:20261124T090000Z", f"SEQUENCE:{sequence}", "DTSTAMP:20261101T000000Z", title="Old")
    new = entry("DTSTART:20261125T090000Z", f"SEQUENCE:{sequence}", "DTSTAMP:20261102T000000Z", title="New")
    assert [o.details.title for o in occurrences(*[old, new][::order])] == ["New"]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("rule", ["RRULE:FREQ=WEEKLY;COUNT=3", "RRULE:FREQ=WEEKLY;COUNT=3;BYHOUR=10"])
def test_the_newer_stamp_decides_between_two_overrides(order: int, rule: str) -> None:
    parts = [
        override("20261130T100000", f"{BERLIN}20261130T110000", "DTSTAMP:20261101T000000Z", title="Old"),
        override("20261130T100000", f"{BERLIN}20261130T120000", "DTSTAMP:20261102T000000Z", title="New"),
    ][::order]
    found = occurrences(entry(f"{BERLIN}20261123T100000", rule), *parts)
    assert [o.details.title for o in found] == ["PFS telecon", "New", "PFS telecon"]


def test_stamps_of_one_export_make_no_versions() -> None:
    parts = [
        entry(f"DTSTART:202611{day}T090000Z", "SEQUENCE:0", f"DTSTAMP:20261101T0000{day}Z")
        for day in (24, 25)
    ]
    assert len(expanded(*parts).occurrences) == 2


def test_an_override_belongs_to_the_series_among_several_entries_with_one_uid() -> None:
    moved = override("20261123T100000", f"{BERLIN}20261123T110000")
    expansion = expanded(single("20261121T090000Z"), moved, entry(*WEEKLY))
    found = [f"{o.starts_at:%m-%d %H}" for o in expansion.occurrences]
    assert found == ["11-21 09", "11-23 10", "11-30 09", "12-07 09"]


def test_a_sequence_that_is_too_long_for_a_number_counts_as_none() -> None:
    entries = [entry(f"DTSTART:2026112{day}T090000Z", f"SEQUENCE:{'9' * 5_000}") for day in (4, 5)]
    expansion = expanded(*entries)
    assert sorted(f"{o.starts_at:%m-%d}" for o in expansion.occurrences) == ["11-24", "11-25"]


def test_an_excluding_rule_without_bound_costs_the_series_and_no_memory() -> None:
    rules = ("RRULE:FREQ=WEEKLY;COUNT=3", "EXRULE:FREQ=SECONDLY")
    expansion = expanded(entry("DTSTART:20261124T090000Z", *rules))
    assert "EXRULE excludes more than" in expansion.broken["one@test"]
    assert [o.starts_at.day for o in expansion.occurrences] == [24]


def test_a_rule_of_weeks_without_a_day_uses_the_weekday_of_the_start() -> None:
    # 24 November 2026 is the Tuesday of week 48, 1 December that of week 49.
    expansion = expanded(entry("DTSTART:20261124T090000Z", "RRULE:FREQ=YEARLY;BYWEEKNO=48,49;COUNT=2"))
    assert [f"{o.starts_at:%m-%d}" for o in expansion.occurrences] == ["11-24", "12-01"]
