"""MariaDB and MySQL have no partial indexes: theirs get the columns of the condition, and take the place of all earlier ones."""

from django.db import migrations

from common.db.partial_indexes import put_condition_first


def replace(apps, schema_editor):
    for model in apps.get_app_config("registration").get_models():
        put_condition_first(schema_editor, model)


class Migration(migrations.Migration):
    atomic = False  # MariaDB and MySQL can't take back a change of a table
    dependencies = [("registration", "0016_languages")]
    operations = [migrations.RunPython(replace, migrations.RunPython.noop)]
