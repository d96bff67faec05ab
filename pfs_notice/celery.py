"""The Celery application: ``celery -A pfs_notice worker`` and ``celery -A pfs_notice beat``."""

import os
import warnings

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pfs_notice.settings")

# It warns of running as root because of pickled tasks; ours are JSON, and nothing else is accepted.
warnings.filterwarnings("ignore", category=SecurityWarning)
# At every loss of the broker it explains a setting that we have set (settings/celery.py).
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)

app = Celery("pfs_notice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
