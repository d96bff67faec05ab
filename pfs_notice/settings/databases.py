"""The database: SQLite where nothing is configured, else PostgreSQL, MariaDB or MySQL by ``DATABASE_URL``."""

from typing import Any

from pfs_notice.private_folder import make_folder
from pfs_notice.settings.environment import VAR_DIR, database_url, flag, whole

_SQLITE: dict[str, Any] = {
    # A transaction that begins by reading and goes on to write would otherwise fail at once with
    # "database is locked", however long the time-out.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
}
_MYSQL: dict[str, Any] = {
    "charset": "utf8mb4",
    "sql_mode": "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE",
    # Repeatable read takes gap locks, over which concurrent claims of a batch deadlock.
    "isolation_level": "read committed",
}


def _database() -> dict[str, Any]:
    default = database_url("DATABASE_URL") or {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(VAR_DIR / "db.sqlite3"),
    }
    options = default.setdefault("OPTIONS", {})
    match default["ENGINE"].rsplit(".", 1)[-1]:
        case "sqlite3":
            make_folder(VAR_DIR)
            default["OPTIONS"] = _SQLITE | options
            # The file's name, not a shared memory: other processes must be able to open a test's database.
            default["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
        case "mysql":
            # There is no wheel of mysqlclient for Linux; PyMySQL stands in for it.
            import pymysql  # noqa: PLC0415 - only where MariaDB or MySQL is used

            pymysql.install_as_MySQLdb()
            default["OPTIONS"] = _MYSQL | options
            default["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_bin"}
        case "postgresql":
            # Of the statements that common.db.prepared runs: 0 prepares each at once, None prepares none.
            options["prepare_threshold"] = 0 if flag("DATABASE_PREPARE", default=True) else None
        case _:
            pass
    # A connection belongs to one thread of one process and is closed by Celery before it forks.
    default["CONN_MAX_AGE"] = whole("DATABASE_CONN_MAX_AGE", 600)
    default["CONN_HEALTH_CHECKS"] = True
    return default


DATABASES = {"default": _database()}
# MariaDB and MySQL have no partial indexes; common/db/partial_indexes.py gives them others.
SILENCED_SYSTEM_CHECKS = ["models.W037"]

__all__ = ["DATABASES", "SILENCED_SYSTEM_CHECKS"]
