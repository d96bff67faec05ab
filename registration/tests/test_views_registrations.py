"""Registrations in the panel: every form error next to its field, plans, declining, access."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import F
from django.test import Client

from common.channels import Severity
from common.clock import now
from registration.models import Member, Registration, Target
from registration.tests.factories import (
    CalendarFactory,
    DateFactory,
    MemberFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)
from registration.tests.form_data import date, standing
from registration.tests.pages import error_at, text_of
from tests.fixtures.people import new_member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_berlin")]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_march() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def test_one_date_is_stored_in_the_member_s_zone_with_its_plan(
    page: Client, member: Member, inbox: Target
) -> None:
    answer = page.post("/registrations/add/", date(inbox, ends_at="2026-03-10T15:00", severity="30"))
    assert answer["Location"] == "/registrations/"
    one = Registration.objects.get()
    assert (one.member, one.created_by, one.kind, one.name) == (member, member, "date", "Dentist")
    assert one.starts_at == datetime(2026, 3, 10, 13, 30, tzinfo=UTC)
    assert one.ends_at == datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
    assert (one.severity, one.is_planned) == (Severity.CRITICAL, False)
    step = one.steps.get()
    assert (step.target, step.offset) == (inbox, timedelta(minutes=-10))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", "", "This field is required."),
        ("starts_at", "", "This field is required."),
        ("starts_at", "2026-02-30T10:00", "This day does not exist: 2026-02-30."),
        ("starts_at", "2026-13-01 10:00", "This day does not exist: 2026-13-01."),
        ("starts_at", "2026-03-10T25:00", "This time does not exist: 25:00."),
        ("starts_at", "2026-03-10 10:61", "This time does not exist: 10:61."),
        ("starts_at", "10 March 2026", "Enter a date and a time, like 2026-03-29 14:30."),
        ("starts_at", "next week", "Enter a date and a time, like 2026-03-29 14:30."),
        ("starts_at", "2026-03-10T10:00+02:00", "Enter the time without a time zone: yours is used."),
        ("starts_at", "9999-12-31T23:59", "The date is more than 50 years ahead."),
        ("starts_at", "2026-02-28T10:00", "This time is in the past."),
        (
            "starts_at",
            "2026-03-29T02:30",
            (
                "02:30 does not exist on 29 March 2026 in Europe/Berlin: "
                "the clock jumps from 02:00 to 03:00. Did you mean 03:30?"
            ),
        ),
        ("ends_at", "2026-03-10T14:00", "The end can't be before the start."),
        ("ends_at", "2026-03-29T02:15", "Did you mean 03:15?"),
        ("ends_at", "2999-01-01T10:00", "The date is more than 50 years ahead."),
        ("severity", "99", ""),
        ("url", "no address", "Enter a web address, like https://example.org/page."),
        ("url", "ftp://example.org/", "Enter a web address, like https://example.org/page."),
        ("starts_at", "2026-03-10", "Enter a date and a time"),
        ("title", "a\x01b", "The text has invisible characters"),
        ("description", "a\x1b[31mb", "The text has invisible characters"),
        ("title", "t" * 501, "At most 500 characters (now 501)."),
        ("location", "x" * 600, ""),
    ],
)
def test_what_can_not_be_taken_is_told_next_to_its_field(
    page: Client, inbox: Target, field: str, value: str, said: str
) -> None:
    answer = page.post("/registrations/add/", date(inbox, **{field: value}))
    assert answer.status_code == 200
    told = error_at(answer, field)
    assert told
    assert said in told
    assert not Registration.objects.exists()


def test_a_time_that_comes_twice_is_asked_for_and_then_taken(page: Client, inbox: Target) -> None:
    data = date(inbox, starts_at="2026-10-25T02:30")
    asked = page.post("/registrations/add/", data)
    assert "02:30 comes twice on 25 October 2026" in error_at(asked, "starts_at")
    assert "the second 02:30, CET (UTC+01:00)" in text_of(asked)
    page.post("/registrations/add/", data | {"starts_at_fold": "1"})
    assert Registration.objects.get().starts_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_time_that_comes_twice_stays_the_same_when_its_registration_is_changed(
    page: Client, member: Member, inbox: Target
) -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    one = DateFactory.create(member=member, starts_at=second)
    html = page.get(f"/registrations/{one.pk}/").content.decode()
    assert 'name="starts_at_fold" value="1"' in html
    page.post(f"/registrations/{one.pk}/", date(inbox, starts_at="2026-10-25T02:30", starts_at_fold="1"))
    one.refresh_from_db()
    assert one.starts_at == second


def test_a_date_that_has_passed_meanwhile_may_still_be_retitled(
    page: Client, member: Member, inbox: Target
) -> None:
    one = DateFactory.create(member=member, starts_at=now() - timedelta(days=1))
    page.post(f"/registrations/{one.pk}/", date(inbox, title="Other", starts_at="2026-02-28T13:00"))
    one.refresh_from_db()
    assert one.title == "Other"


def test_a_pattern_is_stored_and_names_its_registration(page: Client, inbox: Target) -> None:
    calendar = CalendarFactory.create(owner=inbox.member)
    page.post("/registrations/add/?kind=standing", standing(inbox, calendar=calendar.pk))
    one = Registration.objects.get()
    assert (one.kind, one.name, one.pattern, one.calendar) == ("standing", "telecon", "telecon", calendar)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "This field is required."),
        ("(", "This is not a valid pattern"),
        ("(?=x)", "Lookahead and lookbehind"),
        (r"(a)\1", "back-reference"),
        ("a++", "Possessive"),
        ("x" * 501, ""),
    ],
)
def test_a_pattern_that_can_not_be_used_is_told_next_to_its_field(
    page: Client, inbox: Target, pattern: str, said: str
) -> None:
    data = standing(inbox, pattern=pattern, syntax="regex")
    told = error_at(page.post("/registrations/add/?kind=standing", data), "pattern")
    assert told
    assert said in told


def test_another_member_s_calendar_can_not_be_chosen(page: Client, inbox: Target) -> None:
    calendar = CalendarFactory.create()
    answer = page.post("/registrations/add/?kind=standing", standing(inbox, calendar=calendar.pk))
    assert "Choose one from the list." in error_at(answer, "calendar")


def test_the_staff_can_not_give_a_member_a_calendar_that_it_may_not_see(
    staff_page: Client, inbox: Target
) -> None:
    calendar = CalendarFactory.create(name="Private")
    data = standing(inbox, calendar=calendar.pk, member=inbox.member_id)
    answer = staff_page.post("/registrations/add/?kind=standing", data)
    assert error_at(answer, "calendar").endswith("can't see this calendar.")


def for_another(by: Client, member: Member, inbox: Target) -> Registration:
    by.post("/registrations/add/", date(inbox) | {"member": str(member.pk)})
    return Registration.objects.get(member=member)


def test_what_the_staff_registered_for_a_member_may_be_declined_and_accepted(
    page: Client, staff_page: Client, member: Member, inbox: Target
) -> None:
    one = for_another(staff_page, member, inbox)
    for action, is_declined in (("decline", True), ("accept", False)):
        Registration.objects.update(planned_version=F("version"))
        page.post(f"/registrations/{one.pk}/{action}")
        one.refresh_from_db()
        assert ((one.declined_at is not None), one.is_planned) == (is_declined, False)


def test_what_the_staff_registered_for_a_member_can_not_be_changed_by_that_member(
    page: Client, staff_page: Client, member: Member, inbox: Target
) -> None:
    one = for_another(staff_page, member, inbox)
    assert page.get(f"/registrations/{one.pk}/").status_code == 404
    assert page.post(f"/registrations/{one.pk}/delete").status_code == 404
    assert "Decline" in text_of(page.get("/registrations/"))


def test_one_s_own_registration_is_not_declined_but_deleted(page: Client, member: Member) -> None:
    one = RegistrationFactory.create(member=member)
    assert page.post(f"/registrations/{one.pk}/decline").status_code == 404
    page.post(f"/registrations/{one.pk}/delete")
    assert not Registration.objects.exists()


@pytest.mark.parametrize("action", ["switch", "delete", "decline", "accept"])
def test_another_member_s_registration_can_not_be_touched(page: Client, action: str) -> None:
    one = RegistrationFactory.create()
    assert page.post(f"/registrations/{one.pk}/{action}").status_code == 404
    assert page.get(f"/registrations/{one.pk}/").status_code == 404


def test_switching_off_and_on_is_planned(page: Client, member: Member) -> None:
    one = RegistrationFactory.create(member=member)
    for is_active in (False, True):
        Registration.objects.update(planned_version=F("version"))
        page.post(f"/registrations/{one.pk}/switch", {"is_active": "1" if is_active else "0"})
        one.refresh_from_db()
        assert (one.is_active, one.is_planned) == (is_active, False)


def test_a_member_sees_its_own_and_the_staff_those_of_all_members(
    page: Client, staff_page: Client, member: Member
) -> None:
    RegistrationFactory.create(member=member, name="Mine")
    RegistrationFactory.create(name="Other")
    shown = text_of(page.get("/registrations/?all=1"))
    assert "Mine" in shown
    assert "Other" not in shown
    assert "Other" in text_of(staff_page.get("/registrations/?all=1"))


def test_the_list_is_filtered_by_words_and_kind(page: Client, member: Member) -> None:
    RegistrationFactory.create(member=member, name="Reviews", pattern="review")
    DateFactory.create(member=member, name="Dentist")
    shown = text_of(page.get("/registrations/?q=rEVIEW"))
    assert "Dentist" not in shown
    assert "Reviews" in shown
    assert "Reviews" not in text_of(page.get("/registrations/?kind=date"))
    assert "No matches" in text_of(page.get("/registrations/?q=zebra"))


def test_the_list_costs_the_same_for_many_registrations(
    page: Client, member: Member, django_assert_max_num_queries: Any
) -> None:
    for one in RegistrationFactory.create_batch(25, member=member):
        StepFactory.create(registration=one)
    with django_assert_max_num_queries(10):
        page.get("/registrations/")


def test_the_form_costs_the_same_for_many_targets(
    staff_page: Client, django_assert_max_num_queries: Any
) -> None:
    TargetFactory.create_batch(25)
    new_member()
    MemberFactory.create_batch(5)
    with django_assert_max_num_queries(8):
        staff_page.get("/registrations/add/")


def test_a_plan_of_thousands_of_steps_is_not_shown_again_as_thousands_of_rows(
    page: Client, inbox: Target
) -> None:
    answer = page.post("/registrations/add/", date(inbox, **{"steps-TOTAL_FORMS": "99999"}))
    assert "A plan has at most 20 steps." in text_of(answer)
    assert answer.content.count(b'-amount"') < 200


@pytest.mark.parametrize(
    "data", [{}, {"steps-TOTAL_FORMS": "x"}, {"steps-TOTAL_FORMS": "99999", "steps-INITIAL_FORMS": "0"}]
)
def test_a_mangled_plan_is_refused_without_a_fault(page: Client, data: dict[str, str]) -> None:
    answer = page.post(
        "/registrations/add/", {"title": "x", "starts_at": "2026-03-10T10:00", "severity": "10"} | data
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("query", ["q=%00", "q=%25_", "page=x", "page=99999", "kind=x", "all=x"])
def test_a_mangled_query_is_passed_over(page: Client, member: Member, query: str) -> None:
    RegistrationFactory.create(member=member)
    assert page.get(f"/registrations/?{query}").status_code == 200


@pytest.mark.parametrize("pk", ["9" * 30, "0"])
def test_a_number_that_is_no_registration_is_not_found(page: Client, pk: str) -> None:
    assert page.get(f"/registrations/{pk}/").status_code == 404
