"""DATABASE_URL → Django's DATABASES entry, with the options under which our promises hold on each engine."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import dj_database_url

from bursar.kernel.errors import Misconfigured

VARIABLE: Final = "DATABASE_URL"
UNREADABLE: Final = "cannot be read; characters such as / @ : # in a password must be percent-encoded"
SCHEMES: Final = frozenset({"sqlite", "postgres", "postgresql", "mysql", "mariadb"})
SQLITE_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON; "
    "PRAGMA secure_delete=ON; PRAGMA journal_size_limit=67108864"
)
POSTGRES_OPTIONS: Final = "-c lock_timeout=10s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"


def database(url: str, data_dir: Path) -> dict[str, Any]:
    """Return the settings of the database at `url`; without one, of a SQLite file in `data_dir`.

    Raises `Misconfigured`, never with anything of the URL in it, when the URL cannot be read or its driver is missing.
    """
    config = _read(url.strip() or f"sqlite:///{quote(str(data_dir.absolute() / 'bursar.sqlite3'))}")
    engine = config["ENGINE"].rsplit(".", 1)[-1]
    ENGINES[engine](config)
    return config


def _read(url: str) -> dict[str, Any]:
    scheme = url.partition("://")[0]
    if scheme not in SCHEMES or scheme == url:
        raise _refused(f"must start with one of {', '.join(sorted(SCHEMES))}, then ://")
    try:
        config = dict(dj_database_url.parse(url.replace("mariadb://", "mysql://", 1)))
        path = urlsplit(url).path[1:]
    except ValueError:  # not chained: its words may quote the password
        raise _refused(UNREADABLE) from None
    if scheme != "sqlite" and "/" in path:
        raise _refused(UNREADABLE)
    return {"OPTIONS": {}} | config


def _sqlite(config: dict[str, Any]) -> None:
    if config["NAME"] == ":memory:" or config.get("HOST"):
        raise _refused("must name a file: sqlite:/// and its path, so four slashes where the path is absolute")
    if config["OPTIONS"]:
        raise _refused("takes no options after ? for SQLite")
    path = Path(config["NAME"])
    if path.is_dir() or not path.parent.is_dir():
        raise _refused("must name a file in a directory that exists")
    config["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 30, "init_command": SQLITE_PRAGMAS}
    config["TEST"] = {"NAME": f"{path}.test"}  # Django would test in memory, where nothing is ever locked


def _postgresql(config: dict[str, Any]) -> None:
    if not config["NAME"] and "service" not in config["OPTIONS"]:
        raise _refused("must end with the name of the database")
    if find_spec("psycopg") is None:
        raise _refused('is for PostgreSQL, but psycopg is not installed (pip install "bursar[postgres]")')
    options = config["OPTIONS"]
    options["options"] = f"{POSTGRES_OPTIONS} {options.get('options', '')}".strip()
    options.setdefault("connect_timeout", 10)
    config |= {"CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": None}


def _mysql(config: dict[str, Any]) -> None:
    if not config["NAME"]:
        raise _refused("must end with the name of the database")
    if find_spec("MySQLdb") is None:
        if find_spec("pymysql") is None:
            raise _refused("is for MariaDB, but neither mysqlclient nor PyMySQL is installed")
        import_module("pymysql").install_as_MySQLdb()
    config["OPTIONS"] |= {"charset": "utf8mb4", "isolation_level": "read committed"}
    config |= {"CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": None}
    config["TEST"] = {"CHARSET": "utf8mb4"}


ENGINES: Final = {"sqlite3": _sqlite, "postgresql": _postgresql, "mysql": _mysql}


def _refused(what: str) -> Misconfigured:
    return Misconfigured(f"{VARIABLE} {what}.", setting=VARIABLE)
