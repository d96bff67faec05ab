"""MariaDB has no partial indexes and Django leaves them out there: whole ones take their place."""

from django.db import migrations

INDEXES = {
    "calendar_due_whole": "registration_calendar (is_active, next_sync_at)",
    "registration_unplanned_whole": "registration_registration (is_planned, id)",
}


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "mysql":
        for name, columns in INDEXES.items():
            schema_editor.execute(f"CREATE INDEX {name} ON {columns}")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "mysql":
        for name, columns in INDEXES.items():
            schema_editor.execute(f"DROP INDEX {name} ON {columns.split()[0]}")


class Migration(migrations.Migration):
    atomic = False  # MariaDB can't take back a change of a table
    dependencies = [("registration", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]
