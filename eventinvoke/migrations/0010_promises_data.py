"""Fill the columns of 0009 from what the rows refer to, a few thousand rows at a time."""

from datetime import datetime

from django.db import migrations

from common.db import bulk
from registration.models.targets import mask

CHUNK = 5_000
SUMMARY_SOURCE = "summary"


def _chunks(model):
    last = 0
    while pks := list(model.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        yield model.objects.filter(pk__gt=last, pk__lte=pks[-1])
        last = pks[-1]


def _origin(row):
    if not row["is_snooze"]:
        return "plan"
    if row["event__source"] != SUMMARY_SOURCE:
        return "snooze"
    return "direct" if row["registration_id"] is None else "digest"


def _moves(apps, events):
    """Return when some events were moved, and from which start, by event in the order of time."""
    found = {}
    rows = apps.get_model("eventinvoke", "EventChange").objects.filter(event__in=events).order_by("at", "pk")
    for event, at, before in rows.values_list("event_id", "at", "before"):
        if before.get("starts_at"):
            found.setdefault(event, []).append((at, datetime.fromisoformat(before["starts_at"])))
    return found


def _start(moves, sent_at, present):
    """Return the start that an event had when something of it was sent; the present one of what was not sent."""
    if sent_at is None:
        return present
    return next((before for at, before in moves if at >= sent_at), present)


def fill_deliveries(apps, schema_editor):
    delivery = apps.get_model("eventinvoke", "Delivery")
    names = (
        "pk", "event_id", "sent_at", "is_snooze", "registration_id", "event__source", "event__starts_at", "member__name",
        "target__label", "target__shown",
    )
    for some in _chunks(delivery):
        given = list(some.values(*names))
        moves = _moves(apps, {row["event_id"] for row in given})
        rows = [
            (
                row["pk"],
                _start(moves.get(row["event_id"], ()), row["sent_at"], row["event__starts_at"]),
                _origin(row),
                row["member__name"] or "",
                (row["target__label"] or mask(row["target__shown"] or ""))[:200],
            )
            for row in given
        ]
        bulk.update(delivery, ["starts_at", "origin", "recipient", "shown"], rows)


def fill_attempts(apps, schema_editor):
    attempt = apps.get_model("eventinvoke", "Attempt")
    pks = attempt.objects.order_by("pk")
    last = None
    while True:
        some = pks.filter(pk__gt=last) if last is not None else pks
        given = list(
            some.values_list("pk", "delivery__event_id", "started_at", "delivery__event__starts_at")[:CHUNK]
        )
        if not given:
            return
        moves = _moves(apps, {event for _pk, event, _at, _present in given})
        rows = [(pk, _start(moves.get(event, ()), at, present)) for pk, event, at, present in given]
        bulk.update(attempt, ["starts_at"], rows)
        last = rows[-1][0]


def fill_answers(apps, schema_editor):
    answer = apps.get_model("eventinvoke", "Answer")
    for some in _chunks(answer):
        rows = list(some.values_list("pk", "delivery__kind", "member__name"))
        bulk.update(answer, ["channel", "member_name"], [(pk, kind, name or "") for pk, kind, name in rows])


class Migration(migrations.Migration):
    dependencies = [("eventinvoke", "0009_promises")]
    operations = [
        migrations.RunPython(fill_deliveries, migrations.RunPython.noop),
        migrations.RunPython(fill_attempts, migrations.RunPython.noop),
        migrations.RunPython(fill_answers, migrations.RunPython.noop),
    ]
