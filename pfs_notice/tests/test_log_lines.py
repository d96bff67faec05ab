"""What is shortened in the log."""

import io
import logging
import sys
import traceback

import pytest

from pfs_notice.log_lines import LostBrokerFilter


@pytest.fixture
def lines() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def handler(lines: io.StringIO) -> logging.Handler:
    made = logging.StreamHandler(lines)
    made.addFilter(LostBrokerFilter())
    return made


def fail(handler: logging.Handler, name: str, text: str, *args: object) -> None:
    try:
        int("gone")
    except ValueError:
        handler.handle(logging.LogRecord(name, logging.ERROR, "", 0, text, args, sys.exc_info()))


def test_a_lost_broker_is_one_line(handler: logging.Handler, lines: io.StringIO) -> None:
    stack = traceback.format_stack()
    fail(handler, "celery.beat", "Message Error: %s\n%s", "Couldn't apply scheduled task wake: gone.", stack)
    said = "Couldn't apply scheduled task wake: gone. It is tried again in a moment.\n"
    assert lines.getvalue() == said


@pytest.mark.parametrize(
    ("name", "text"), [("celery.beat", "beat raised"), ("celery.worker", "Message Error")]
)
def test_every_other_fault_keeps_its_stack(
    handler: logging.Handler, lines: io.StringIO, name: str, text: str
) -> None:
    fail(handler, name, text)
    assert "Traceback" in lines.getvalue()
