from django.db import migrations, models

import common.fields


class Migration(migrations.Migration):
    dependencies = [("registration", "0010_target_secrets_data")]
    operations = [
        migrations.RemoveField("target", "config"),
        migrations.RenameField("target", "sealed_config", "config"),
        migrations.AlterField(
            "target",
            "config",
            common.fields.EncryptedObjectField(
                blank=True, default=dict, help_text="The keys of a browser, for example."
            ),
        ),
        migrations.AlterField(
            "target",
            "address",
            common.fields.EncryptedTextField(
                help_text="As the channel normalised it. A push endpoint and a number are secrets."
            ),
        ),
        migrations.AlterField(
            "target",
            "fingerprint",
            models.CharField(editable=False, help_text="Keyed hash of the address.", max_length=64),
        ),
    ]
