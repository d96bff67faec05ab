"""Retention: what is too old goes, what is not over stays."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db.models import Model

from common.states import State
from eventinvoke.models import Answer, Attempt, DailyCount, Delivery, Event, Held, Receipt, Share, Unplanned
from eventinvoke.replies.receipts import Report, apply
from eventinvoke.retention import PAYLOADS, prune
from eventinvoke.tests import records
from eventinvoke.tests.muting import START
from eventinvoke.tests.records import RECORD, delivery_of, event_of, full_record, period_of, receipt_of
from registration.sign_ins import WINDOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
CUT = START - 400 * DAY
OLD = CUT - TICK


def count() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in RECORD}


@pytest.mark.parametrize(
    ("made", "cut", "tick"),
    [
        (delivery_of, CUT, TICK),
        (event_of, CUT, TICK),
        (records.change_of, CUT, TICK),
        (period_of, CUT, TICK),
        (lambda at: records.count_of(at.date()), CUT, DAY),
        (records.code_of, START - 30 * DAY, TICK),
        (records.try_of, START - WINDOW, TICK),
    ],
    ids=["delivery", "event", "change", "period", "count", "code", "sign-in"],
)
def test_a_row_goes_when_it_is_older_than_its_retention_and_not_before(
    made: Callable[[datetime], Model], cut: datetime, tick: timedelta
) -> None:
    kept, gone = made(cut), made(cut - tick)
    prune()
    rows = type(kept)._default_manager
    assert rows.filter(pk=kept.pk).exists()
    assert not rows.filter(pk=gone.pk).exists()


def test_sessions_go_when_they_have_expired() -> None:
    for key, expire_date in (("kept", START), ("gone", START - TICK)):
        Session.objects.create(session_key=key, session_data="", expire_date=expire_date)
    prune()
    assert [row.pk for row in Session.objects.all()] == ["kept"]


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("NOTICE_KEEP_DELIVERIES_DAYS", "Delivery"),
        ("NOTICE_KEEP_CHANGES_DAYS", "EventChange"),
        ("NOTICE_KEEP_PERIODS_DAYS", "Period"),
        ("NOTICE_KEEP_COUNTS_DAYS", "DailyCount"),
    ],
)
def test_each_kind_has_a_setting_and_an_event_waits_for_what_refers_to_it(
    setting: str, name: str, settings: Any
) -> None:
    full_record(CUT - DAY)
    setattr(settings, setting, 500)
    prune()
    left = {key for key, rows in count().items() if rows}
    with_delivery = {"Delivery", "Attempt", "Receipt", "Answer", "Share"} if name == "Delivery" else {name}
    assert left == with_delivery | (set() if name == "DailyCount" else {"Event"})
    setattr(settings, setting, 400)
    prune()
    assert not any(count().values())


def test_events_have_a_setting(settings: Any) -> None:
    full_record(CUT - DAY)
    settings.NOTICE_KEEP_EVENTS_DAYS = 500
    prune()
    assert {key for key, rows in count().items() if rows} == {"Event"}


def test_all_that_belongs_to_an_old_delivery_goes_and_nothing_of_a_younger_one() -> None:
    young = full_record(CUT)
    before = count()
    full_record(CUT - DAY)
    prune()
    assert count() == before
    assert young.answers.count() == young.attempts_made.count() == young.shares.count() == 1


def test_each_table_that_refers_to_deliveries_is_known_to_retention() -> None:
    relations: tuple[Any, ...] = tuple(Delivery._meta.related_objects)
    constrained = {one.related_model for one in relations if one.field.db_constraint}
    assert constrained == {Attempt, Answer, Share, Held}
    assert {one.related_model for one in Attempt._meta.related_objects} == {Receipt}


@pytest.mark.parametrize(
    "values",
    [
        {"state": State.PENDING},
        {"state": State.SENDING, "lease_until": OLD},
        {"state": State.SENT, "lease_until": OLD},
        {"deadline_at": START},
        {"due_at": CUT},
    ],
    ids=["pending", "sending", "a report is awaited", "deadline ahead", "due later"],
)
def test_a_delivery_that_is_not_over_stays_with_its_event(values: dict[str, Any]) -> None:
    event = event_of(OLD)
    row = delivery_of(values.pop("deadline_at", OLD), event=event, **values)
    receipt_of(row, OLD)
    prune()
    assert Delivery.objects.filter(pk=row.pk).exists()
    assert Attempt.objects.filter(delivery=row).exists()
    assert Event.objects.filter(pk=event.pk).exists()


def test_every_state_that_is_over_goes() -> None:
    over = set(State) - {State.PENDING, State.SENDING}
    for state in over:
        delivery_of(OLD, state)
    prune()
    assert not Delivery.objects.exists()
    assert not Event.objects.exists()


def test_what_waits_for_a_digest_stays_with_its_period() -> None:
    row = delivery_of(OLD, State.SUPPRESSED)
    period = period_of(OLD)
    Held.objects.create(
        delivery=row, member=row.member, registration=period.registration, period=period, until=START
    )
    prune()
    assert Held.objects.filter(delivery__event__pk=row.event_id, period__event__pk=period.event_id).exists()
    Held.objects.all().delete()
    prune()
    assert not Delivery.objects.exists()
    assert not Event.objects.filter(periods__isnull=False).exists()


@pytest.mark.parametrize(
    "values",
    [
        {"starts_at": START + DAY, "deadline_at": START + DAY},
        {"starts_at": OLD, "deadline_at": OLD, "ends_at": START},
    ],
    ids=["to come", "runs"],
)
def test_an_event_that_is_not_over_stays(values: dict[str, Any]) -> None:
    event = event_of(**values, created_at=OLD)
    prune()
    assert Event.objects.filter(pk=event.pk).exists()


def test_an_event_that_is_not_planned_stays() -> None:
    event = event_of(starts_at=OLD, deadline_at=OLD, created_at=OLD)
    Unplanned.objects.create(event=event, version=event.version)
    prune()
    assert Event.objects.filter(pk=event.pk).exists()
    Unplanned.objects.all().delete()
    prune()
    assert not Event.objects.filter(pk=event.pk).exists()


def test_the_record_of_a_deleted_member_stays_until_its_time() -> None:
    young, old = full_record(CUT), full_record(OLD)
    for row in (young, old):
        assert row.member is not None
        row.member.user.delete()
    prune()
    assert list(Delivery.objects.values_list("pk", "recipient")) == [(young.pk, young.recipient)]
    assert young.answers.count() == 1


def test_a_delivery_without_a_member_goes_too() -> None:
    row = delivery_of(OLD)
    Delivery.objects.filter(pk=row.pk).update(member=None)
    prune()
    assert not Delivery.objects.exists()


def test_a_payload_is_emptied_after_its_retention_and_the_receipt_stays() -> None:
    cut = START - 30 * DAY
    delivery = delivery_of(cut)
    kept, emptied = receipt_of(delivery, cut), receipt_of(delivery, cut - TICK)
    assert prune().counts[PAYLOADS] == 1
    for row, payload in ((kept, records.PAYLOAD), (emptied, {})):
        now_is = Receipt.objects.get(pk=row.pk)
        assert now_is.payload == payload
        columns = ("attempt_id", "status", "sequence", "fingerprint", "is_applied", "received_at")
        assert [getattr(now_is, name) for name in columns] == [getattr(row, name) for name in columns]
    assert prune().counts[PAYLOADS] == 0


def test_a_repeat_of_a_report_is_recognised_after_its_payload_was_emptied() -> None:
    row = receipt_of(delivery_of(START - 40 * DAY, State.SENT), START - 40 * DAY)
    prune()
    repeat = Report(
        row.attempt_id, "completed", row.fingerprint, State.DELIVERED, payload=records.PAYLOAD, kind="inbox"
    )
    assert not apply(repeat)
    assert Receipt.objects.get().payload == {}


def test_a_new_receipt_keeps_its_payload_for_its_retention(clock: Any) -> None:
    attempt = Attempt.objects.create(delivery=delivery_of(START, State.SENT))
    apply(Report(attempt.pk, "completed", "one", State.DELIVERED, payload=records.PAYLOAD, kind="inbox"))
    prune()
    assert Receipt.objects.get().payload == records.PAYLOAD
    clock.move_to(START + 30 * DAY + TICK)
    prune()
    assert Receipt.objects.get().payload == {}


def test_a_dry_run_counts_what_a_run_deletes_and_deletes_nothing() -> None:
    for number in range(3):
        full_record(OLD - number * DAY)
    full_record(CUT)
    delivery_of(OLD, State.PENDING)
    records.change_of(CUT, event=full_record(OLD).event)
    before = count()
    counted = prune(is_dry_run=True)
    assert count() == before
    assert not Receipt.objects.filter(payload={}).exists()
    done = prune()
    assert +counted.counts == +done.counts
    assert done.counts["deliveries"] == 4
    assert done.counts["events"] == 3


def test_a_daily_count_of_today_stays_with_the_shortest_retention(settings: Any) -> None:
    settings.NOTICE_KEEP_COUNTS_DAYS = 1
    records.count_of(START.date() - DAY)  # today west of the Atlantic
    prune()
    assert DailyCount.objects.exists()


def test_the_command_prints_a_line_for_each_table() -> None:
    full_record(CUT - DAY)
    for options, ending in ((["--dry-run"], "Nothing was deleted."), ([], "")):
        out = StringIO()
        call_command("prune", *options, stdout=out)
        lines = [line.strip() for line in out.getvalue().splitlines()]
        assert {"1 deliveries", "1 receipts", "1 answers", "1 shares", "1 events", "1 event changes"} <= {
            *lines
        }
        assert not ending or lines[-1] == ending
    assert not any(count().values())


def test_a_run_without_time_deletes_nothing_and_says_that_there_is_more() -> None:
    full_record(OLD)
    out = StringIO()
    call_command("prune", "--seconds", "0", stdout=out)
    assert "There is more" in out.getvalue()
    assert Delivery.objects.exists()
