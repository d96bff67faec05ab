"""How much one member may have: calendars, registrations, and notices that wait for their time."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from common.clock import now
from eventinvoke.models import Delivery, Event
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.models import Calendar, Member, Registration, Target
from registration.tests import form_data
from registration.tests.factories import CalendarFactory, RegistrationFactory
from registration.tests.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few(settings: Any) -> Any:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["192.0.2.0/25"]
    settings.NOTICE_MOST = {"calendars": 2, "registrations": 2, "pending": 10}
    return settings


def add_calendar(page: Client, number: int, **more: str) -> Any:
    form = {"name": f"{number}", "url": f"https://192.0.2.7/{number}.ics", "interval": "300", **more}
    return page.post("/calendars/add/", form)


def test_a_member_has_so_many_calendars(page: Client, member: Member, other_page: Client) -> None:
    for number in range(2):
        assert add_calendar(page, number).status_code == 302
    assert "A member may have 2 calendars." in text_of(add_calendar(page, 3))
    assert Calendar.objects.filter(owner=member).count() == 2
    assert add_calendar(other_page, 1).status_code == 302


def test_one_of_the_calendars_may_still_be_changed(page: Client, member: Member, few: Any) -> None:
    one = CalendarFactory.create(owner=member, url="https://192.0.2.7/a.ics")
    few.NOTICE_MOST["calendars"] = 0
    form = {"name": "Renamed", "interval": "300"}
    assert page.post(f"/calendars/{one.pk}/edit/", form).status_code == 302


def test_calendars_for_everyone_are_not_those_of_a_member(staff_page: Client) -> None:
    for number in range(4):
        assert add_calendar(staff_page, number, is_for_everybody="on").status_code == 302


def test_a_member_has_so_many_registrations(page: Client, member: Member, inbox: Target) -> None:
    for _ in range(2):
        RegistrationFactory.create(member=member)
    start = f"{now() + timedelta(days=2):%Y-%m-%dT%H:%M}"
    for kind, form in (
        ("date", form_data.date(inbox, starts_at=start)),
        ("standing", form_data.standing(inbox)),
    ):
        answer = page.post(f"/registrations/add/?kind={kind}", form)
        assert "A member may have 2 registrations." in text_of(answer)
    assert Registration.objects.count() == 2


@pytest.fixture
def calendar(member: Member) -> Calendar:
    made: Calendar = CalendarFactory.create(owner=member)
    for number in range(6):
        EventFactory.create(source=made.source, title="telecon", starts_at=now() + timedelta(days=1 + number))
    return made


def plan(inbox: Target, steps: int, **more: str) -> dict[str, Any]:
    rows = [(inbox.pk, 10 * (n + 1), "minutes", "before") for n in range(steps)]
    return form_data.standing(inbox) | form_data.plan(*rows) | more


@pytest.mark.usefixtures("calendar")
def test_a_form_makes_so_many_notices_at_most(page: Client, inbox: Target) -> None:
    answer = page.post("/registrations/add/?kind=standing", plan(inbox, 2))
    assert "With this plan 12 notices would wait to be sent, and a member may have 10." in text_of(answer)
    assert not Registration.objects.exists()
    assert page.post("/registrations/add/?kind=standing", plan(inbox, 1)).status_code == 302


@pytest.mark.usefixtures("calendar")
def test_what_waits_already_counts(page: Client, member: Member, inbox: Target) -> None:
    first = RegistrationFactory.create(member=member)
    for _ in range(5):
        DeliveryFactory.create(target=inbox, registration=first)
    answer = page.post("/registrations/add/?kind=standing", plan(inbox, 1))
    assert "With this plan 11 notices would wait" in text_of(answer)


@pytest.mark.usefixtures("calendar")
def test_an_edit_counts_what_it_adds_and_what_it_takes_away(
    page: Client, member: Member, inbox: Target
) -> None:
    page.post("/registrations/add/?kind=standing", plan(inbox, 1))
    stored = Registration.objects.get()
    step = stored.steps.get()
    for event in Event.objects.all():
        DeliveryFactory.create(
            event=event,
            target=inbox,
            registration=stored,
            step_id=step.pk,
            due_at=event.starts_at + step.offset,
        )
    address = f"/registrations/{stored.pk}/"
    assert "With this plan 12 notices" in text_of(page.post(address, plan(inbox, 2)))
    same = plan(inbox, 1, **{"steps-INITIAL_FORMS": "1", "steps-0-step": str(step.pk)})
    assert page.post(address, same).status_code == 302
    assert Delivery.objects.count() == 6
