"""Logging: one readable line an event, on the terminal."""

from typing import Any

from pfs_notice.settings.environment import text

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
    },
    "filters": {"lost_broker": {"()": "pfs_notice.log_lines.LostBrokerFilter"}},
    "handlers": {
        "terminal": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["lost_broker"]},
    },
    "root": {"handlers": ["terminal"], "level": _LEVEL},
    "loggers": {
        # They tell of every task and every wake-up: a line each second at rest.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "celery.redirected": {"level": "WARNING"},
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
