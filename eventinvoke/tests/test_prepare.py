"""Preparing: pushes that are encrypted ahead, and what becomes of them when something changes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from common import channels
from common.clock import now
from common.process_ids import read
from common.states import State
from eventinvoke.models import Attempt, Delivery, Prepared
from eventinvoke.sending import prepare as preparing
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.prepare import WORTH, drop_stale, prepare, worth_preparing
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.models import Target
from registration.tests.factories import MemberFactory, RegistrationFactory, TargetFactory
from tests.push_service import PushService, Subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("each_way")]
SOON = timedelta(seconds=10)


@pytest.fixture(autouse=True)
def installed(settings: Settings) -> Iterator[None]:
    settings.NOTICE_CHANNELS = [
        "eventinvoke.channels.webpush.channel.WebPushChannel",
        "eventinvoke.tests.stand_ins.CallLike",
    ]
    channels.registry.cache_clear()
    yield
    channels.registry.cache_clear()


@pytest.fixture
def service(tmp_path: Path, settings: Settings) -> Iterator[PushService]:
    with PushService(tmp_path) as running:
        settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
        settings.NOTICE_EXTRA_CA_FILE = str(running.ca_file)
        yield running


def push_to(browser: Subscription, **changes: Any) -> Delivery:
    """A push that is due soon."""
    target = TargetFactory.create(
        kind="webpush", address=browser.endpoint, config=browser.config, fingerprint=browser.endpoint[-64:]
    )
    delivery: Delivery = DeliveryFactory.create(**{"target": target, "due_at": now() + SOON} | changes)
    return delivery


def many(count: int, **changes: Any) -> list[Delivery]:
    """Pushes of one event to one browser each; they are not sent."""
    member = MemberFactory.create()
    event = EventFactory.create()
    registration = RegistrationFactory.create(member=member)
    keys = Subscription("https://push.example.org/").config
    Target.objects.bulk_create(
        Target(member=member, kind="webpush", address=f"https://push.example.org/{n}", config=keys,
               fingerprint=f"{n:064}", shown=str(n), verified_at=now())
        for n in range(count)
    )  # fmt: skip
    due_at = now() + SOON
    columns = {
        "starts_at": event.starts_at,
        "due_at": due_at,
        "next_attempt_at": due_at,
        "deadline_at": event.deadline_at,
        "severity": 10,
    }
    Delivery.objects.bulk_create(
        Delivery(event=event, member=member, target=target, registration=registration, kind="webpush",
                 **columns | changes)
        for target in Target.objects.filter(member=member).order_by("pk")
    )  # fmt: skip
    return list(Delivery.objects.filter(event=event).order_by("pk"))


def fall_due() -> None:
    Delivery.objects.update(due_at=now(), next_attempt_at=now())


def test_what_was_prepared_is_what_the_push_service_gets(service: PushService) -> None:
    push_to(service.subscribe())
    assert prepare("webpush") == 1
    ready = Prepared.objects.get()
    fall_due()
    assert fire("webpush").tried == 1
    (taken,) = service.taken
    assert taken.body == bytes(ready.body)[16:]
    assert read(taken.payload["process_id"]) == ready.attempt_id == Attempt.objects.get().pk
    assert not Prepared.objects.exists()


def test_a_text_that_changed_since_is_told_as_it_is_now(service: PushService) -> None:
    delivery = push_to(service.subscribe())
    prepare("webpush")
    ready = Prepared.objects.get()
    delivery.event.title = "Another title"
    delivery.event.save()
    fall_due()
    fire("webpush")
    (taken,) = service.taken
    assert taken.payload["title"] == "Another title"
    assert taken.body != bytes(ready.body)[16:]


def test_a_browser_that_subscribed_again_since_can_read_its_push(service: PushService) -> None:
    delivery = push_to(service.subscribe())
    prepare("webpush")
    browser = service.subscribe()
    Target.objects.filter(pk=delivery.target_id or 0).update(address=browser.endpoint, config=browser.config)
    fall_due()
    fire("webpush")
    (taken,) = service.taken
    assert (taken.payload["title"], service.faults) == ("PFS telecon", [])


def test_a_second_try_has_an_attempt_of_its_own(service: PushService) -> None:
    delivery = push_to(service.subscribe(), attempts=1)
    assert prepare("webpush") == 0
    Prepared.objects.create(delivery=delivery, attempt_id="0" * 32, body=b"stale")
    fall_due()
    fire("webpush")
    assert read(service.taken[0].payload["process_id"]) == Attempt.objects.get().pk
    assert str(Attempt.objects.get().pk) != "0" * 32


def test_what_is_canceled_after_it_was_prepared_is_not_sent(service: PushService) -> None:
    push_to(service.subscribe())
    prepare("webpush")
    Delivery.objects.all().cancel("Not any more.")
    fall_due()
    assert fire("webpush").tried == 0
    assert service.taken == []
    drop_stale()
    assert not Prepared.objects.exists()


def test_what_is_still_due_soon_stays_prepared() -> None:
    many(3)
    prepare("webpush")
    drop_stale()
    assert Prepared.objects.count() == 3


def test_keys_that_are_none_are_left_to_the_sending() -> None:
    (one,) = many(1)
    Target.objects.filter(pk=one.target_id or 0).update(config={"keys": {"p256dh": "AAAA", "auth": "AAAA"}})
    assert prepare("webpush") == 0


def test_only_many_are_worth_preparing() -> None:
    many(WORTH - 1)
    assert worth_preparing() == []
    many(1)
    assert worth_preparing() == ["webpush"]


def test_what_is_prepared_already_or_due_far_ahead_is_not_worth_it() -> None:
    many(WORTH, due_at=now() + timedelta(minutes=5), next_attempt_at=now() + timedelta(minutes=5))
    assert worth_preparing() == []
    many(WORTH)
    assert prepare("webpush", seconds=30) == WORTH
    assert worth_preparing() == []


def test_notices_that_are_due_come_before_preparing() -> None:
    many(3)
    DeliveryFactory.create(target=TargetFactory.create(kind="calllike"))
    assert prepare("webpush") == 0


def test_other_kinds_are_not_prepared() -> None:
    DeliveryFactory.create(target=TargetFactory.create(kind="calllike"), due_at=now() + SOON)
    assert prepare("calllike") == 0


@pytest.mark.django_db(transaction=True)
def test_workers_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets no second worker write, which is what is tried here")
    monkeypatch.setattr(preparing, "_AT_ONCE", 20)
    many(400)
    counts: list[int] = []
    start = Barrier(3)

    def work() -> None:
        try:
            start.wait(10)
            counts.append(prepare("webpush", seconds=30))
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # What one holds at the moment the others leave out, so now and then a last round is needed.
    counts.append(prepare("webpush", seconds=30))
    assert Prepared.objects.count() == 400
    assert sum(counts) < 400 * 1.5
    assert Delivery.objects.filter(state=State.PENDING).count() == 400
