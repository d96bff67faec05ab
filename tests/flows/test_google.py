"""From Google to deliveries, and along with its changes, by a real worker and the beat."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery
from eventupdate.tests.google_browser import CONNECT, connect
from registration.models import Calendar, CalendarAccount
from registration.tests.factories import CalendarFactory, MemberFactory, RegistrationFactory, StepFactory
from tests.faults.conftest import once
from tests.fixtures.people import signed_in
from tests.fixtures.processes import WorkerStarter, wait_until
from tests.google import GoogleCalendar, StandIn
from tests.google.accounts import Person
from tests.google.fixtures import connected

# How entries are read and stored is tested on each database elsewhere; the waiting need not be done thrice.
pytestmark = [pytest.mark.django_db(transaction=True), once]

BEFORE = timedelta(minutes=10)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def followed(google: StandIn, ada: Person, start_worker: WorkerStarter, public_url: str) -> Calendar:
    """Ada's calendar, read every two seconds by a worker, with a registration for its telecons."""
    google.oauth.redirect_urls = {f"{public_url}/calendars/google/callback"}
    environment: Any = google.settings
    start_worker(beat=True, **environment)
    account = connected(google, ada, MemberFactory.create(name="Ada"))
    made: Calendar = CalendarFactory.create(
        owner=account.owner,
        kind=Calendar.Kind.GOOGLE,
        account=account,
        remote_id=ada.address,
        interval=timedelta(seconds=2),
        is_active=False,
    )
    registration = RegistrationFactory.create(member=made.owner, calendar=made)
    StepFactory.create(registration=registration, offset=-BEFORE)
    Calendar.objects.filter(pk=made.pk).update(is_active=True)
    return made


def starts() -> list[datetime]:
    of_calendars = Delivery.objects.filter(event__source__startswith="calendar:")
    rows = of_calendars.filter(state=State.PENDING).order_by("due_at")
    return [due_at + BEFORE for due_at in rows.values_list("due_at", flat=True)]


def expect(wanted: list[datetime], what: str) -> None:
    wait_until(lambda: starts() == wanted, what=what, seconds=30)


@pytest.mark.usefixtures("followed")
def test_deliveries_follow_a_series_through_a_move_a_canceled_day_and_its_end(
    ada_s: GoogleCalendar, google: StandIn
) -> None:
    first = (now() + 3 * HOUR).replace(microsecond=0).astimezone(ada_s.zone)
    series = ada_s.add("PFS telecon", first, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    expect([first, first + DAY, first + 2 * DAY], "the deliveries of a new series")
    ada_s.change_instance(series, first + DAY, start=first + DAY + HOUR)
    expect([first, first + DAY + HOUR, first + 2 * DAY], "the delivery of the moved occurrence")
    ada_s.cancel_instance(series, first + 2 * DAY)
    expect([first, first + DAY + HOUR], "the end of the canceled occurrence's delivery")
    ada_s.forget_sync_tokens()
    ada_s.delete(series)
    expect([], "the end of all deliveries")


def test_a_connection_that_ends_is_told_and_begins_again(
    followed: Calendar, ada_s: GoogleCalendar, ada: Person, google: StandIn
) -> None:
    start = (now() + 3 * HOUR).replace(microsecond=0)
    ada_s.add("PFS telecon", start)
    expect([start], "the delivery")
    google.oauth.withdraw(ada)
    wait_until(
        lambda: CalendarAccount.objects.filter(refused_at__isnull=False).exists(),
        what="the account that wants to be connected again",
        seconds=30,
    )
    assert starts() == [start]
    ada_s.add("Other telecon", start + DAY)
    assert followed.account is not None
    connect(signed_in(followed.owner), google, f"{CONNECT}?account={followed.account.pk}")
    expect([start, start + DAY], "the delivery of what was added meanwhile")
