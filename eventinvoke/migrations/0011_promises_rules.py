"""The constraints that the rows of 0010 keep, and whole indexes where MariaDB has no partial ones."""

from django.db import migrations, models

INDEXES = {
    "event_unplanned_whole": "eventinvoke_event (planned_version)",
    "delivery_expired_whole": "eventinvoke_delivery (state, deadline_at)",
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
    dependencies = [("eventinvoke", "0010_promises_data")]
    operations = [
        migrations.AlterField(
            model_name='delivery',
            name='starts_at',
            field=models.DateTimeField(help_text='The start of the event that it is about.'),
        ),
        migrations.AlterField(
            model_name='event',
            name='planned_version',
            field=models.PositiveIntegerField(default=0, editable=False, help_text='The version that its deliveries follow; 0 from a change until it is planned.'),
        ),
        migrations.AddConstraint(
            model_name='answer',
            constraint=models.UniqueConstraint(fields=('delivery', 'kind', 'starts_at'), name='answer_once_a_start'),
        ),
        migrations.RemoveConstraint(
            model_name='answer',
            name='answer_once_a_delivery',
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(fields=('event', 'target', 'due_at', 'starts_at', 'slot'), name='delivery_once_a_start'),
        ),
        migrations.RemoveConstraint(
            model_name='delivery',
            name='delivery_once',
        ),
        migrations.RemoveField(
            model_name='delivery',
            name='is_snooze',
        ),
        migrations.RunPython(make, drop),
    ]
