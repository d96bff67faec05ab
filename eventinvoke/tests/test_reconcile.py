"""Only what changed is written, in few statements, and nothing that a worker has taken meanwhile."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Event, EventChange
from eventinvoke.planning import replan
from eventinvoke.planning.planner import Planner, plan_events
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.planning.replan import follow_changes
from registration.models import Registration, Step
from registration.tests.factories import CalendarFactory, RegistrationFactory, StepFactory, TargetFactory

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
MANY = 200


@contextmanager
def statements() -> Iterator[list[str]]:
    """Note the statements that write, each with the rows that it wrote."""
    found: list[str] = []

    def note(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        result = execute(sql, parameters, many, context)
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            table = sql.split('"' if '"' in sql else "`")[1]
            found.append(f"{sql[:6]} {table} {context['cursor'].rowcount}")
        return result

    with connection.execute_wrapper(note):
        yield found


class Scene:
    """A calendar with many events in an hour, which two steps tell of."""

    def __init__(self) -> None:
        calendar = CalendarFactory(owner=None)
        self.source = calendar.source
        self.registration = RegistrationFactory(calendar=calendar)
        target = TargetFactory(member=self.registration.member)
        for minutes in (10, 20):
            StepFactory(registration=self.registration, target=target, offset=-minutes * MINUTE)
        self.starts_at = now() + timedelta(hours=1)
        self.starts = {str(number): self.starts_at for number in range(MANY)}
        self.publish()

    def publish(self, **columns: Any) -> None:
        publish(
            EventDraft(self.source, name, "PFS telecon", at, **columns) for name, at in self.starts.items()
        )

    @property
    def due(self) -> set[datetime]:
        return set(Delivery.objects.pending().values_list("due_at", flat=True))


def test_one_moved_event_writes_its_row_its_deliveries_and_one_change() -> None:
    scene = Scene()
    scene.starts["7"] += 60 * MINUTE
    with statements() as written:
        scene.publish()
    assert sorted(written) == [
        "DELETE eventinvoke_unplanned 1",
        "INSERT eventinvoke_eventchange 1",
        "INSERT eventinvoke_unplanned 1",
        "UPDATE eventinvoke_delivery 2",
        "UPDATE eventinvoke_event 1",
    ]
    assert EventChange.objects.get().event.external_id == "7"


def test_publishing_the_same_again_writes_nothing() -> None:
    scene = Scene()
    with statements() as written:
        scene.publish()
    assert written == []


def test_many_moved_events_move_their_deliveries_in_one_statement() -> None:
    scene = Scene()
    before = set(Delivery.objects.values_list("pk", flat=True))
    scene.starts = {name: at + 60 * MINUTE for name, at in scene.starts.items()}
    with statements() as written:
        scene.publish()
    assert sorted(written) == [
        f"DELETE eventinvoke_unplanned {MANY}",
        f"INSERT eventinvoke_eventchange {MANY}",
        f"INSERT eventinvoke_unplanned {MANY}",
        f"UPDATE eventinvoke_delivery {2 * MANY}",
        f"UPDATE eventinvoke_event {MANY}",
    ]
    assert set(Delivery.objects.pending().values_list("pk", flat=True)) == before
    assert scene.due == {scene.starts_at + minutes * MINUTE for minutes in (40, 50)}


def test_an_event_that_moves_by_the_time_between_two_steps_is_told_at_both_new_times() -> None:
    scene = Scene()
    scene.starts = {name: at + 10 * MINUTE for name, at in scene.starts.items()}
    scene.publish()
    assert Delivery.objects.pending().count() == 2 * MANY
    assert scene.due == {scene.starts_at - 10 * MINUTE, scene.starts_at}


def test_a_new_severity_reaches_many_deliveries_in_one_statement() -> None:
    scene = Scene()
    with statements() as written:
        scene.publish(severity=20)
    assert sorted(written) == [
        f"DELETE eventinvoke_unplanned {MANY}",
        f"INSERT eventinvoke_unplanned {MANY}",
        f"UPDATE eventinvoke_delivery {2 * MANY}",
        f"UPDATE eventinvoke_event {MANY}",
    ]
    assert set(Delivery.objects.values_list("severity", flat=True)) == {20}


def test_a_changed_plan_is_followed_in_few_statements() -> None:
    scene = Scene()
    Step.objects.filter(offset=-10 * MINUTE).update(offset=-5 * MINUTE)
    Registration.objects.changed()
    with statements() as written:
        assert follow_changes() == 1
        follow_changes()
    at_once = [min(replan.STEP, MANY - done) for done in range(0, MANY, replan.STEP)]
    updates = [line for line in written if "delivery" in line]
    assert updates == [f"UPDATE eventinvoke_delivery {count}" for count in at_once]
    assert scene.due == {scene.starts_at - 5 * MINUTE, scene.starts_at - 20 * MINUTE}


def test_what_a_worker_took_since_it_was_read_stays_as_it_was() -> None:
    Scene()
    events = list(Event.objects.all())
    taken = Delivery.objects.order_by("pk")[0]
    for event in events:
        event.starts_at += 60 * MINUTE
        event.severity = 20
    for event in events:
        event.save()

    def take(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        # As if a worker claimed it between the reading and the writing.
        if sql.startswith("UPDATE") and "due_at" in sql:
            with connection.cursor() as cursor:
                row = "UPDATE eventinvoke_delivery SET state = 'sending', lease_until = due_at WHERE id = %s"
                cursor.cursor.execute(
                    row if connection.vendor != "sqlite" else row.replace("%s", "?"), (taken.pk,)
                )
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(take):
        plan_events([event.pk for event in events])
    assert Delivery.objects.filter(state=State.PENDING).count() == 2 * MANY - 1
    stays = Delivery.objects.get(pk=taken.pk)
    assert (stays.state, stays.due_at, stays.severity) == (State.SENDING, taken.due_at, taken.severity)


@pytest.mark.django_db(transaction=True)
def test_a_registration_that_changes_after_it_was_read_is_planned_as_it_is_now() -> None:
    calendar = CalendarFactory(owner=None)
    changes, comes, stays = (
        StepFactory(registration=RegistrationFactory(calendar=calendar)).registration for _ in range(3)
    )
    Registration.objects.filter(pk=comes.pk).update(is_active=False)
    planner = Planner()
    publish([EventDraft(calendar.source, "1", "PFS telecon", now() + timedelta(hours=1))])
    first = Event.objects.get()
    planner.plan([first.pk])
    Registration.objects.filter(pk=changes.pk).changed(pattern="SpS")
    Registration.objects.filter(pk=comes.pk).changed(is_active=True)
    planner.plan([first.pk])
    assert set(Delivery.objects.pending().values_list("registration", flat=True)) == {comes.pk, stays.pk}


@pytest.mark.django_db(transaction=True)
def test_two_who_publish_the_same_at_once_store_it_once_and_tell_it_once() -> None:
    scene = Scene()
    Event.objects.all().delete()
    barrier = threading.Barrier(2)
    failed: list[Exception] = []

    def work() -> None:
        barrier.wait(10)
        try:
            scene.publish()
        except Exception as error:  # noqa: BLE001 - it is looked at below
            failed.append(error)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert Event.objects.count() == MANY
    assert Delivery.objects.pending().count() == 2 * MANY
    assert not EventChange.objects.exists()
