"""The admin of events and deliveries: everything may be looked at, nothing be broken."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from common.clock import now
from common.states import State
from eventinvoke.models import (
    Answer,
    Attempt,
    DailyCount,
    Delivery,
    EventChange,
    Held,
    InboxMark,
    Period,
    RateLimit,
    Receipt,
)
from eventinvoke.tests.factories import DeliveryFactory

pytestmark = pytest.mark.django_db
MODELS = [m for m in admin.site._registry if m._meta.app_label == "eventinvoke"]


def fill() -> None:
    for number, one in enumerate(DeliveryFactory.create_batch(12)):
        attempt = Attempt.objects.create(delivery=one, outcome="accepted")
        Receipt.objects.create(attempt=attempt, status="seen", fingerprint=str(number))
        Answer.objects.create(
            event=one.event,
            member=one.member,
            delivery=one,
            kind="confirmed",
            starts_at=one.event.starts_at,
            way="inbox",
        )
        InboxMark.objects.create(member=one.member, read_at=now())
        RateLimit.objects.create(kind=f"kind{number}", counted_at=now())
        EventChange.objects.create(event=one.event, kind="moved")
        assert one.registration is not None
        period = Period.objects.create(
            member=one.member,
            registration=one.registration,
            event=one.event,
            kind="mute",
            starts_at=now(),
            ends_at=now(),
        )
        Held.objects.create(
            delivery=one, member=one.member, registration=one.registration, period=period, until=now()
        )
        DailyCount.objects.create(member=one.member, day=now().date())


def test_every_model_is_there() -> None:
    assert {m.__name__ for m in MODELS} == {
        "Event",
        "Delivery",
        "Attempt",
        "Receipt",
        "Answer",
        "InboxMark",
        "RateLimit",
        "DailyCount",
        "EventChange",
        "Period",
        "Held",
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_its_list_search_and_page_are_shown_with_few_queries(
    boss: Client, model: Any, django_assert_max_num_queries: Any
) -> None:
    fill()
    name = f"admin:eventinvoke_{model._meta.model_name}"
    with django_assert_max_num_queries(12):
        assert boss.get(reverse(f"{name}_changelist")).status_code == 200
    assert boss.get(reverse(f"{name}_changelist"), {"q": "a"}).status_code == 200
    pk = model.objects.values_list("pk", flat=True)[0]
    assert boss.get(reverse(f"{name}_change", args=[pk])).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_nothing_is_added_or_changed_by_hand(boss: Client, model: Any) -> None:
    fill()
    name = f"admin:eventinvoke_{model._meta.model_name}"
    pk = model.objects.values_list("pk", flat=True)[0]
    assert boss.get(reverse(f"{name}_add")).status_code == 403
    assert boss.post(reverse(f"{name}_change", args=[pk]), {"state": "sent"}).status_code == 403


def test_only_what_is_pending_is_canceled(boss: Client) -> None:
    pending, sent = DeliveryFactory.create(), DeliveryFactory.create(state=State.SENT)
    data = {"action": "cancel", "_selected_action": [str(pending.pk), str(sent.pk)]}
    answer = boss.post(reverse("admin:eventinvoke_delivery_changelist"), data, follow=True)
    assert "1 of 2 canceled" in answer.content.decode()
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {pending.pk: State.CANCELED, sent.pk: State.SENT}


def test_a_member_with_a_history_can_be_deleted(boss: Client) -> None:
    fill()
    user = Delivery.objects.all()[0].member.user
    boss.post(reverse("admin:registration_user_delete", args=[user.pk]), {"post": "yes"})
    assert not Delivery.objects.filter(member__user=user.pk).exists()
