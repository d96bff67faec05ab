"""How often a password may be guessed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from registration.models import SignInTry, User
from registration.sign_ins import FAILURES
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
