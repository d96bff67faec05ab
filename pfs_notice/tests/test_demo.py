"""The demo: a member who is told of an event in two minutes; a second run moves the event."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from common.clock import now
from eventinvoke.models import Delivery, Event
from pfs_notice.demo import ring_again
from registration.models import Calendar, Member, Registration, Target, User

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def run() -> str:
    out = StringIO()
    call_command("demo", stdout=out)
    return out.getvalue()


def test_it_prints_the_password_once_and_it_is_good() -> None:
    said = run()
    password = said.split("the password ")[1].split()[0]
    assert Client().login(username="demo", password=password)
    assert "password" not in run()


def test_the_member_has_a_phone_an_inbox_and_a_calendar_that_are_ready() -> None:
    run()
    member = Member.objects.get(user__username="demo")
    assert {target.kind for target in Target.objects.filter(member=member).usable()} == {
        "inbox",
        "voice",
        "sms",
    }
    assert Calendar.objects.get(owner=member).problem == ""


def test_the_entry_begins_in_two_minutes_and_is_planned() -> None:
    with time_machine.travel(START, tick=False):
        run()
    event = Event.objects.get()
    assert (event.title, event.starts_at) == ("PFS telecon", START + timedelta(minutes=2))
    assert event.ends_at == START + timedelta(minutes=32)
    assert dict(Delivery.objects.values_list("kind", "due_at")) == {
        "inbox": START + timedelta(seconds=10),
        "voice": START + timedelta(seconds=60),
    }


def test_a_second_run_moves_the_entry_and_adds_nothing() -> None:
    with time_machine.travel(START, tick=False) as clock:
        run()
        clock.shift(timedelta(hours=1))
        run()
    assert Event.objects.get().starts_at == START + timedelta(hours=1, minutes=2)
    assert (User.objects.count(), Registration.objects.count(), Target.objects.count()) == (1, 1, 3)
    due = Delivery.objects.pending().order_by("due_at").values_list("due_at", flat=True)
    assert list(due) == [START + timedelta(hours=1, seconds=10), START + timedelta(hours=1, seconds=60)]


def test_the_phone_rings_again_in_a_few_seconds_and_nothing_is_taken_back() -> None:
    with time_machine.travel(START, tick=False) as clock:
        run()
        user = User.objects.get(username="demo")
        for number in range(1, 4):
            assert ring_again(user.member)
            assert ring_again(user.member)  # a second press in the meantime changes nothing
            soon = Delivery.objects.filter(kind="voice", due_at=now() + timedelta(seconds=5))
            assert (soon.count(), Event.objects.count()) == (1, number + 1)
            clock.shift(timedelta(minutes=5))
    assert not Event.objects.filter(canceled_at__isnull=False).exists()


def test_only_the_demo_s_member_is_rung(page: Client, member: Member) -> None:
    Calendar.objects.create(owner=member, name="Demo calendar", kind=Calendar.Kind.ICAL_FILE)
    assert page.post("/demo/ring").status_code == 404
    run()
    demo = Client()
    demo.force_login(User.objects.get(username="demo"))
    assert demo.post("/demo/ring").status_code == 302
    assert "Ring me again" in demo.get("/upcoming/").content.decode()
    assert "Ring me again" not in page.get("/upcoming/").content.decode()
