"""The plan of a registration in the panel: its rows, their errors, and what becomes of changed steps."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from common.clock import now
from registration.models import Member, Step, Target
from registration.tests.factories import (
    DateFactory,
    StepFactory,
    TargetFactory,
)
from registration.tests.form_data import date, plan
from registration.tests.pages import error_at, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_berlin")]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_march() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def test_a_plan_without_a_step_is_refused(page: Client, inbox: Target) -> None:
    answer = page.post("/registrations/add/", date(inbox) | plan(("", 10, "minutes", "before")))  # type: ignore[arg-type]
    assert "The plan needs at least one step" in text_of(answer)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("steps-0-amount", "", "This field is required."),
        ("steps-0-amount", "-5", "At least 0."),
        ("steps-0-amount", "soon", "Enter a whole number."),
        ("steps-0-unit", "weeks", "Choose one from the list."),
        ("steps-0-target", "999999", "Choose one from the list."),
        ("steps-0-target", "x", "Choose one from the list."),
    ],
)
def test_what_a_step_can_not_take_is_told_next_to_its_field(
    page: Client, inbox: Target, field: str, value: str, said: str
) -> None:
    answer = page.post("/registrations/add/", date(inbox, **{field: value}))
    assert said in error_at(answer, field)


@pytest.mark.parametrize(("typed", "stored"), [("", 1), ("0", 0), ("3", 3)])
def test_a_step_says_how_often_an_unanswered_call_is_repeated(
    page: Client, inbox: Target, typed: str, stored: int
) -> None:
    page.post("/registrations/add/", date(inbox, **{"steps-0-redials": typed}))
    assert Step.objects.get().redials == stored
    shown = page.get(f"/registrations/{Step.objects.get().registration_id}/")
    assert f'<option value="{typed}" selected>' in shown.content.decode()


def test_a_row_with_a_time_but_no_target_asks_for_it(page: Client, inbox: Target) -> None:
    rows = plan((inbox.pk, 10, "minutes", "before"), ("", 25, "hours", "after"))  # type: ignore[arg-type]
    answer = page.post("/registrations/add/", date(inbox) | rows)
    assert error_at(answer, "steps-1-target") == "Choose a contact method."


@pytest.mark.parametrize(
    ("amount", "direction", "said"),
    [(61, "before", "At most 60 days before the start."), (8, "after", "At most 7 days after the start.")],
)
def test_a_step_out_of_reach_is_refused(
    page: Client, inbox: Target, amount: int, direction: str, said: str
) -> None:
    answer = page.post("/registrations/add/", date(inbox) | plan((inbox.pk, amount, "days", direction)))
    assert error_at(answer, "steps-0-amount") == said


def test_the_same_step_twice_is_refused(page: Client, inbox: Target) -> None:
    rows = plan((inbox.pk, 60, "minutes", "before"), (inbox.pk, 1, "hours", "before"))
    assert error_at(page.post("/registrations/add/", date(inbox) | rows), "steps-1-target") == (
        "The plan has this step already."
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [({"verified_at": None}, "Work is not verified yet."), ({"disabled_at": NOW}, "Work is switched off.")],
)
def test_a_target_that_can_not_be_used_is_told_with_the_reason(
    page: Client, member: Member, inbox: Target, state: dict[str, Any], said: str
) -> None:
    target = TargetFactory.create(member=member, kind="voice", label="Work", **state)
    answer = page.post("/registrations/add/", date(inbox) | plan((target.pk, 10, "minutes", "before")))
    assert error_at(answer, "steps-0-target") == said


def test_another_member_s_target_can_not_be_put_into_a_plan(page: Client, inbox: Target) -> None:
    other = TargetFactory.create()
    answer = page.post("/registrations/add/", date(inbox) | plan((other.pk, 10, "minutes", "before")))
    assert "Choose one from the list." in error_at(answer, "steps-0-target")


def test_the_staff_may_plan_a_next_person(staff_page: Client, inbox: Target) -> None:
    other = TargetFactory.create()
    rows = plan((inbox.pk, 10, "minutes", "before"), (other.pk, 5, "minutes", "before"))
    staff_page.post("/registrations/add/", date(inbox) | rows | {"member": str(inbox.member_id)})
    assert {step.target_id for step in Step.objects.all()} == {inbox.pk, other.pk}


def test_changing_a_plan_keeps_a_step_that_was_only_moved(
    page: Client, member: Member, inbox: Target
) -> None:
    one = DateFactory.create(member=member, starts_at=now() + timedelta(days=1), planned_version=1)
    step = StepFactory.create(registration=one, target=inbox, offset=timedelta(minutes=-10))
    gone = StepFactory.create(registration=one, target=inbox, offset=timedelta(minutes=-20))
    rows = plan((inbox.pk, 7, "minutes", "before"), (inbox.pk, 20, "minutes", "before"))
    rows |= {"steps-INITIAL_FORMS": "2", "steps-0-step": str(step.pk), "steps-1-step": str(gone.pk)}
    page.post(f"/registrations/{one.pk}/", date(inbox) | rows | {"steps-1-DELETE": "on"})
    assert list(one.steps.values_list("pk", "offset")) == [(step.pk, timedelta(minutes=-7))]
    one.refresh_from_db()
    assert not one.is_planned


def test_two_steps_may_change_places(page: Client, member: Member, inbox: Target) -> None:
    one = DateFactory.create(member=member, starts_at=now() + timedelta(days=1))
    voice = TargetFactory.create(member=member, kind="voice")
    first = StepFactory.create(registration=one, target=inbox, offset=timedelta(minutes=-10))
    second = StepFactory.create(registration=one, target=voice, offset=timedelta(minutes=-10))
    rows = plan((voice.pk, 10, "minutes", "before"), (inbox.pk, 10, "minutes", "before"))
    rows |= {"steps-INITIAL_FORMS": "2", "steps-0-step": str(first.pk), "steps-1-step": str(second.pk)}
    assert page.post(f"/registrations/{one.pk}/", date(inbox) | rows).status_code == 302
    assert {step.target_id for step in one.steps.all()} == {inbox.pk, voice.pk}


def test_a_step_of_another_registration_is_not_touched(page: Client, member: Member, inbox: Target) -> None:
    one = DateFactory.create(member=member, starts_at=now() + timedelta(days=1))
    other = StepFactory.create(offset=timedelta(minutes=-3))
    rows = plan((inbox.pk, 7, "minutes", "before")) | {"steps-0-step": str(other.pk)}
    page.post(f"/registrations/{one.pk}/", date(inbox) | rows)
    other.refresh_from_db()
    assert (other.registration_id == one.pk, other.offset) == (False, timedelta(minutes=-3))
