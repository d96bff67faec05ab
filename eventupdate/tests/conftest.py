from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from eventinvoke.models import Delivery, Event
from eventupdate.tests.feed_server import FeedServer
from eventupdate.tests.texts import AT
from registration.models import Calendar
from registration.tests.factories import CalendarFactory, RegistrationFactory, StepFactory


@pytest.fixture
def server(settings: Any) -> Iterator[FeedServer]:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    with FeedServer() as running:
        yield running


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Let it be ``AT``; the clock goes on from there."""
    with time_machine.travel(AT) as traveller:
        yield traveller


@pytest.fixture
def calendar(db: None, server: FeedServer, clock: time_machine.Traveller) -> Calendar:
    """Return a calendar at the server's address, with a registration for its telecons."""
    made: Calendar = CalendarFactory(url=server.url)
    registration = RegistrationFactory(member=made.owner, calendar=made, pattern="telecon")
    StepFactory(registration=registration, offset=timedelta(minutes=-10))
    return made


@pytest.fixture
def upload(db: None, clock: time_machine.Traveller) -> Calendar:
    """Return a calendar that was uploaded, empty yet."""
    made: Calendar = CalendarFactory(kind=Calendar.Kind.ICAL_FILE)
    return made


def dump() -> list[Any]:
    """Return every row that a sync may change, but for the calendar's own."""
    return [*Event.objects.order_by("pk").values(), *Delivery.objects.order_by("pk").values()]
