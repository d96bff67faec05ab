"""The page of what is upcoming begins at any start."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("eventinvoke", "0019_provider_errors")]
    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=Q(state="pending"), fields=["member", "starts_at"], name="delivery_upcoming"
            ),
        ),
    ]
