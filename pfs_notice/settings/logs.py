"""Logging: one readable line an event on the terminal, or one JSON object (``LOG_FORMAT=json``)."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from pfs_notice.settings.environment import text

_FORMAT = text("LOG_FORMAT", "line").lower()
if _FORMAT not in {"line", "json"}:
    raise ImproperlyConfigured(f"LOG_FORMAT is {_FORMAT!r}; it may be line or json.")
_LEVEL = text("LOG_LEVEL", "INFO").upper()

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "pfs_notice.log_lines.LineFormatter",
            "format": "{asctime} {levelname:<7} {name}: {message}",
            "style": "{",
            "datefmt": "%H:%M:%S",
        },
        "json": {"()": "pfs_notice.log_lines.JsonFormatter"},
    },
    "filters": {"lost_broker": {"()": "pfs_notice.log_lines.LostBrokerFilter"}},
    "handlers": {
        "terminal": {"class": "logging.StreamHandler", "formatter": _FORMAT, "filters": ["lost_broker"]},
    },
    "root": {"handlers": ["terminal"], "level": _LEVEL},
    "loggers": {
        # They tell of every task and every wake-up: a line each second at rest.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "celery.redirected": {"level": "WARNING"},
        # The web server's own lines, besides those that it writes before it has read these settings.
        "_granian": {"handlers": ["terminal"], "propagate": False},
        "django.server": {"handlers": ["terminal"], "level": "INFO", "propagate": False},
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "googleapiclient.discovery_cache": {"level": "ERROR"},
        # At level DEBUG they write tokens and the client's secret into the log.
        "requests_oauthlib": {"level": "INFO"},
        "oauthlib": {"level": "INFO"},
        "google": {"level": "INFO"},
    },
}

__all__ = ["LOGGING"]
