"""A code's row keeps its member and the address's fingerprint when the target is deleted."""

import django.db.models.deletion
from django.db import migrations, models


def drop_codes(apps, schema_editor):
    """Codes are good for ten minutes; the few that wait are sent anew."""
    apps.get_model("registration", "Verification").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [("registration", "0002_mariadb_indexes")]

    operations = [
        migrations.RunPython(drop_codes, migrations.RunPython.noop),
        migrations.AddField(
            model_name="verification",
            name="fingerprint",
            field=models.CharField(default="", editable=False, help_text="Of the address.", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="verification",
            name="member",
            field=models.ForeignKey(
                null=True,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="verifications",
                to="registration.member",
            ),
        ),
        migrations.AlterField(
            model_name="verification",
            name="member",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="verifications",
                to="registration.member",
            ),
        ),
        migrations.AlterField(
            model_name="verification",
            name="target",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="verifications",
                to="registration.target",
            ),
        ),
        migrations.AddIndex(
            model_name="verification",
            index=models.Index(fields=["member", "sent_at"], name="verification_of_member"),
        ),
        migrations.AddIndex(
            model_name="verification",
            index=models.Index(fields=["fingerprint", "sent_at"], name="verification_of_address"),
        ),
    ]
