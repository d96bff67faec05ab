"""Signing in, the password that has to be changed, and the member that is made."""

import pytest
from django.test import Client

from registration.models import Member, Target, User
from registration.tests.factories import UserFactory
from registration.tests.pages import error_at, text_of

pytestmark = pytest.mark.django_db


def test_a_person_signs_in_and_is_led_to_what_is_coming(client: Client) -> None:
    UserFactory.create(username="ann")
    answer = client.post("/accounts/login/", {"username": "ann", "password": "a long password"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/upcoming/"


def test_a_wrong_password_is_told_on_the_page(client: Client) -> None:
    UserFactory.create(username="ann")
    answer = client.post("/accounts/login/", {"username": "ann", "password": "wrong"})
    assert "Wrong user name or password" in text_of(answer)


def test_the_first_page_makes_a_member_with_an_inbox_that_is_ready(client: Client) -> None:
    user = UserFactory.create(first_name="Ann", last_name="Lee")
    client.force_login(user)
    client.get("/upcoming/")
    target = Target.objects.get(member__user=user)
    assert (target.kind, target.address, target.is_usable, target.member.name) == (
        "inbox",
        "inbox",
        True,
        "Ann Lee",
    )


def test_a_second_page_makes_no_second_member(client: Client) -> None:
    user = UserFactory.create()
    client.force_login(user)
    client.get("/upcoming/")
    client.get("/upcoming/")
    assert Member.objects.filter(user=user).count() == Target.objects.filter(member__user=user).count() == 1


@pytest.mark.parametrize("path", ["/upcoming/", "/targets/", "/admin/", "/profile/", "/nothing-here"])
def test_a_user_with_a_password_set_by_an_administrator_comes_no_further_than_to_change_it(
    client: Client, path: str
) -> None:
    client.force_login(UserFactory.create(must_change_password=True, is_staff=True, is_superuser=True))
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/")


def test_a_user_with_a_password_set_by_an_administrator_can_send_no_form_either(client: Client) -> None:
    user = UserFactory.create(must_change_password=True)
    client.force_login(user)
    assert client.post("/profile/", {"name": "Other"})["Location"] == "/accounts/password/"


def test_a_poll_of_an_open_page_is_led_to_the_password_too(client: Client) -> None:
    client.force_login(UserFactory.create(must_change_password=True))
    answer = client.get("/inbox/news", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/accounts/password/")


def change_password(client: Client, old: str, new: str) -> object:
    data = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post("/accounts/password/", data)


def test_a_password_of_ones_own_opens_everything(client: Client) -> None:
    user = UserFactory.create(must_change_password=True)
    client.force_login(user)
    change_password(client, "a long password", "quite another one 7")
    assert client.get("/upcoming/").status_code == 200
    user.refresh_from_db()
    assert user.check_password("quite another one 7")
    assert not user.must_change_password


def test_the_old_password_is_no_new_one(client: Client) -> None:
    user = UserFactory.create(must_change_password=True)
    client.force_login(user)
    answer = change_password(client, "a long password", "a long password")
    assert error_at(answer, "new_password1") == "The new password must differ from the old one."
    assert User.objects.get(pk=user.pk).must_change_password


def test_a_form_without_its_token_is_refused(member: Member) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member.user)
    answer = client.post("/profile/", {"name": "Mallory"})
    assert answer.status_code == 403
    assert "the form expired" in text_of(answer)


def test_a_page_that_does_not_exist_has_a_friendly_one_of_its_own(client: Client) -> None:
    answer = client.get("/nothing-here")
    assert answer.status_code == 404
    assert "Page not found" in text_of(answer)


def test_no_page_carries_an_inline_script_or_style(staff_page: Client) -> None:
    for path in (
        "/upcoming/",
        "/inbox/",
        "/history/",
        "/targets/",
        "/registrations/add/",
        "/calendars/",
        "/profile/",
    ):
        html = staff_page.get(path).content.decode()
        assert " style=" not in html, path
        assert "<style" not in html, path
        assert "<script>" not in html, path
        assert " onclick=" not in html, path


def test_a_weak_password_is_told_next_to_the_new_password(client: Client) -> None:
    user = UserFactory.create(must_change_password=True)
    user.set_password("made-for-you-1")
    user.save()
    client.force_login(user)
    weak = {"old_password": "made-for-you-1", "new_password1": "12345", "new_password2": "12345"}
    answer = client.post("/accounts/password/", weak)
    assert "too short" in error_at(answer, "new_password1")
    assert not error_at(answer, "new_password2")


def test_a_browser_finds_the_icon_at_its_old_place_too(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (302, "/static/favicon.svg")
