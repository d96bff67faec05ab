"""Entries get a note, and all calendars are read again, as their entries are read differently now."""

from typing import Any

from django.db import migrations, models
from django.db.models.functions import Now


def read_again(apps: Any, _schema_editor: Any = None) -> None:
    """Make the next sync of each calendar read and compare everything."""
    apps.get_model("eventupdate", "Entry").objects.exclude(version="").update(version="")
    calendars = apps.get_model("registration", "Calendar").objects.filter(expanded_until__isnull=False)
    calendars.update(expanded_until=None, next_sync_at=Now())


class Migration(migrations.Migration):
    dependencies = [("eventupdate", "0003_series_of_all_calendars"), ("registration", "0007_words")]

    operations = [
        migrations.AddField(
            model_name="entry",
            name="note",
            field=models.CharField(
                blank=True, default="", help_text="What was passed over or is ambiguous.", max_length=150
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="entry",
            name="problem",
            field=models.CharField(
                blank=True, help_text="Why it can't be read completely; its events stay.", max_length=150
            ),
        ),
        migrations.RunPython(read_again, migrations.RunPython.noop),
    ]
