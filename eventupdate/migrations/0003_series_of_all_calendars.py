"""The name of a series no longer holds its calendar, so that a meeting in two calendars has one name."""

import zlib
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from django.db import migrations, models

_BATCH: Final = 500
_UID_LENGTH: Final = 200


def name_series(apps: Any, _schema_editor: Any = None) -> None:
    """Give stored entries and calendar events the new names of their series."""
    entry = apps.get_model("eventupdate", "Entry")
    _rename(entry.objects.values_list("pk", "text"), entry, lambda text: _name(_uid_key_in(text)))
    event = apps.get_model("eventinvoke", "Event")
    events = event.objects.filter(source__startswith="calendar:").values_list("pk", "external_id")
    _rename(events, event, lambda external_id: _name(external_id.rpartition("#")[0]))


def _rename(rows: Any, model: Any, name_of: Callable[[Any], str]) -> None:
    last = 0
    while some := list(rows.filter(pk__gt=last).order_by("pk")[:_BATCH]):
        last = some[-1][0]
        named = [model(pk=pk, series=name_of(value)) for pk, value in some]
        model.objects.bulk_update(named, ["series"])


def _uid_key_in(text: Any) -> str:
    uid = zlib.decompress(bytes(text)).decode().partition("\n")[0]
    return uid if len(uid) <= _UID_LENGTH else sha256(uid.encode()).hexdigest()


def _name(uid_key: str) -> str:
    return sha256(uid_key.removesuffix("@google.com").encode()).hexdigest()[:32]


class Migration(migrations.Migration):
    dependencies = [("eventupdate", "0002_problems"), ("eventinvoke", "0006_series")]

    operations = [
        migrations.AlterField(
            model_name="entry",
            name="series",
            field=models.CharField(
                help_text="A hash of the UID: resources that are expanded together, and their events.",
                max_length=32,
            ),
        ),
        migrations.RunPython(name_series, migrations.RunPython.noop),
    ]
