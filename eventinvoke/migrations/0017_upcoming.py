"""The page of what is upcoming begins at any start; on MariaDB, which has no partial indexes, by a whole one."""

from django.db import migrations, models
from django.db.models import Q


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "mysql":
        columns = "member_id, state, starts_at, event_id, id"
        schema_editor.execute(f"CREATE INDEX delivery_upcoming_whole ON eventinvoke_delivery ({columns})")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "mysql":
        schema_editor.execute("DROP INDEX delivery_upcoming_whole ON eventinvoke_delivery")


class Migration(migrations.Migration):
    atomic = False  # MariaDB can't take back a change of a table
    dependencies = [("eventinvoke", "0016_marks")]
    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=Q(state="pending"), fields=["member", "starts_at"], name="delivery_upcoming"
            ),
        ),
        migrations.RunPython(make, drop),
    ]
