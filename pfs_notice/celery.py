"""The Celery application: ``celery -A pfs_notice worker`` and ``celery -A pfs_notice beat``."""

import gc
import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.signals import worker_init, worker_process_init, worker_ready

from common.concerned import forget
from pfs_notice.broker_loss import BrokerWatch, WatchedTask

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pfs_notice.settings")

# It warns of running as root because of pickled tasks; ours are JSON, and nothing else is accepted.
warnings.filterwarnings("ignore", category=SecurityWarning)
# At every loss of the broker it explains a setting that we have set (settings/celery.py).
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


@worker_init.connect
def _load_addresses(**_about: object) -> None:
    """Load the site's addresses, which every message links to, before the first one is due.

    That takes a quarter of a second, which each process would take when it is least wanted.
    """
    from django.urls import reverse  # noqa: PLC0415 - Django is not set up before

    reverse("home")


@worker_process_init.connect
@worker_ready.connect
def _collect_less_often(**_about: object) -> None:
    """Leave what a worker has loaded alone: looking through it for garbage takes a tenth of its time.

    Sending makes thousands of short-lived objects, none of which is part of a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


class TimedTask(WatchedTask):
    """A task that begins by reading the database's clock."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task; not at all where there is no time to go by."""
        from eventinvoke.sending.heartbeats import keep_time  # noqa: PLC0415 - Django is not set up before

        forget()
        keep_time()
        return super().__call__(*args, **kwargs)


app = Celery("pfs_notice", task_cls=TimedTask, amqp="pfs_notice.broker_loss:SteadyAMQP")
app.steps["consumer"].add(BrokerWatch)
app.steps["worker"].add("pfs_notice.life_sign:LifeSign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
