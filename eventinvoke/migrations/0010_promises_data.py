"""Fill the columns of 0009 from what the rows refer to, a few thousand rows at a time."""

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


def fill_deliveries(apps, schema_editor):
    delivery = apps.get_model("eventinvoke", "Delivery")
    names = (
        "pk", "is_snooze", "registration_id", "event__source", "event__starts_at", "member__name",
        "target__label", "target__shown",
    )
    for some in _chunks(delivery):
        rows = [
            (
                row["pk"],
                row["event__starts_at"],
                _origin(row),
                row["member__name"] or "",
                (row["target__label"] or mask(row["target__shown"] or ""))[:200],
            )
            for row in some.values(*names)
        ]
        bulk.update(delivery, ["starts_at", "origin", "recipient", "shown"], rows)


def fill_attempts(apps, schema_editor):
    attempt = apps.get_model("eventinvoke", "Attempt")
    pks = attempt.objects.order_by("pk")
    last = None
    while True:
        some = pks.filter(pk__gt=last) if last is not None else pks
        rows = list(some.values_list("pk", "delivery__event__starts_at")[:CHUNK])
        if not rows:
            return
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
