"""The admin: every model has a list, a search and a page, with few queries, and nothing can be broken there."""

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import F
from django.test import Client
from django.urls import reverse

from registration.models import Calendar, CalendarAccount, Member, Registration, Target, User, Verification
from registration.tests.factories import (
    CalendarFactory,
    DateFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def fill() -> None:
    for one in RegistrationFactory.create_batch(12):
        StepFactory.create(registration=one)
        target = TargetFactory.create(member=one.member, kind="voice")
        account = CalendarAccount.objects.create(
            owner=one.member, provider="caldav", name="ada", credentials="secret-456"
        )
        CalendarFactory.create(
            owner=one.member, url="https://example.org/private-key-123.ics", account=account
        )
        Verification.objects.create(
            target=target,
            member=one.member,
            fingerprint=target.fingerprint,
            code_hash="0" * 64,
            expires_at="2999-01-01T00:00Z",
        )


MODELS = [m for m in admin.site._registry if m._meta.app_label == "registration"]


def test_every_model_is_there() -> None:
    assert {m.__name__ for m in MODELS} == {
        "User",
        "Member",
        "Target",
        "Verification",
        "Registration",
        "Step",
        "Calendar",
        "CalendarAccount",
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_its_list_search_and_page_are_shown_with_few_queries(
    boss: Client, model: Any, django_assert_max_num_queries: Any
) -> None:
    fill()
    name = f"admin:registration_{model._meta.model_name}"
    with django_assert_max_num_queries(12):
        assert boss.get(reverse(f"{name}_changelist")).status_code == 200
    assert boss.get(reverse(f"{name}_changelist"), {"q": "a"}).status_code == 200
    pk = model.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert boss.get(reverse(f"{name}_change", args=[pk])).status_code == 200


def test_the_address_of_a_calendar_is_shown_nowhere(boss: Client) -> None:
    one = CalendarFactory.create(url="https://example.org/private-key-123.ics")
    for path in ("changelist", "change"):
        args = [one.pk] if path == "change" else []
        html = boss.get(reverse(f"admin:registration_calendar_{path}", args=args)).content.decode()
        assert "private-key-123" not in html
        assert "example.org" in html


def test_what_an_account_signs_in_with_is_shown_nowhere_and_not_changed(boss: Client) -> None:
    fill()
    pk = CalendarAccount.objects.values_list("pk", flat=True)[0]
    address = reverse("admin:registration_calendaraccount_change", args=[pk])
    for path in (reverse("admin:registration_calendaraccount_changelist"), address):
        assert "secret-456" not in boss.get(path).content.decode()
    assert boss.post(address, {"name": "x", "credentials": "x"}).status_code == 403


def calendar_data(one: Calendar, **more: str) -> dict[str, str]:
    data = {"name": "Renamed", "kind": "ical_url", "url": "", "interval": "00:05:00", "is_active": "on"}
    return data | {"owner": str(one.owner_id), "default_time_zone": ""} | more


def test_an_address_that_is_left_empty_stays(boss: Client) -> None:
    one = CalendarFactory.create(url="https://example.org/private-key-123.ics")
    boss.post(reverse("admin:registration_calendar_change", args=[one.pk]), calendar_data(one))
    one.refresh_from_db()
    assert (one.name, one.url) == ("Renamed", "https://example.org/private-key-123.ics")


def test_a_calendar_s_password_is_never_shown_and_stays_until_another_is_typed(boss: Client) -> None:
    one = CalendarFactory.create(url="https://example.org/", user_name="ada", password="secret-456")
    address = reverse("admin:registration_calendar_change", args=[one.pk])
    assert "secret-456" not in boss.get(address).content.decode()
    for typed, stored in (
        ({"user_name": "ada"}, "secret-456"),
        ({"user_name": "ada", "password": "x"}, "x"),
        ({"user_name": "", "password": ""}, ""),
    ):
        boss.post(address, calendar_data(one, **typed))
        one.refresh_from_db()
        assert one.password == stored


def test_changing_a_registration_has_it_planned_again(boss: Client) -> None:
    one = DateFactory.create(planned_version=1)
    step = StepFactory.create(registration=one)
    data = {
        "member": one.member_id,
        "kind": "date",
        "name": "Other",
        "title": "Other",
        "starts_at_0": "2030-01-01",
        "starts_at_1": "10:00",
        "severity": "10",
        "labels": "{}",
        "action": "notify",
        "syntax": "regex",
        "fields": ["title"],
        "all_day_at": "09:00",
        "muted_sources": "[]",
        "is_active": "on",
        "steps-TOTAL_FORMS": "1",
        "steps-INITIAL_FORMS": "1",
        "steps-0-id": step.pk,
        "steps-0-registration": one.pk,
        "steps-0-target": step.target_id,
        "steps-0-offset": "20 minutes before",
        "steps-0-condition": "always",
        "steps-0-redials": "1",
    }
    answer = boss.post(reverse("admin:registration_registration_change", args=[one.pk]), data)
    assert answer.status_code == 302
    one.refresh_from_db()
    assert (one.name, one.is_planned) == ("Other", False)


def act(boss: Client, model: str, action: str, *pks: int) -> None:
    data = {"action": action, "_selected_action": [str(pk) for pk in pks]}
    boss.post(reverse(f"admin:registration_{model}_changelist"), data, follow=True)


def test_targets_are_switched_off_and_on_and_planned_again(boss: Client) -> None:
    step = StepFactory.create()
    for action, is_usable in (("disable", False), ("enable", True)):
        Registration.objects.update(planned_version=F("version"))
        act(boss, "target", action, step.target.pk)
        assert Target.objects.get(pk=step.target.pk).is_usable is is_usable
        assert not Registration.objects.get(pk=step.registration_id).is_planned


def test_registrations_are_switched_off_and_planned_again(boss: Client) -> None:
    one = RegistrationFactory.create()
    act(boss, "registration", "switch_off", one.pk)
    one.refresh_from_db()
    assert (one.is_active, one.is_planned) == (False, False)


def test_a_member_that_is_added_gets_an_inbox(boss: Client) -> None:
    user = UserFactory.create()
    data = {
        "user": user.pk,
        "name": "Ann",
        "time_zone": "UTC",
        "language": "en",
        "daily_cap": "",
        "critical_reserve": "0",
    }
    management = {"targets-TOTAL_FORMS": "0", "targets-INITIAL_FORMS": "0"}
    boss.post(reverse("admin:registration_member_add"), data | management)
    assert Target.objects.get(member=Member.objects.get(user=user)).kind == "inbox"


def test_a_password_that_an_administrator_sets_has_to_be_replaced(boss: Client) -> None:
    user = UserFactory.create()
    data = {"password1": "quite another one 7", "password2": "quite another one 7", "usable_password": "true"}
    boss.post(reverse("admin:auth_user_password_change", args=[user.pk]), data)
    user.refresh_from_db()
    assert user.check_password("quite another one 7")
    assert user.must_change_password


def test_a_new_account_s_password_is_hashed(boss: Client) -> None:
    data = {"username": "ann", "password1": "quite another one 7", "password2": "quite another one 7"}
    boss.post(
        reverse("admin:registration_user_add"),
        data | {"usable_password": "true", "must_change_password": "on"},
    )
    user = User.objects.get(username="ann")
    assert user.check_password("quite another one 7")
    assert user.password != "quite another one 7"
    assert user.must_change_password


@pytest.mark.parametrize("model", ["verification", "step"])
def test_what_only_the_program_writes_can_not_be_changed(boss: Client, model: str) -> None:
    assert boss.get(reverse(f"admin:registration_{model}_add")).status_code == 403


def test_an_account_without_staff_status_gets_no_further_than_the_login(page: Client) -> None:
    assert page.get("/admin/").status_code == 302


def test_an_account_that_is_switched_off_or_on_has_its_registrations_planned_again(boss: Client) -> None:
    registration = DateFactory(planned_version=1)
    user = registration.member.user
    page = reverse("admin:registration_user_change", args=[user.pk])
    data = {"username": user.username, "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    for is_active in ({}, {"is_active": "on"}):
        Registration.objects.update(planned_version=F("version"))
        assert boss.post(page, data | is_active).status_code == 302
        assert list(Registration.objects.unplanned()) == [registration]
    Registration.objects.update(planned_version=F("version"))
    assert boss.post(page, data | {"is_active": "on", "last_name": "New"}).status_code == 302
    assert not Registration.objects.unplanned().exists()
