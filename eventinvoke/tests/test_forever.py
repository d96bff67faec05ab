"""The command that goes on for ever: nothing that takes long delays what falls due."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction

from common.clock import now
from eventinvoke.models import Delivery, Event
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.sending.loops import run_forever
from eventinvoke.tests.factories import DeliveryFactory
from eventinvoke.tests.holding import held
from eventinvoke.tests.stand_ins import PushLike
from registration.direct import TEST
from registration.jobs import start
from registration.models import Job, Registration
from registration.tests.factories import (
    CalendarFactory,
    MemberFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def running() -> Iterator[None]:
    """Run the command in a thread."""
    stop = threading.Event()

    def work() -> None:
        run_forever(stop)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def is_being_planned() -> bool:
    """Say whether another transaction holds a registration that is to be planned."""
    with transaction.atomic():
        free = Registration.objects.unplanned().select_for_update(skip_locked=True)
        return not free.exists() and Registration.objects.unplanned().exists()


def test_what_falls_due_is_sent_while_planning_takes_long(push: PushLike) -> None:
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("SQLite lets no second worker write, which is what is tried here")
    registration = RegistrationFactory(calendar=CalendarFactory(owner=None))
    publish([EventDraft(registration.calendar.source, "1", "PFS telecon", now() + timedelta(days=1))])
    StepFactory(registration=registration)
    with running():
        with held(Event.objects.get()):
            Registration.objects.changed()
            wait_until(is_being_planned)
            for number in range(1, 4):
                DeliveryFactory(target=TargetFactory(kind="pushlike"), due_at=now() + timedelta(seconds=0.2))
                wait_until(lambda expected=number: len(push.sent) == expected)  # type: ignore[misc]
            assert is_being_planned()
        wait_until(lambda: Delivery.objects.filter(registration=registration).exists())


def test_what_changes_is_planned_and_sent(push: PushLike) -> None:
    registration = RegistrationFactory(calendar=CalendarFactory(owner=None))
    target = TargetFactory(kind="pushlike", member=registration.member)
    publish([EventDraft(registration.calendar.source, "1", "PFS telecon", now() + timedelta(minutes=5))])
    with running():
        StepFactory(registration=registration, target=target)
        Registration.objects.changed()
        wait_until(lambda: len(push.sent) == 1)


def test_the_jobs_that_pages_wait_for_are_done() -> None:
    job = start(MemberFactory.create(), TEST, "/targets/", target=0)
    with running():
        wait_until(lambda: Job.objects.get(pk=job.pk).state == Job.State.DONE)
    assert "deleted" in Job.objects.get(pk=job.pk).result
