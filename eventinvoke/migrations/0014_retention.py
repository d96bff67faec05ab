"""When the payload of a receipt came, so that it can be emptied; an index for deleting a member."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F

import common.clock


def fill(apps, schema_editor):
    Receipt = apps.get_model("eventinvoke", "Receipt")
    Receipt.objects.using(schema_editor.connection.alias).update(raw_at=F("received_at"))


class Migration(migrations.Migration):

    dependencies = [("eventinvoke", "0013_words")]

    operations = [
        migrations.AddField(
            model_name="receipt",
            name="raw_at",
            field=models.DateTimeField(blank=True, default=common.clock.now, editable=False, help_text="When the payload came; none once it is emptied.", null=True),
        ),
        migrations.AlterField(
            model_name="receipt",
            name="payload",
            field=models.JSONField(blank=True, default=dict, help_text="What came; emptied after NOTICE_KEEP_PAYLOADS_DAYS."),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="receipt",
            index=models.Index(fields=["raw_at"], name="receipt_raw"),
        ),
        migrations.AlterField(
            model_name="held",
            name="member",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="held", to="registration.member"),
        ),
    ]
