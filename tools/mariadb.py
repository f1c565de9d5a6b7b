"""A throw-away MariaDB for one command: `python tools/mariadb.py -- command …` sees it in DATABASE_URL.

The server comes from Debian's packages, fetched and unpacked into the directory that is thrown away, never installed.
Durability is off and nothing is kept: for tests only.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))  # also when it is imported from elsewhere

from throwaway import START_SECONDS, ServerFailed, Somebody, bare_environment, directory, serve, somebody, stop

PACKAGES: Final = ("mariadb-server-core", "libaio1", "libnuma1", "liburing2", "libpcre2-8-0")
SYSTEM_TABLES: Final = ("mariadb_system_tables.sql", "mariadb_system_tables_data.sql")
SETTINGS: Final = (
    *("--skip-networking", "--skip-grant-tables", "--skip-log-bin", "--character-set-server=utf8mb4"),
    *("--innodb-flush-log-at-trx-commit=0", "--max-connections=300"),
    *("--default-time-zone=+00:00", "--innodb-flush-method=nosync"),
)


@contextmanager
def server() -> Iterator[str]:
    """Start a server and yield the URL of an empty database on it; stop it and remove everything afterwards."""
    with directory("bursar-my-") as place:
        who = somebody(place)
        root = _fetch(place)
        _initialise(root, place, who)
        (place / "init.sql").write_text("CREATE DATABASE bursar;\n")
        options = (f"--socket={place}/socket", f"--init-file={place}/init.sql", *SETTINGS)
        process = who.start(_command(root, place, who, *options), place / "log", _environment(root))
        try:
            _wait_until_ready(process, place)
            yield f"mysql://root@/bursar?unix_socket={place}/socket"
        finally:
            stop(process)


def _fetch(place: Path) -> Path:
    """Unpack the packages below `place` and return where."""
    root = place / "root"
    try:
        subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=place, check=True, capture_output=True, text=True)
        for package in sorted(place.glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, root], check=True, capture_output=True, text=True)
            package.unlink()
    except OSError as error:
        raise ServerFailed(f"Debian's apt-get and dpkg are needed: {error.strerror}.") from error
    except subprocess.CalledProcessError as error:
        raise ServerFailed(f"{error.cmd[0]} failed; apt-get update may help.\n{error.stderr}") from error
    return root


def _command(root: Path, place: Path, who: Somebody, *more: str) -> list[str]:
    usual = ("--no-defaults", f"--basedir={root}/usr", f"--datadir={place}/data", f"--tmpdir={place / 'tmp'}")
    messages = f"--lc-messages-dir={root}/usr/share/mysql"
    return who.command(root / "usr" / "sbin" / "mariadbd", *usual, messages, *more)


def _initialise(root: Path, place: Path, who: Somebody) -> None:
    """Make the tables that the server keeps about itself."""
    for name in ("data", "tmp"):
        (place / name).mkdir()
        somebody(place / name)
    share = root / "usr" / "share" / "mysql"
    scripts = [_first(share / name, share / name.replace("mariadb_", "mysql_")) for name in SYSTEM_TABLES]
    script = "CREATE DATABASE mysql;\nUSE mysql;\n" + "".join(path.read_text(encoding="utf-8") for path in scripts)
    done = subprocess.run(
        _command(root, place, who, "--bootstrap", "--innodb-flush-method=nosync"),
        **who.options,
        env=_environment(root),
        cwd="/",
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerFailed(f"the system tables could not be made.\n{done.stdout}{done.stderr}")


def _first(*paths: Path) -> Path:
    """Return the first of these files that is there: their names changed with version 11."""
    for path in paths:
        if path.is_file():
            return path
    raise ServerFailed(f"the package brings no {paths[0].name}.")


def _wait_until_ready(process: subprocess.Popen[bytes], place: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as knock, suppress(OSError):
            knock.connect(f"{place}/socket")
            return
        time.sleep(0.05)
    raise ServerFailed(f"the server did not start.\n{(place / 'log').read_text(errors='replace')}")


def _environment(root: Path) -> dict[str, str]:
    libraries = ":".join(str(path) for path in root.glob("**/*-linux-gnu*") if path.is_dir())
    return bare_environment(LD_LIBRARY_PATH=libraries)


if __name__ == "__main__":
    sys.exit(serve(__doc__, server))
