"""MariaDB has no partial indexes and Django leaves them out there: whole ones take their place."""

from django.db import migrations

INDEXES = {
    "delivery_due_whole": "eventinvoke_delivery (state, kind, severity, next_attempt_at)",
    "delivery_planned_whole": "eventinvoke_delivery (registration_id, state)",
    "delivery_lease_whole": "eventinvoke_delivery (lease_until)",
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
    dependencies = [("eventinvoke", "0002_initial")]
    operations = [migrations.RunPython(make, drop)]
