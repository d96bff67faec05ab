"""LOG_FORMAT=json: one object a line, the delivery that a line concerns, and no secrets."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from logging.config import DictConfigurator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from common import concerned
from common.channels import Outcome, SendResult, get
from common.process_ids import Purpose, sign
from eventinvoke.models.attempts import new_attempt_id
from eventinvoke.sending.claim import claim
from eventinvoke.sending.record import Recorder
from eventinvoke.tests.factories import DeliveryFactory
from pfs_notice.settings.environment import BASE_DIR
from registration.tests.factories import TargetFactory
from tests.edges.world import build


class Lines:
    """What is written to the terminal, by the formatter that the settings describe."""

    def __init__(self) -> None:
        self.written = io.StringIO()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    def one(self, words: str) -> dict[str, Any]:
        (found,) = [line for line in self.all() if words in line["message"]]
        return found


@pytest.fixture
def lines() -> Iterator[Lines]:
    described = django_settings.LOGGING["formatters"]["json"]
    lines = Lines()
    handler = logging.StreamHandler(lines.written)
    handler.setFormatter(DictConfigurator({}).configure_formatter(dict(described)))
    logging.getLogger().addHandler(handler)
    concerned.forget()
    yield lines
    logging.getLogger().removeHandler(handler)
    concerned.forget()


def test_a_line_is_one_object_with_its_stack_trace_and_without_secrets(lines: Lines) -> None:
    signed_id = sign(new_attempt_id())
    try:
        int(f'https://notice.example.org/a/{signed_id}\nand "more"')
    except ValueError:
        logging.getLogger("x").exception(
            'GET /calendars/google/callback?state=abc&code=4/0Adeu5B\n"%s"', signed_id
        )
    (line,) = lines.all()
    assert set(line) == {"at", "level", "logger", "message", "exception"}
    assert (line["level"], line["logger"], line["at"][-1]) == ("ERROR", "x", "Z")
    assert line["exception"].startswith("Traceback")
    said = lines.written.getvalue()
    assert signed_id not in said
    assert "0Adeu5B" not in said


@pytest.mark.parametrize(
    ("text", "delivery"),
    [("A push service refuses notice-1f", 31), ("Internal Server Error: /deliveries/12/", 12), ("x", None)],
)
def test_what_names_a_delivery_in_the_text_counts(lines: Lines, text: str, delivery: int | None) -> None:
    logging.getLogger("x").error(text)
    assert lines.all()[0].get("delivery") == delivery


def test_a_line_about_many_names_a_hundred(lines: Lines) -> None:
    with concerned.about(range(1000)):
        logging.getLogger("x").error("many")
    logging.getLogger("x").error("none")
    assert lines.one("many")["deliveries"] == list(range(100))
    assert set(lines.one("none")) == {"at", "level", "logger", "message"}


@pytest.mark.django_db
def test_the_line_of_a_refused_request_names_the_delivery_of_its_signed_id(lines: Lines) -> None:
    world = build()
    attempt = world.attempts["email"]
    path = f"/n/{sign(attempt.pk, Purpose.UNSUBSCRIBE)}/unsubscribe"
    assert Client().post(path, {"do": "x"}).status_code == 200
    world.member.user.is_active = False
    world.member.user.save()
    Client().post(path)
    gone = lines.one("Gone: /n/")
    assert (gone["delivery"], attempt.pk.hex in str(gone)) == (attempt.delivery_id, False)
    Client().get("/n/x/unsubscribe")
    assert "delivery" not in lines.one("Not Found: /n/x/")


@pytest.mark.django_db(transaction=True)
def test_a_result_that_can_t_be_written_names_its_delivery(lines: Lines) -> None:
    channel = get("email")
    made = [
        DeliveryFactory(target=TargetFactory(kind="email", address=f"{name}@example.org")) for name in "ab"
    ]
    claimed, _more = claim(channel, 2)
    recorder = Recorder(channel, 10)
    for one, reason in zip(claimed, ["", "half a \ud800 pair"], strict=True):
        recorder.add(one, SendResult(one.message, Outcome.ACCEPTED, reason=reason))
    recorder.finish()
    line = lines.one("can't be written")
    assert line["delivery"] == claimed[1].delivery_id
    assert {one.pk for one in made} == {one.delivery_id for one in claimed}
    assert [one for one in claimed if one.message.process_id in lines.written.getvalue()] == []


def test_another_format_is_refused() -> None:
    environment = os.environ | {"LOG_FORMAT": "xml"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=environment,
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "LOG_FORMAT is 'xml'; it may be line or json." in done.stderr
