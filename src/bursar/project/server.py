"""How the web server is started: granian, one process per worker, threads within it, nothing in front needed.

`python -m bursar.project.server` starts it alone, as one machine of several; `bursar run` starts it with the rest.
"""

import os
import sys
from typing import Final

import django

from bursar.kernel.conf import setting
from bursar.kernel.errors import Misconfigured
from bursar.project.consistency import split_bind
from bursar.project.demonstration import check_clock

APPLICATION: Final = "bursar.project.boot:application"
SETTINGS: Final = "bursar.project.settings"
THREADS: Final = 8
BACKLOG: Final = 1024
STOP_SECONDS: Final = 10
USAGE_ERROR: Final = 2


def web_command(bind: str, workers: int) -> list[str]:
    """Return the argv of a web server on `bind` (host:port) with `workers` processes; it stops on SIGTERM.

    Requests under way are finished first, for at most ten seconds. Raises `Misconfigured` for a `bind` that is none.
    """
    host, port = split_bind(bind)
    return [
        *(sys.executable, "-m", "granian", APPLICATION),
        *("--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--host", host, "--port", str(port), "--backlog", str(BACKLOG)),
        *("--workers", str(workers), "--blocking-threads", str(THREADS)),
        *("--workers-kill-timeout", str(STOP_SECONDS), "--respawn-failed-workers"),
        *("--log-level", "error"),
    ]


def main() -> None:
    """Become the web server that BURSAR_BIND and BURSAR_WEB_WORKERS ask for; exit with 2 and a line if a setting is wrong."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    try:
        django.setup()
        check_clock()
        command = web_command(setting("bind"), setting("web_workers"))
    except Misconfigured as error:
        print(f"bursar: {error.message}", file=sys.stderr)  # noqa: T201  logging is not set up yet
        sys.exit(USAGE_ERROR)
    os.execv(command[0], command)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main()
