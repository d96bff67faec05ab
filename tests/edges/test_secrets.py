"""No signed id or token in a line of the log, nor in the Referer header of a request that a page causes."""

import io
import logging
from collections.abc import Iterator
from logging.config import DictConfigurator
from typing import Final

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from common.process_ids import Purpose, sign
from eventinvoke.models import Attempt
from eventinvoke.models.attempts import new_attempt_id
from tests.edges.routes import Route, all_routes
from tests.edges.world import World, build

SIGNED: Final = [route for route in all_routes() if "process_id" in route.parameters]
PAGES: Final = {"notification:answer": Purpose.ANSWER, "notification:unsubscribe": Purpose.UNSUBSCRIBE}


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is written to the terminal, by the handler that the settings describe."""
    described = django_settings.LOGGING["formatters"]["line"]
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(DictConfigurator({}).configure_formatter(dict(described)))
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def ask_in_every_way(route: Route, world: World) -> list[str]:
    """Ask for a page with its own id, with one of another purpose, and of an attempt that is gone; return the ids."""
    values = world.values(route)
    signed_ids = [
        values["process_id"],
        sign(new_attempt_id()),
        *(sign(new_attempt_id(), one) for one in Purpose),
    ]
    for signed_id in signed_ids:
        path = route.path({"process_id": signed_id})
        Client().get(path)
        Client().post(path, {"do": "nothing"})
        Client().post(path, b"x" * 70_000, content_type="application/json")
        Client().put(path)
    return signed_ids


@pytest.mark.django_db
def test_no_signed_id_is_logged(lines: io.StringIO) -> None:
    world = build()
    signed_ids = [one for route in SIGNED for one in ask_in_every_way(route, world)]
    said = lines.getvalue()
    assert "Forbidden: /n/" in said
    assert [one for one in signed_ids if one in said or one[10:] in said] == []


def test_a_stack_trace_and_the_query_are_kept_without_secrets(lines: io.StringIO) -> None:
    signed_id = sign(new_attempt_id())
    try:
        int(f"https://notice.example.org/a/{signed_id}")
    except ValueError:
        logging.getLogger("x").exception(
            '"GET /calendars/google/callback?state=abc&code=4/0Adeu5B HTTP/1.1" 302'
        )
    said = lines.getvalue()
    assert f"/a/{signed_id[:6]}…" in said
    assert "?state=…&code=… HTTP/1.1" in said
    assert signed_id not in said


def test_the_id_of_an_attempt_is_no_secret_and_stays(lines: io.StringIO) -> None:
    attempt_id = new_attempt_id()
    logging.getLogger("x").error("the result of attempt %s can't be written", attempt_id)
    assert str(attempt_id) in lines.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("name", PAGES)
def test_a_page_with_a_secret_address_gives_it_to_no_other_page(name: str) -> None:
    world = build()
    known = sign(world.attempts["email"].pk, PAGES[name])
    for signed_id, status in ((known, 200), (sign(new_attempt_id()), 404), ("x", 404)):
        answer = Client().get(reverse(name, args=[signed_id]))
        assert (answer.status_code, answer.headers["Referrer-Policy"]) == (status, "no-referrer")
    world.member.user.is_active = False
    world.member.user.save()
    answer = Client().get(reverse(name, args=[known]))
    assert (answer.status_code, answer.headers["Referrer-Policy"]) == (410, "no-referrer")
    assert Attempt.objects.count() == len(world.attempts)
