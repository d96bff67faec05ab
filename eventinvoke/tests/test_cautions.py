"""What a registration is asked about before it is stored."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from common.clock import now
from eventinvoke.planning.replan import follow_changes
from eventinvoke.tests.factories import EventFactory
from registration.models import Calendar, Member, Registration, Target
from registration.tests.factories import CalendarFactory, DateFactory, StepFactory, TargetFactory
from registration.tests.form_data import plan, standing
from registration.tests.pages import text_of

pytestmark = pytest.mark.django_db
ADD = "/registrations/add/?kind=standing"


@pytest.fixture
def calendar(member: Member) -> Calendar:
    """A calendar of the member with an event that began a minute ago."""
    made: Calendar = CalendarFactory.create(owner=member)
    EventFactory.create(
        source=made.source,
        title="Running telecon",
        starts_at=now() - timedelta(minutes=1),
        ends_at=now() + timedelta(hours=1),
        deadline_at=now() + timedelta(hours=1),
    )
    return made


def asked(page: Client, data: dict[str, Any], path: str = ADD) -> str:
    """Return what is asked; nothing is stored before it is answered."""
    before = list(Registration.objects.values_list("pk", "version"))
    answer = page.post(path, data | {"accepted": ""})
    assert list(Registration.objects.values_list("pk", "version")) == before
    assert "Not saved yet" in text_of(answer)
    return text_of(answer)


def test_a_member_without_a_calendar_is_told_that_none_is_searched(page: Client, inbox: Target) -> None:
    assert "has no calendar yet" in asked(page, standing(inbox))
    page.post(ADD, standing(inbox, accepted="calendar"))
    assert Registration.objects.count() == 1


@pytest.mark.usefixtures("calendar")
@pytest.mark.parametrize(
    ("field", "value", "key", "said"),
    [
        ("pattern", "*", "pattern-star", "A “*” in the search terms stands for itself."),
        ("pattern", '"PFS review', "pattern-quote", "A quotation mark in the search terms isn't closed."),
        ("exclude", "“test", "exclude-quote", "A quotation mark in the terms to exclude isn't closed."),
    ],
)
def test_search_terms_that_mean_something_else_are_asked_about(
    page: Client, inbox: Target, field: str, value: str, key: str, said: str
) -> None:
    data = standing(inbox, **{"pattern": "review", field: value})
    assert said in asked(page, data)
    page.post(ADD, data | {"accepted": key})
    assert Registration.objects.count() == 1


@pytest.mark.usefixtures("calendar")
def test_plain_search_terms_are_stored_at_once(page: Client, inbox: Target) -> None:
    page.post(ADD, standing(inbox, pattern='review "of the"', accepted=""))
    assert Registration.objects.count() == 1


@pytest.mark.usefixtures("calendar")
def test_a_call_about_what_has_begun_is_asked_about(page: Client, member: Member) -> None:
    phone = TargetFactory.create(member=member, kind="voice")
    data = standing(phone) | plan((phone.pk, 2, "minutes", "before"))
    assert "“Running telecon” has begun. Saving sends notices at once" in asked(page, data)
    page.post(ADD, data | {"accepted": "begun"})
    assert Registration.objects.count() == 1


@pytest.mark.usefixtures("calendar")
def test_a_step_that_is_long_past_asks_nothing(page: Client, inbox: Target) -> None:
    page.post(ADD, standing(inbox, accepted="") | plan((inbox.pk, 30, "minutes", "before")))
    assert Registration.objects.count() == 1


def test_a_new_step_of_a_single_event_that_has_begun_is_asked_about(
    page: Client, member: Member, inbox: Target
) -> None:
    one = DateFactory.create(member=member, title="Dentist", starts_at=now() + timedelta(seconds=30))
    StepFactory.create(registration=one, target=inbox, offset=timedelta(minutes=-10))
    follow_changes()
    started = now().replace(second=0, microsecond=0) - timedelta(minutes=1)
    Registration.objects.filter(pk=one.pk).changed(starts_at=started)
    follow_changes()
    data = {"title": "Dentist", "starts_at": f"{started:%Y-%m-%dT%H:%M}", "severity": "10"}
    same = plan((inbox.pk, 5, "minutes", "after"))
    assert page.post(f"/registrations/{one.pk}/", data | same).status_code == 302
    phone = TargetFactory.create(member=member, kind="voice")
    more = plan((phone.pk, 0, "minutes", "before"))
    assert "“Dentist” has begun" in asked(page, data | more, f"/registrations/{one.pk}/")
