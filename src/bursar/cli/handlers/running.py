"""`bursar run`: web server, workers and clock as children of one process group; all of them, or none."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import typer

from bursar.cli.handlers.service import require_tables
from bursar.cli.output import complain, write_parts
from bursar.kernel.conf import setting
from bursar.kernel.errors import Unavailable
from bursar.outbox import engine
from bursar.outbox.worker import stop_on_signals
from bursar.people.installation import is_demonstration

CLI: Final = (sys.executable, "-m", "bursar.cli")
WEB: Final = (sys.executable, "-m", "bursar.project.server")
STEP_SECONDS: Final = 0.1
STOP_SECONDS: Final = 20
BEYOND_A_MAIL: Final = 10
ENDED_UNASKED: Final = 5
SIGNALLED: Final = 128


def run() -> None:
    """Start everything, print the address, and stay until a signal comes or a child ends."""
    require_tables()
    address = setting("bind")
    _require_free(address)
    asked = stop_on_signals()
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, arguments in _children().items():
            children[name] = _start(arguments)
        _watch(children, address, asked)
    finally:
        _stop(list(children.values()))


def _children() -> dict[str, Sequence[str]]:
    """Return what runs beside this process; Celery's worker starts processes of its own."""
    number = 1 if engine.kind() == "celery" else setting("workers")
    workers = {"worker" if number == 1 else f"worker {place}": (*CLI, "worker") for place in range(1, number + 1)}
    return {"web server": WEB, **workers, "clock": (*CLI, "clock")}


def _start(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a child that Ctrl-C, which a terminal sends to the whole group, does not reach: we tell it to stop, once.

    The web server told twice, itself and through its workers, waits ten seconds for workers that are gone.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(arguments)  # noqa: S603  our own programs
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _watch(children: Mapping[str, subprocess.Popen[bytes]], address: str, asked: Callable[[], bool]) -> None:
    """Wait for a signal, saying where the service is once it is; raises `typer.Exit` when a child ends by itself."""
    greeted = False
    while not asked():
        ended = next((name for name, child in children.items() if child.poll() is not None), None)
        if ended:
            raise typer.Exit(_ended(ended, children[ended].returncode))
        if not greeted and _answers(address):
            write_parts(_greeting(address))
            greeted = True
        time.sleep(STEP_SECONDS)


def _answers(address: str) -> bool:
    parts = urlsplit(f"//{address}")
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=1).close()
    except OSError:
        return False
    return True


def _greeting(address: str) -> list[str]:
    base = setting("base_url")
    lines = [f"Bursar serves at http://{address}. Ctrl-C stops it."]
    if urlsplit(base).netloc != address:
        lines.append(f"Links in mails lead to {base}.")
    if is_demonstration() and not setting("smtp_url"):
        lines.append(f"This is a demonstration: the mails are at http://{address}/dev/mail/.")
    return lines


def _ended(name: str, code: int) -> int:
    """Return the exit code for a child that ended though nobody asked it to, and say so."""
    complain(f"The {name} ended with {code}; everything else is stopped too.")
    return ENDED_UNASKED if code == 0 else SIGNALLED - code if code < 0 else code


def _stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """Tell every child to stop, let it finish what it has in hand, and end those that do not."""
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    patience = max(STOP_SECONDS, setting("smtp_timeout").total_seconds() + BEYOND_A_MAIL)  # for the mail in hand
    deadline = time.monotonic() + patience
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _require_free(address: str) -> None:
    """Raise `Unavailable` (`address_in_use`) when nothing can listen there; two servers could share it unnoticed."""
    parts = urlsplit(f"//{address}")
    family = socket.AF_INET6 if ":" in (parts.hostname or "") else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((parts.hostname, parts.port))
        except OSError as error:
            raise Unavailable(
                f"Nothing can listen on {address}: {error.strerror}; BURSAR_BIND names another address.",
                code="address_in_use",
            ) from error
