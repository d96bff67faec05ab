"""A version in place of a mark. After the upgrade every registration is planned once more, which finds shared deliveries."""

from django.db import migrations, models

WHOLE = "registration_unplanned_whole"


def drop_old(apps, schema_editor):
    if schema_editor.connection.vendor == "mysql":
        schema_editor.execute(f"DROP INDEX {WHOLE} ON registration_registration")


def make_new(apps, schema_editor):
    if schema_editor.connection.vendor == "mysql":
        schema_editor.execute(f"CREATE INDEX {WHOLE} ON registration_registration (planned_version)")


class Migration(migrations.Migration):
    atomic = False  # MariaDB can't take back a change of a table

    dependencies = [
        ('registration', '0004_zones'),
    ]

    operations = [
        migrations.RunPython(drop_old, migrations.RunPython.noop),
        migrations.RemoveIndex(
            model_name='registration',
            name='registration_unplanned',
        ),
        migrations.RemoveField(
            model_name='registration',
            name='is_planned',
        ),
        migrations.AddField(
            model_name='registration',
            name='planned_version',
            field=models.PositiveIntegerField(default=0, editable=False, help_text='The version that its deliveries follow; 0 from a change until it is planned.'),
        ),
        migrations.AddField(
            model_name='registration',
            name='version',
            field=models.PositiveIntegerField(default=1, editable=False, help_text='Rises with every change.'),
        ),
        migrations.AddField(
            model_name='step',
            name='redials',
            field=models.PositiveSmallIntegerField(default=1, help_text='How many more calls follow one that is busy or not answered, if the plan has nothing else.'),
        ),
        migrations.AddIndex(
            model_name='registration',
            index=models.Index(condition=models.Q(('planned_version', 0)), fields=['id'], name='registration_unplanned'),
        ),
        migrations.RunPython(make_new, migrations.RunPython.noop),
    ]
