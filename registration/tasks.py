"""The Celery task of this app."""

from celery import shared_task

from registration.jobs import run_waiting


@shared_task(name="registration.tasks.run_jobs")
def run_jobs() -> None:
    """Do the jobs for which pages wait."""
    run_waiting()
