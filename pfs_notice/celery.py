"""The Celery application: ``celery -A pfs_notice worker`` and ``celery -A pfs_notice beat``."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pfs_notice.settings")

app = Celery("pfs_notice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
