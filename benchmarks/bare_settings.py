"""The project's settings without any middleware, and with two bare views: what ``benchmarks.callbacks`` compares with."""

from pfs_notice.settings import *  # noqa: F403

MIDDLEWARE: list[str] = []
ROOT_URLCONF = "benchmarks.bare"
