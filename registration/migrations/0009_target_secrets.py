from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registration", "0008_cal_canceled_titles")]
    operations = [
        migrations.AddField("target", "sealed_config", models.TextField(default="")),
    ]
