"""Feeds as large as they may be that would fill the memory of a machine: what is read of them, and the peak."""

import json
import subprocess
import sys

import pytest

from eventupdate.providers.caldav.xml import read_multistatus

BOUND_MB = 250
TOO_LARGE = "The server's response is too large for a calendar."
TWO_DAYS = ["20261124T090000Z", "20261125T090000Z"]
FIRST_ONLY = ["20261124T090000Z", "it has more than 5000 single dates; only its first start counts"]


def read(kind: str) -> list[str]:
    """Read a feed of ``large_feeds`` in a process of its own, whose memory has a bound."""
    done = subprocess.run(
        [sys.executable, "-m", "eventupdate.tests.large_feeds", kind],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["peak_mb"] < BOUND_MB
    result: list[str] = found["result"]
    return result


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("folds", TWO_DAYS),
        ("lines of EXDATE", FIRST_ONLY),
        ("folded EXDATE", FIRST_ONLY),
        ("wide characters", TWO_DAYS),
    ],
)
def test_a_large_feed_takes_little_memory(kind: str, result: list[str]) -> None:
    assert read(kind) == result


@pytest.mark.parametrize("kind", ["attributes of one element", "attributes", "names"])
def test_a_large_answer_of_a_caldav_server_is_refused(kind: str) -> None:
    assert read(kind) == [TOO_LARGE]


@pytest.mark.parametrize("text", ["<![CDATA[{}]]>", "{}"])
def test_a_long_text_in_an_answer_is_no_long_tag(text: str) -> None:
    """Expat keeps an unfinished tag, but not a text."""
    prop = f"<D:prop><D:getetag>{text.format('x > y ' * 100_000)}</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status>"
    body = f'<D:multistatus xmlns:D="DAV:"><D:response><D:href>/x</D:href><D:propstat>{prop}</D:propstat></D:response></D:multistatus>'
    (response,) = read_multistatus(body.encode()).responses
    assert len(response.text("{DAV:}getetag")) == 599_999
