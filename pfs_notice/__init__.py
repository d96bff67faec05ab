"""The project: settings, addresses, Celery, system checks and the supervisor."""
