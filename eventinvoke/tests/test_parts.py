"""An event with more plans than fit one transaction is planned in parts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Event, Share, Unplanned
from eventinvoke.planning import marks
from eventinvoke.planning.event_row import EventRow
from eventinvoke.planning.parts import WISHES
from eventinvoke.planning.planner import Planner, plan_registration
from eventinvoke.planning.publish import EventDraft, publish, withdraw
from registration.models import Registration, Step, Target
from registration.tests.factories import CalendarFactory, MemberFactory, RegistrationFactory, TargetFactory

pytestmark = pytest.mark.django_db

MANY = WISHES + WISHES // 4
MINUTE = timedelta(minutes=1)


class Crowd:
    """A calendar with an event that many registrations want, each with a target of its own."""

    def __init__(self) -> None:
        member = MemberFactory()
        calendar = CalendarFactory(owner=None)
        self.source = calendar.source
        self.starts_at = now() + timedelta(hours=2)
        Target.objects.bulk_create(
            Target(member=member, kind="inbox", address=f"{n}", fingerprint=f"{n}", verified_at=now())
            for n in range(MANY)
        )
        targets = Target.objects.filter(member=member).order_by("pk")
        Registration.objects.bulk_create(
            Registration(
                member=member, kind="standing", pattern="telecon", calendar=calendar, planned_version=1
            )
            for _target in targets
        )
        plans = Registration.objects.filter(member=member).order_by("pk")
        Step.objects.bulk_create(
            Step(registration=plan, target=target) for plan, target in zip(plans, targets, strict=True)
        )
        self.publish()

    def publish(self, **changes: Any) -> None:
        publish([EventDraft(self.source, "1", changes.pop("title", "Telecon"), self.starts_at, **changes)])

    @property
    def due(self) -> set[Any]:
        return set(Delivery.objects.pending().values_list("due_at", flat=True))


@contextmanager
def rows_written() -> Iterator[list[int]]:
    """Note how many rows each statement on deliveries changes."""
    found: list[int] = []

    def watch(execute: Any, sql: str, parameters: Any, many: Any, context: Any) -> Any:
        result = execute(sql, parameters, many, context)
        if sql.startswith(("INSERT", "UPDATE")) and "eventinvoke_delivery" in sql.split("SET", maxsplit=1)[0]:
            found.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(watch):
        yield found


def test_every_plan_gets_its_delivery() -> None:
    with rows_written() as written:
        Crowd()
    assert Delivery.objects.pending().count() == MANY
    assert max(written) < MANY
    assert not Unplanned.objects.exists()


def test_a_moved_event_moves_all_deliveries() -> None:
    crowd = Crowd()
    crowd.starts_at += timedelta(hours=1)
    with rows_written() as written:
        crowd.publish()
    assert crowd.due == {crowd.starts_at - 10 * MINUTE}
    assert Delivery.objects.pending().count() == Delivery.objects.count() == MANY
    assert max(written) < MANY


def test_deliveries_of_a_canceled_event_are_canceled_in_parts() -> None:
    crowd = Crowd()
    with rows_written() as written:
        withdraw(crowd.source, ["1"])
    assert Delivery.objects.filter(state=State.CANCELED).count() == MANY
    assert max(written) <= WISHES


def test_deliveries_of_an_event_that_no_plan_wants_any_more_are_canceled_in_parts() -> None:
    crowd = Crowd()
    with rows_written() as written:
        crowd.publish(title="Dinner")
    assert not Delivery.objects.pending().exists()
    assert max(written) <= WISHES


def test_an_event_that_changes_between_two_parts_is_planned_from_the_beginning() -> None:
    crowd = Crowd()
    planner = Planner()
    event = Event.objects.get()
    marks.change([event.pk])
    done, place = planner._plan_some([event.pk], None)
    assert (done, place is None) == ([], False)
    crowd.starts_at += timedelta(hours=1)
    changes = {
        "starts_at": crowd.starts_at,
        "ends_at": None,
        "deadline_at": crowd.starts_at + timedelta(hours=1),
    }
    marks.change([event.pk], **changes)
    while place is not None:
        done, place = planner._plan_some([event.pk], place)
    assert done == [event.pk]
    assert crowd.due == {crowd.starts_at - 10 * MINUTE}


def test_a_new_event_that_another_process_planned_for_one_registration_is_shared_with_the_others() -> None:
    calendar = CalendarFactory(owner=None)
    target = TargetFactory()
    plans = [RegistrationFactory(member=target.member, calendar=calendar) for _ in range(2)]
    for plan in plans:
        Step.objects.create(registration=plan, target=target)
    starts_at = now() + timedelta(hours=2)
    event = Event.objects.create(
        source=calendar.source, external_id="1", title="Telecon", starts_at=starts_at,
        deadline_at=starts_at + timedelta(hours=1),
    )  # fmt: skip
    plan_registration(plans[1], [event.pk])
    Planner().plan_new([EventRow(*(getattr(event, name) for name in EventRow._fields))])
    delivery = Delivery.objects.get()
    assert delivery.registration_id == plans[1].pk
    assert Share.objects.get().registration_id == plans[0].pk


def test_a_step_that_another_target_of_its_member_carried_out_is_not_carried_out_again() -> None:
    """The planning of one registration finds it, though the delivery tells a target that is no longer in the plan."""
    calendar = CalendarFactory(owner=None)
    old = TargetFactory()
    new = TargetFactory(member=old.member)
    plan = RegistrationFactory(member=old.member, calendar=calendar)
    step = Step.objects.create(registration=plan, target=old, offset=-60 * MINUTE)
    publish([EventDraft(calendar.source, "1", "Telecon", now() + 50 * MINUTE)])
    Delivery.objects.update(state=State.SENT, sent_at=now())
    Step.objects.filter(pk=step.pk).update(target=new, offset=-10 * MINUTE)
    plan_registration(plan, [Event.objects.get().pk])
    assert not Delivery.objects.pending().exists()
