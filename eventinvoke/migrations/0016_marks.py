"""The mark of an event that is to be planned becomes a row of its own."""

import django.db.models.deletion
from django.db import migrations, models

WHOLE = "event_unplanned_whole"
"""MariaDB's index in place of the partial one (0011)."""


def put_on(apps, schema_editor):
    alias = schema_editor.connection.alias
    Event, Unplanned = apps.get_model("eventinvoke", "Event"), apps.get_model("eventinvoke", "Unplanned")
    marked = Event.objects.using(alias).filter(planned_version=0).order_by("pk").values_list("pk", "version")
    Unplanned.objects.using(alias).bulk_create(
        [Unplanned(event_id=pk, version=version) for pk, version in marked], batch_size=1000
    )


def take_back(apps, schema_editor):
    alias = schema_editor.connection.alias
    Event, Unplanned = apps.get_model("eventinvoke", "Event"), apps.get_model("eventinvoke", "Unplanned")
    marked = Unplanned.objects.using(alias).values("pk")
    Event.objects.using(alias).exclude(pk__in=marked).update(planned_version=models.F("version"))


def drop_whole_index(apps, schema_editor):
    if schema_editor.connection.vendor == "mysql":
        schema_editor.execute(f"DROP INDEX {WHOLE} ON eventinvoke_event")


def make_whole_index(apps, schema_editor):
    if schema_editor.connection.vendor == "mysql":
        schema_editor.execute(f"CREATE INDEX {WHOLE} ON eventinvoke_event (planned_version)")


class Migration(migrations.Migration):

    dependencies = [("eventinvoke", "0015_language")]

    operations = [
        migrations.CreateModel(
            name="Unplanned",
            fields=[
                ("event", models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="unplanned", serialize=False, to="eventinvoke.event")),
                ("version", models.PositiveIntegerField(help_text="The version of the event that is to be planned.")),
            ],
            options={"verbose_name_plural": "unplanned events", "ordering": ["pk"]},
        ),
        migrations.RunPython(put_on, take_back),
        migrations.RunPython(drop_whole_index, make_whole_index, atomic=False),
        migrations.RemoveIndex(model_name="event", name="event_unplanned"),
        migrations.RemoveField(model_name="event", name="planned_version"),
    ]
