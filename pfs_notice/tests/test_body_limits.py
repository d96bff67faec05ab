"""The bounds of requests as Django keeps them, for web servers that read the body themselves."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from pfs_notice.body_limits import DEFAULT, declared_length, limit_of
from registration.sizes import MAX_FILE

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/accounts/login/", DEFAULT),
        ("/n/x/call-status", DEFAULT),
        ("/no/such/page", DEFAULT),
        ("/admin/registration/member/", MIB),
        ("/calendars/accounts/7/", MIB),
        ("/calendars/add/", 2 * MAX_FILE),
        ("/calendars/7/edit/", 2 * MAX_FILE),
        ("/calendars/7/delete", DEFAULT),
    ],
)
def test_each_route_has_its_limit(path: str, limit: int) -> None:
    assert limit_of(path) == limit


@pytest.mark.parametrize("path", ["/accounts/login/", "/n/x/call-status", "/calendars/add/", "/admin/"])
def test_a_body_above_the_limit_of_its_route_is_refused_before_it_is_read(path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "CONTENT_LENGTH": "400000000",
        "HTTP_COOKIE": f"csrftoken={'a' * 32}",
        "wsgi.input": Unread(),
    }
    assert client.request(**request).status_code == 413


class Unread:
    """A body that fails the test when it is read."""

    def read(self, *_: int) -> bytes:
        pytest.fail("the body was read")

    readline = __iter__ = read


@pytest.mark.django_db
def test_a_body_of_exactly_the_limit_is_read() -> None:
    kind = "application/x-www-form-urlencoded"
    login = reverse("login")
    assert Client().post(login, "a" * DEFAULT, content_type=kind).status_code == 200
    assert Client().post(login, "a" * (DEFAULT + 1), content_type=kind).status_code == 413


@pytest.mark.parametrize("given", ["x", "", "-1", "+1", "1.0", "٣", "9" * 5000])
def test_a_length_that_is_no_number_is_above_every_limit(given: str) -> None:
    assert declared_length(given) > 10**12


def test_it_is_heeded_before_anything_reads_the_body() -> None:
    order = settings.MIDDLEWARE
    assert order.index("pfs_notice.body_limits.bounded") < order.index(
        "django.middleware.csrf.CsrfViewMiddleware"
    )
