"""How often a password may be guessed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from registration.models import SignInTry, User
from registration.sign_ins import (
    FAILURES,
    FAILURES_OF_A_NAME,
    FAILURES_OF_A_PLACE,
    FAILURES_UNDER_ATTACK,
    WINDOW,
    place_of,
)
from registration.tests.factories import UserFactory
from registration.tests.pages import text_of

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
PASSWORD = "correct-horse-9"
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    user: User = UserFactory.create(username="ann", is_staff=True)
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(password: str, name: str = "ann", path: str = "/accounts/login/", **more: Any) -> Any:
    return Client().post(path, {"username": name, "password": password}, **more)


def fail(times: int, **more: Any) -> Any:
    for _ in range(times):
        answer = sign_in("wrong", **more)
    return answer


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/"])
def test_after_many_failures_even_the_right_password_has_to_wait(path: str) -> None:
    with time_machine.travel(NOON, tick=False):
        assert "Wrong user name or password" in text_of(fail(FAILURES))
        answer = sign_in(PASSWORD, path=path)
    assert answer.status_code == 200
    assert "Too many failed sign-ins. Try again in 15 minutes." in text_of(answer)


@pytest.mark.usefixtures("ann")
def test_after_a_quarter_of_an_hour_it_may_be_tried_again() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        fail(FAILURES + 5)
        clock.shift(timedelta(minutes=14, seconds=30))
        assert "Try again in 30 seconds." in text_of(sign_in(PASSWORD))
        clock.shift(timedelta(seconds=31))
        assert sign_in(PASSWORD).status_code == 302


@pytest.mark.usefixtures("ann")
def test_a_sign_in_starts_a_new_count() -> None:
    fail(FAILURES - 1)
    assert sign_in(PASSWORD).status_code == 302
    assert not SignInTry.objects.exists()


@pytest.mark.usefixtures("ann")
def test_the_name_in_capitals_is_the_same_name() -> None:
    fail(FAILURES, name="ANN")
    assert "Too many failed sign-ins." in text_of(sign_in(PASSWORD))


@pytest.mark.usefixtures("ann")
def test_failures_at_another_address_lock_no_account_out() -> None:
    fail(FAILURES, REMOTE_ADDR="192.0.2.7")
    assert sign_in(PASSWORD).status_code == 302


@pytest.mark.usefixtures("ann")
def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(settings: Any) -> None:
    settings.NOTICE_BEHIND_PROXY = True
    for number in range(FAILURES):
        fail(1, headers={"X-Forwarded-For": f"10.0.0.{number}, 192.0.2.7"})
    assert "Too many" in text_of(sign_in(PASSWORD, headers={"X-Forwarded-For": "192.0.2.7"}))
    assert sign_in(PASSWORD, headers={"X-Forwarded-For": "192.0.2.8"}).status_code == 302


def change_password(browser: Client, old: str) -> Any:
    new = "battery-staple-7"
    form = {"old_password": old, "new_password1": new, "new_password2": new}
    return browser.post("/accounts/password/", form)


def test_the_old_password_is_guessed_no_more_often_on_the_page_that_changes_it(ann: User) -> None:
    browser = Client()
    browser.force_login(ann)
    for _ in range(FAILURES):
        assert "Too many" not in text_of(change_password(browser, "wrong"))
    assert "Too many wrong passwords. Try again in 15 minutes." in text_of(change_password(browser, PASSWORD))
    assert "Too many failed sign-ins." in text_of(sign_in(PASSWORD))


def test_the_right_old_password_starts_a_new_count(ann: User) -> None:
    browser = Client()
    browser.force_login(ann)
    fail(FAILURES - 1)
    assert change_password(browser, PASSWORD).status_code == 302
    assert not SignInTry.objects.exists()


def test_the_administration_has_no_other_page_for_it(ann: User) -> None:
    browser = Client()
    browser.force_login(ann)
    assert browser.get("/admin/password_change/")["Location"] == "/accounts/password/"


def spray(address: str, names: int = FAILURES_OF_A_PLACE) -> Any:
    """Try one password on many names."""
    for number in range(names):
        answer = sign_in("Spring2026!", name=f"user{number}", REMOTE_ADDR=address)
    return answer


@pytest.mark.usefixtures("ann")
def test_one_password_is_tried_on_few_names_from_one_address() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert "Wrong user name or password" in text_of(spray("192.0.2.7"))
        assert "Try again in 15 minutes." in text_of(sign_in(PASSWORD, REMOTE_ADDR="192.0.2.7"))
        assert sign_in(PASSWORD, REMOTE_ADDR="192.0.2.8").status_code == 302
        clock.shift(WINDOW + timedelta(seconds=1))
        assert sign_in(PASSWORD, REMOTE_ADDR="192.0.2.7").status_code == 302


@pytest.mark.usefixtures("ann")
def test_a_sign_in_to_an_own_account_does_not_pardon_what_was_tried_on_others() -> None:
    spray("192.0.2.7", FAILURES_OF_A_PLACE - 1)
    assert sign_in(PASSWORD, REMOTE_ADDR="192.0.2.7").status_code == 302
    spray("192.0.2.7", 1)
    assert "Too many" in text_of(sign_in("x", name="bob", REMOTE_ADDR="192.0.2.7"))


@pytest.mark.usefixtures("ann")
def test_who_has_signed_in_from_an_address_is_not_locked_out_by_others_there() -> None:
    assert sign_in(PASSWORD, REMOTE_ADDR="192.0.2.7").status_code == 302
    spray("192.0.2.7")
    assert sign_in(PASSWORD, REMOTE_ADDR="192.0.2.7").status_code == 302


@pytest.mark.usefixtures("ann")
def test_a_name_that_many_addresses_guess_on_is_tried_less_often_from_each_and_never_locked() -> None:
    for number in range(FAILURES_OF_A_NAME):
        sign_in("wrong", REMOTE_ADDR=f"198.51.100.{number}")
    assert sign_in(PASSWORD, REMOTE_ADDR="192.0.2.7").status_code == 302
    fail(FAILURES_UNDER_ATTACK, REMOTE_ADDR="192.0.2.8")
    assert "Too many" in text_of(sign_in(PASSWORD, REMOTE_ADDR="192.0.2.8"))


@pytest.mark.usefixtures("ann")
def test_all_addresses_of_an_ipv6_network_are_one() -> None:
    for number in range(FAILURES):
        fail(1, REMOTE_ADDR=f"2001:db8:0:1::{number:x}")
    assert "Too many" in text_of(sign_in(PASSWORD, REMOTE_ADDR="2001:db8:0:1:ffff::1"))
    assert sign_in(PASSWORD, REMOTE_ADDR="2001:db8:0:2::1").status_code == 302


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("[2001:DB8::1]:4711", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_a_port_and_another_way_to_write_it_make_no_other_place(address: str, place: str) -> None:
    assert place_of(address) == place
