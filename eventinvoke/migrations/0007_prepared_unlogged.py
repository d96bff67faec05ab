"""PostgreSQL keeps no log of what is prepared: it is a cache, and a crash may well empty it."""

from django.db import migrations


def stop_logging(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE eventinvoke_prepared SET UNLOGGED")


class Migration(migrations.Migration):
    dependencies = [("eventinvoke", "0006_series")]
    operations = [migrations.RunPython(stop_logging, migrations.RunPython.noop)]
