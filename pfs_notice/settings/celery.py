"""Celery: four queues, tasks that survive a dead worker, and the wake-ups of the beat."""

from typing import Any
from urllib.parse import quote

import kombu
from celery.schedules import crontab

from common.queues import Queue
from pfs_notice.settings.environment import VAR_DIR, text
from pfs_notice.supervisor.broker import socket_path

CELERY_BROKER_URL = text("CELERY_BROKER_URL", f"redis+socket://{quote(str(socket_path(VAR_DIR)))}")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    # Above the longest task, or a task that is still running is given out again.
    "visibility_timeout": 900,
    # With the defaults a dead worker's tasks come back after 100 s more.
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_keepalive": True,
    # For a machine that does not answer at all; the system's own patience is two minutes.
    "socket_connect_timeout": 2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None

CELERY_TASK_DEFAULT_QUEUE = "fire"
CELERY_TASK_QUEUES = [kombu.Queue(str(name)) for name in Queue]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None  # or the beat would send a task that tidies results away, and that expires
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True

CELERY_BEAT_SCHEDULER = "pfs_notice.beat:SteadyScheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")
# No entry has a time at which it expires: that would be compared with another machine's clock. What
# bounds a queue is its length (common/broker.py), and a wake-up that comes just after another ends at once.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "wake": {"task": "eventinvoke.tasks.wake", "schedule": 1.0, "options": {"queue": "urgent"}},
    "tend": {"task": "eventinvoke.tasks.tend", "schedule": 5.0, "options": {"queue": "urgent"}},
    # Only a look for what is due, one indexed query: a new calendar is read within seconds.
    "sync_calendars": {
        "task": "eventupdate.tasks.sync_calendars",
        "schedule": 5.0,
        "options": {"queue": "urgent"},
    },
    "tidy_calendars": {
        "task": "eventupdate.tasks.tidy_calendars",
        "schedule": 60.0,
        "options": {"queue": "calendars"},
    },
    # Each day at a quiet hour, UTC.
    "prune": {
        "task": "eventinvoke.tasks.prune_old",
        "schedule": crontab(hour=1, minute=43),
        "options": {"queue": "slow"},
    },
}

__all__ = [name for name in dir() if name.startswith("CELERY_")]
