"""From a real CalDAV server to deliveries, and along with its changes, by a real worker and the beat."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Event
from eventupdate.providers.caldav.accounts import credentials_of
from eventupdate.tests.texts import calendar as text_of
from eventupdate.tests.texts import entry, single
from registration.models import Calendar, CalendarAccount
from registration.tests.factories import CalendarFactory, MemberFactory, RegistrationFactory, StepFactory
from tests.faults.conftest import once
from tests.fixtures.processes import WorkerStarter, wait_until
from tests.servers import Radicale
from tests.servers.radicale import PASSWORD, USER

# How entries are read and stored is tested on each database elsewhere; the waiting need not be done thrice.
pytestmark = [pytest.mark.django_db(transaction=True), once]

BEFORE = timedelta(minutes=10)


@pytest.fixture
def working(start_worker: WorkerStarter) -> None:
    start_worker(beat=True, NOTICE_ALLOWED_PRIVATE_NETWORKS="127.0.0.0/8")


def stamp(instant: datetime) -> str:
    return f"{instant:%Y%m%dT%H%M%SZ}"


def connect(radicale: Radicale, password: str = PASSWORD) -> Calendar:
    """Return a calendar that is read every two seconds, with a registration for its telecons."""
    path = radicale.make("team", "Team")
    member = MemberFactory.create()
    account = CalendarAccount.objects.create(
        owner=member,
        provider=CalendarAccount.Provider.CALDAV,
        name="anna at home",
        url=radicale.url,
        credentials=credentials_of(USER, password),
    )
    made: Calendar = CalendarFactory.create(
        owner=member,
        account=account,
        kind=Calendar.Kind.CALDAV,
        remote_id=f"{radicale.url.rstrip('/')}{path}",
        interval=timedelta(seconds=2),
        is_active=False,
    )
    StepFactory(registration=RegistrationFactory(member=member, calendar=made), offset=-BEFORE)
    Calendar.objects.filter(pk=made.pk).update(is_active=True)
    return made


def put(radicale: Radicale, name: str, *parts: str) -> None:
    radicale.put(f"/{USER}/team/{name}.ics", text_of(*parts))


def pending() -> list[datetime]:
    rows = Delivery.objects.filter(state=State.PENDING, event__source__startswith="calendar:").order_by(
        "due_at"
    )
    return [due_at + BEFORE for due_at in rows.values_list("due_at", flat=True)]


def series(start: datetime, *more: str) -> tuple[str, ...]:
    return entry(f"DTSTART:{stamp(start)}", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3", uid="daily"), *more


def replaced(start: datetime, *lines: str) -> str:
    return entry(f"RECURRENCE-ID:{stamp(start)}", *lines, uid="daily")


@pytest.mark.usefixtures("working")
def test_deliveries_follow_a_real_server(radicale: Radicale) -> None:
    start = (now() + timedelta(hours=3)).replace(microsecond=0)
    hour, day = timedelta(hours=1), timedelta(days=1)
    connect(radicale)
    put(radicale, "one", single(stamp(start), uid="one"))
    wait_until(lambda: pending() == [start], what="the delivery of a new entry")
    event = Event.objects.get()
    put(radicale, "one", single(stamp(start + hour), uid="one"))
    wait_until(lambda: pending() == [start + hour], what="the delivery of the moved entry")
    put(radicale, "daily", *series(start))
    every = [start, start + hour, start + day, start + 2 * day]
    wait_until(lambda: pending() == every, what="the deliveries of a series")
    moved = replaced(start + day, f"DTSTART:{stamp(start + day + hour)}")
    put(
        radicale,
        "daily",
        *series(start, moved, replaced(start + 2 * day, "STATUS:CANCELLED", f"DTSTART:{stamp(start)}")),
    )
    wait_until(
        lambda: pending() == [start, start + hour, start + day + hour],
        what="an occurrence that moved and one that was cancelled",
    )
    radicale.delete(f"/{USER}/team/daily.ics")
    wait_until(lambda: pending() == [start + hour], what="the end of the series")
    radicale.delete(f"/{USER}/team/one.ics")
    wait_until(lambda: pending() == [], what="the end of the delivery")
    event.refresh_from_db()
    assert event.canceled_at is not None


@pytest.mark.usefixtures("working")
def test_a_wrong_password_changes_nothing_until_the_right_one_comes(radicale: Radicale) -> None:
    start = (now() + timedelta(hours=3)).replace(microsecond=0)
    made = connect(radicale)
    put(radicale, "one", single(stamp(start), uid="one"))
    wait_until(lambda: pending() == [start], what="the delivery of a new entry")
    accounts = CalendarAccount.objects.filter(owner=made.owner)
    accounts.update(credentials=credentials_of(USER, "wrong"))
    radicale.delete(f"/{USER}/team/one.ics")
    wait_until(lambda: Calendar.objects.filter(failures__gt=0).exists(), what="the refusal")
    assert Event.objects.filter(title="Connect CalDAV again").exists()
    assert pending() == [start]
    accounts.update(credentials=credentials_of(USER, PASSWORD), refused_at=None)
    Calendar.objects.update(next_sync_at=now())
    wait_until(lambda: pending() == [], what="the end of the delivery")


@pytest.mark.usefixtures("working")
def test_an_account_is_connected_by_a_worker_while_the_page_waits(
    radicale: Radicale, page: Client, settings: Any
) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    radicale.make("team", "Team")
    answer = page.post("/calendars/caldav/", {"url": radicale.url, "user_name": USER, "password": PASSWORD})
    waiting = answer["Location"]
    assert "Please wait" in page.get(waiting).content.decode()
    wait_until(lambda: page.get(waiting).status_code == 302, what="the worker's sign-in")
    assert "Team" in page.get(page.get(waiting)["Location"], follow=True).content.decode()
