"""Members choose among the languages that notices are translated into; another one was read in English."""

from django.db import migrations, models

LANGUAGES = [
    ("en", "English (US)"),
    ("en-gb", "English (UK)"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("ja", "日本語"),
]


def keep_to_them(apps, schema_editor):
    known = [code for code, _name in LANGUAGES]
    others = apps.get_model("registration", "Member").objects.exclude(language__in=known)
    for code in others.order_by().values_list("language", flat=True).distinct():
        base = code.partition("-")[0]
        others.filter(language=code).update(language=base if base in known else "en")


class Migration(migrations.Migration):
    dependencies = [("registration", "0015_jobs")]
    operations = [
        migrations.RunPython(keep_to_them, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="member",
            name="language",
            field=models.CharField(choices=LANGUAGES, default="en", max_length=16),
        ),
    ]
