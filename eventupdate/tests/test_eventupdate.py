"""The command."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from common.clock import now
from eventinvoke.models import Event
from eventupdate.tests.feed_server import FeedServer, Handler
from eventupdate.tests.texts import AT, entry, single
from eventupdate.tests.texts import calendar as feed
from registration.models import Calendar
from registration.tests.factories import CalendarFactory

pytestmark = pytest.mark.django_db


def run(*arguments: str, code: int = 0) -> tuple[str, str]:
    """Run the command; return what it printed and what it complained of."""
    out, err = StringIO(), StringIO()
    if code == 0:
        call_command("eventupdate", *arguments, stdout=out, stderr=err)
    else:
        with pytest.raises(CommandError) as caught:
            call_command("eventupdate", *arguments, stdout=out, stderr=err)
        assert caught.value.returncode == code
        err.write(str(caught.value))
    return out.getvalue(), err.getvalue()


def test_what_is_due_is_synced(calendar: Calendar, upload: Calendar, server: FeedServer) -> None:
    Calendar.objects.filter(pk=upload.pk).update(next_sync_at=now().replace(year=2027))
    server.serve(feed(single()))
    out, _ = run()
    assert out == f"{calendar.pk} {calendar.name}: 1 added, 0 changed, 0 removed\n"
    assert run() == ("", "")


def test_all_means_those_that_are_not_due_too_but_not_those_switched_off(
    calendar: Calendar, server: FeedServer
) -> None:
    CalendarFactory(is_active=False)
    server.serve(feed(single()))
    run()
    assert run("--all")[0] == f"{calendar.pk} {calendar.name}: unchanged\n"


def test_one_calendar_may_be_named(calendar: Calendar, upload: Calendar, server: FeedServer) -> None:
    Calendar.objects.filter(pk=upload.pk).update(content=feed(single(uid="two")))
    out, _ = run("--calendar", str(upload.pk))
    assert out.startswith(f"{upload.pk} {upload.name}: 1 added")
    assert server.requests == []


def test_a_dry_run_prints_the_difference_and_writes_nothing(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single(), single("20261125T090000Z", uid="two", title="Lunch")))
    run()
    before = list(Event.objects.values()), list(Calendar.objects.values())
    server.serve(feed(single("20261126T090000Z"), single("20261127T090000Z", uid="three", title="Talk")))
    out, _ = run("--all", "--dry-run")
    assert out.split("\n") == [
        f"{calendar.pk} {calendar.name}: 1 to add, 1 to change, 1 to remove",
        "  - 2026-11-25 09:00 UTC  Lunch",
        "  ~ 2026-11-26 09:00 UTC  PFS telecon",
        "  + 2026-11-27 09:00 UTC  Talk",
        "",
    ]
    assert (list(Event.objects.values()), list(Calendar.objects.values())) == before


@pytest.mark.django_db(transaction=True)
def test_a_calendar_that_fails_does_not_hold_up_the_others(
    transactional_db: None, calendar: Calendar, upload: Calendar, server: FeedServer
) -> None:
    server.serve("<html>")
    Calendar.objects.filter(pk=upload.pk).update(content=feed(single()))
    out, err = run("--all", code=1)
    assert out == f"{upload.pk} {upload.name}: 1 added, 0 changed, 0 removed\n"
    assert "web page" in err
    assert "1 of 2 calendars could not be read." in err


def test_a_dry_run_of_what_fails_says_so(calendar: Calendar, server: FeedServer) -> None:
    server.serve("")
    assert "The calendar is empty." in run("--dry-run", code=1)[1]


def test_what_could_not_be_read_is_told_of(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(single(), entry("DTSTART:soon", uid="two")))
    out, err = run()
    assert out.endswith("0 removed, 1 skipped\n")
    assert "of “two”" in err
    assert "Use https" in err


def test_a_dry_run_shows_what_the_horizon_has_reached(
    calendar: Calendar, server: FeedServer, clock: time_machine.Traveller
) -> None:
    server.serve(feed(entry("DTSTART:20261120T090000Z", "RRULE:FREQ=DAILY")))
    run()
    clock.move_to(AT + timedelta(days=1))
    out, _ = run("--all", "--dry-run")
    assert out.splitlines()[1:] == ["  + 2027-01-20 09:00 UTC  PFS telecon"]


def test_a_calendar_that_does_not_exist_is_a_wrong_option() -> None:
    assert run("--calendar", "12345", code=2)[1] == "There is no calendar 12345."


def test_a_calendar_may_be_called_by_its_name_and_several_may_be_given(
    server: FeedServer, transactional_db: None, clock: object
) -> None:
    server.serve(feed(single()))
    for name in ("Summit", "Base", "Other"):
        CalendarFactory(name=name, url=server.url)
    out, _ = run("--calendar", "Summit", "--calendar", str(Calendar.objects.get(name="Base").pk))
    assert sorted(line.partition(" ")[2].partition(":")[0] for line in out.splitlines()) == ["Base", "Summit"]


def test_a_name_that_several_calendars_have_is_a_wrong_option(db: None) -> None:
    pks = [CalendarFactory(name="Summit").pk for _ in range(2)]
    said = run("--calendar", "Summit", code=2)[1]
    assert said == f"Several calendars are called Summit; choose by number: {pks[0]}, {pks[1]}."


def test_calendars_that_were_read_since_are_left_out(
    calendar: Calendar, upload: Calendar, server: FeedServer
) -> None:
    Calendar.objects.filter(pk=calendar.pk).update(synced_at=now() - timedelta(hours=3))
    Calendar.objects.filter(pk=upload.pk).update(synced_at=now() - timedelta(hours=1))
    server.serve(feed(single()))
    out, _ = run("--since", "2h")
    assert out.startswith(f"{calendar.pk} ")
    assert len(out.splitlines()) == 1
    assert run("--since", "2h") == ("", "")
    assert run("--since", (now() - timedelta(days=1)).isoformat()) == ("", "")
    assert run("--calendar", str(calendar.pk), "--since", "1d") == ("", "")


def test_a_time_that_is_none_is_a_wrong_option(db: None) -> None:
    assert "“yesterday” is not a time" in run("--since", "yesterday", code=2)[1]


@pytest.mark.django_db(transaction=True)
def test_a_slow_feed_does_not_hold_up_the_others(server: FeedServer, clock: object) -> None:
    others = threading.Semaphore(0)

    def answer(handler: Handler) -> None:
        if handler.path == "/slow":
            for _ in range(3):
                assert others.acquire(timeout=30)
        handler.give(200, feed(single()).encode())
        others.release()

    server.answer = answer
    slow = CalendarFactory(url=f"http://{server.address}/slow")
    quick = [CalendarFactory(url=f"http://{server.address}/{n}") for n in range(3)]
    out, _ = run("--all")
    # The slow one is answered only when all others were.
    assert {int(line.split()[0]) for line in out.splitlines()} == {slow.pk, *(one.pk for one in quick)}
    assert Event.objects.count() == 4


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.django_db(transaction=True)
def test_a_terminal_shows_how_far_it_has_come_and_a_file_does_not(server: FeedServer, clock: object) -> None:
    server.serve(feed(single()))
    for _ in range(2):
        CalendarFactory(url=server.url)
    out = Terminal()
    call_command("eventupdate", "--all", stdout=out, stderr=StringIO(), no_color=True)
    assert "] 0 of 2 calendars" in out.getvalue()
    assert "] 2 of 2 calendars" in out.getvalue()
    assert out.getvalue().endswith("\r\x1b[K")
    assert "calendars" not in run("--all")[0]


def test_options_that_exclude_each_other_are_wrong() -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("eventupdate", "--all", "--calendar", "1")


def test_a_calendar_that_was_switched_off_takes_its_entries_back(
    calendar: Calendar, server: FeedServer
) -> None:
    server.serve(feed(single()))
    run()
    Calendar.objects.update(is_active=False)
    run("--dry-run")
    assert Event.objects.get().canceled_at is None
    run()
    assert Event.objects.get().canceled_at is not None
