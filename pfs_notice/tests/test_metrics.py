"""/metrics: what it counts, what it costs, and who may read it."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from common.channels import Outcome, SendResult, get
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Heartbeat, Tally
from eventinvoke.replies import answers
from eventinvoke.replies.receipts import Report, apply
from eventinvoke.sending.claim import claim
from eventinvoke.sending.compose import Claimed
from eventinvoke.sending.record import record
from eventinvoke.sending.rounds import send, tend
from eventinvoke.tests.factories import DeliveryFactory
from pfs_notice import metrics
from registration.tests.factories import TargetFactory

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """No answer that another test caused."""
    metrics._made = (float("-inf"), b"")


def read(client: Client | None = None, **headers: str) -> dict[tuple[str, ...], float]:
    """Return the samples of /metrics by name and values of labels."""
    metrics._made = (float("-inf"), b"")
    answer = (client or Client(SERVER_NAME="localhost")).get("/metrics", headers=headers)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def due(seconds: float, kind: str = "email") -> Delivery:
    target = TargetFactory(kind=kind, address="anna@example.org")
    made: Delivery = DeliveryFactory(target=target, due_at=now() - seconds * SECOND)
    return made


def taken(outcome: Outcome, *late: float) -> list[Claimed]:
    """Have notices that are so late claimed and answered."""
    for seconds in late:
        due(seconds)
    claimed, _more = claim(get("email"), len(late))
    record(get("email"), [(one, SendResult(one.message, outcome)) for one in claimed])
    return claimed


def test_what_is_due_and_late_is_counted_by_channel() -> None:
    for seconds in (-30, 5, 61, 90):
        due(seconds)
    found = read()
    assert found["pfs_notice_due", "email"] == 3
    assert found["pfs_notice_late", "email"] == 2
    assert 90 <= found["pfs_notice_oldest_due_seconds", "email"] < 120
    assert (found["pfs_notice_due", "voice"], found["pfs_notice_oldest_due_seconds", "voice"]) == (0, 0)


def test_what_was_sent_is_counted_with_its_lateness() -> None:
    taken(Outcome.ACCEPTED, 0.1, 3, 400)
    found = read()
    assert found["pfs_notice_sent_total", "email"] == 3
    classes = {
        bound: found["pfs_notice_lateness_seconds_bucket", "email", bound]
        for bound in ("2.0", "60.0", "+Inf")
    }
    assert found["pfs_notice_lateness_seconds_count", "email"] == 3
    assert classes["60.0"] == 2
    assert classes["+Inf"] == 3
    assert 403 <= found["pfs_notice_lateness_seconds_sum", "email"] < 480


@pytest.mark.parametrize(
    ("outcome", "state"), [(Outcome.REJECTED, "failed"), (Outcome.UNDELIVERED, "undelivered")]
)
def test_what_failed_is_counted_once(outcome: Outcome, state: str) -> None:
    (claimed,) = taken(outcome, 1)
    record(get("email"), [(claimed, SendResult(claimed.message, outcome))])  # a worker that comes late
    assert read()["pfs_notice_failed_total", "email", state] == 1


def test_what_expired_is_counted() -> None:
    target = TargetFactory(kind="email", address="anna@example.org")
    DeliveryFactory(target=target, due_at=now() - MINUTE, deadline_at=now() - SECOND)
    send("email")
    found = read()
    assert found["pfs_notice_failed_total", "email", "expired"] == 1
    assert found["pfs_notice_sent_total", "email"] == 0


def test_a_person_is_reached_once_by_receipts_and_answers() -> None:
    (claimed,) = taken(Outcome.ACCEPTED, 1)
    for number in range(2):
        apply(Report(claimed.attempt_id, "opened", f"opened {number}", State.DELIVERED, kind="email"))
    delivery = Delivery.objects.get(pk=claimed.delivery_id)
    answers.acknowledge(delivery, "link")
    assert Delivery.objects.get(pk=claimed.delivery_id).state == State.ACKNOWLEDGED
    assert read()["pfs_notice_reached_total", "email"] == 1


def test_an_answer_alone_is_a_person_too() -> None:
    (claimed,) = taken(Outcome.ACCEPTED, 1)
    delivery = Delivery.objects.get(pk=claimed.delivery_id)
    answers.acknowledge(delivery, "link")
    answers.acknowledge(delivery, "link")
    assert read()["pfs_notice_reached_total", "email"] == 1


def test_adding_up_changes_no_total_and_leaves_few_rows() -> None:
    for number in range(300):
        Tally.objects.note("email", {Tally.Topic.REACHED: 1}, [number / 10])
    before = read()
    tend()
    assert Tally.objects.count() < 20
    assert read() == before
    assert before["pfs_notice_sent_total", "email"] == 300


@pytest.mark.django_db(transaction=True)
def test_workers_that_count_and_add_up_at_once_lose_nothing() -> None:
    def work() -> None:
        for _ in range(60):
            Tally.objects.note("email", {Tally.Topic.REACHED: 1}, [1.0])
            Tally.objects.add_up()
        connection.close()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read()
    assert (found["pfs_notice_reached_total", "email"], found["pfs_notice_sent_total", "email"]) == (240, 240)


def test_wake_ups_and_clocks_are_told_without_names() -> None:
    assert read()["pfs_notice_wake_up_age_seconds",] == -1
    Heartbeat.objects.note(Heartbeat.Topic.ROUND, "", now() - 4 * SECOND)
    Heartbeat.objects.note(Heartbeat.Topic.CLOCK, "worker-1.example worker fire", now(), -7.5)
    found = read()
    assert 4 <= found["pfs_notice_wake_up_age_seconds",] < 30
    assert found["pfs_notice_clock_skew_seconds",] == 7.5
    assert "example" not in str(found)


def test_a_scrape_costs_few_queries_and_the_next_ones_none(django_assert_max_num_queries: Any) -> None:
    for seconds in (61, 70):
        due(seconds)
    with django_assert_max_num_queries(6):
        read()
    client = Client(SERVER_NAME="localhost")
    with django_assert_max_num_queries(0):
        assert client.get("/metrics").status_code == 200


# Who may read them


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_without_a_token_a_program_of_this_machine_may(name: str) -> None:
    read(Client(SERVER_NAME=name))


@pytest.mark.parametrize(
    ("about", "headers"),
    [
        ({"REMOTE_ADDR": "192.0.2.7"}, {}),
        ({}, {"X-Forwarded-For": "127.0.0.1"}),
        ({}, {"X-Forwarded-Proto": "https"}),
        ({}, {"Forwarded": "for=127.0.0.1"}),
        ({"SERVER_NAME": "notice.example.org"}, {}),
        ({}, {"Authorization": "Bearer "}),
    ],
)
def test_without_a_token_no_other_may(about: Any, headers: dict[str, str], settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    answer = Client(**{"SERVER_NAME": "localhost", **about}).get("/metrics", headers=headers)
    assert answer.status_code == (200 if headers.get("Authorization") else 403)


@pytest.mark.parametrize(
    "said", ["", "Bearer wrong", "secret", "Bearer secret2", "Basic secret", "Bearer s\u00e9cret"]
)
def test_with_a_token_none_may_without_it(said: str, settings: Any) -> None:
    settings.NOTICE_METRICS_TOKEN = "secret"
    answer = Client(SERVER_NAME="localhost").get("/metrics", headers={"Authorization": said})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_with_the_token_any_machine_may(settings: Any) -> None:
    settings.NOTICE_METRICS_TOKEN = "secret"
    read(Client(REMOTE_ADDR="192.0.2.7"), Authorization="Bearer secret")
