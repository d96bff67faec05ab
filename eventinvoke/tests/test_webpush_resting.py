from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from common import clock
from common.channels import Message, Outcome, SendResult
from eventinvoke.channels.webpush.channel import WebPushChannel
from eventinvoke.channels.webpush.resting import REST_SECONDS, TIMEOUTS, Resting
from tests.contracts.providers import Answer
from tests.push_service import PushService


class HastyChannel(WebPushChannel):
    timeout = 0.3

    def __init__(self) -> None:
        super().__init__()
        self.moment = 0.0
        self._resting = Resting(lambda: self.moment)


@pytest.fixture
def service(tmp_path: Path, settings: Settings) -> Iterator[PushService]:
    with PushService(tmp_path) as running:
        settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
        settings.NOTICE_EXTRA_CA_FILE = str(running.ca_file)
        yield running


def messages(service: PushService, count: int) -> list[Message]:
    browsers = [service.subscribe() for _ in range(count)]
    expires_at = clock.now() + timedelta(hours=1)
    return [
        Message("", browser.endpoint, "Title", "Body", f"tag{number}", expires_at, browser.config)
        for number, browser in enumerate(browsers)
    ]


def send(channel: WebPushChannel, sent: list[Message]) -> list[SendResult]:
    return [result for result in channel.send(sent) if result is not None]


def silenced(service: PushService, count: int) -> HastyChannel:
    """Return a channel that has waited in vain so often."""
    channel = HastyChannel()
    service.answer(Answer.HOLD)
    results = send(channel, messages(service, count))
    assert {result.outcome for result in results} <= {Outcome.UNKNOWN, Outcome.RETRY}
    service.release()
    return channel


def test_a_service_that_is_silent_is_left_alone_for_a_while(service: PushService) -> None:
    channel = silenced(service, TIMEOUTS)
    taken = len(service.taken)
    results = send(channel, messages(service, 5))
    assert {result.outcome for result in results} == {Outcome.RETRY}
    assert all(result.reason for result in results)
    assert all(
        result.retry_after is not None
        and timedelta(0) < result.retry_after <= timedelta(seconds=REST_SECONDS)
        for result in results
    )
    assert len(service.taken) == taken


def test_a_few_time_outs_are_no_reason_yet(service: PushService) -> None:
    channel = silenced(service, TIMEOUTS - 1)
    assert [result.outcome for result in send(channel, messages(service, 1))] == [Outcome.ACCEPTED]


def test_an_answer_in_between_counts_as_a_sign_of_life(service: PushService) -> None:
    channel = silenced(service, TIMEOUTS - 1)
    send(channel, messages(service, 1))
    service.answer(Answer.HOLD)
    send(channel, messages(service, 1))
    service.release()
    assert [result.outcome for result in send(channel, messages(service, 1))] == [Outcome.ACCEPTED]


def test_a_silent_service_does_not_hold_up_another(service: PushService, tmp_path: Path) -> None:
    channel = silenced(service, TIMEOUTS)
    folder = tmp_path / "other"
    folder.mkdir()
    with PushService(folder) as other:
        results = send(channel, [*messages(service, 1), *messages(other, 1)])
    # The other's certificate is not trusted here; what counts is that it was tried.
    assert sorted(result.reason for result in results) == [
        "The push service was not reached: the certificate of the server is not trusted.",
        "This push service does not answer at the moment.",
    ]


def test_after_its_rest_one_message_tries_and_its_answer_frees_the_way(service: PushService) -> None:
    channel = silenced(service, TIMEOUTS)
    channel.moment = REST_SECONDS + 1
    first = send(channel, messages(service, 3))
    assert sorted(result.outcome for result in first) == [Outcome.ACCEPTED, Outcome.RETRY, Outcome.RETRY]
    second = send(channel, messages(service, 3))
    assert {result.outcome for result in second} == {Outcome.ACCEPTED}
