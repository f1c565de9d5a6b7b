"""What throw-away database servers have in common: an unprivileged owner, a directory that goes, and one command to serve."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

NOBODY: Final = 65534
START_SECONDS: Final = 60
STOP_SECONDS: Final = 20
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ServerFailed(Exception):
    """No server could be started; the message says why."""


@dataclass(frozen=True)
class Somebody:
    """How the server's programs are started: as the current user, or from root as an unprivileged one."""

    options: dict[str, Any] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()

    def command(self, program: Path, *arguments: str) -> list[str]:
        """Return the full argv of one of the server's programs."""
        return [*self.prefix, str(program), *arguments]

    def start(self, command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start the server itself, in a session of its own: Ctrl-C is for the command, the server is stopped after it."""
        with log.open("wb") as output:
            return subprocess.Popen(
                command,
                **self.options,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


def serve(
    description: str | None, server: Callable[[], AbstractContextManager[str]], arguments: Sequence[str] | None = None
) -> int:
    """Run the command after `--` with a server of its own; return its exit code, or 1 when no server could be started."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("command", nargs="+", help="what to run, after --")
    runner = Runner(parser.parse_args(arguments).command)
    runner.catch_signals()
    try:
        with server() as url:
            return runner.run(url)
    except ServerFailed as error:
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        return 1


class Runner:
    """The command, and the signals that are for it."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.child: subprocess.Popen[bytes] | None = None

    def catch_signals(self) -> None:
        """Pass signals on to the command, so that the server is always stopped after it and never before."""
        for number in SIGNALS:
            signal.signal(number, self.receive)

    def receive(self, number: int, _frame: FrameType | None) -> None:
        """Pass one signal on; with nothing running yet, leave."""
        if self.child is None:
            raise SystemExit(128 + number)
        typed_at_terminal = number == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty()
        if not typed_at_terminal:  # the terminal has already told the whole group
            self.child.send_signal(number)

    def run(self, url: str) -> int:
        """Run the command on the database at `url`; one ended by a signal gives 128 and its number, as in a shell."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MYSQL_"))}
        try:
            self.child = subprocess.Popen(self.command, env=environment | {"DATABASE_URL": url})
        except OSError as error:
            raise ServerFailed(f"{self.command[0]}: {error.strerror}") from error
        code = self.child.wait()
        return 128 - code if code < 0 else code


@contextmanager
def directory(prefix: str) -> Iterator[Path]:
    """Yield a fresh directory that is removed afterwards, whatever happens; its path fits into that of a socket."""
    made = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))  # a directory of the user's own may shut somebody out
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def somebody(place: Path) -> Somebody:
    """Return who runs the server, with `place` made theirs."""
    if os.geteuid() != 0:
        return Somebody()
    try:
        os.chown(place, NOBODY, NOBODY)
    except OSError:  # a container whose root owns no second user can still rename itself
        return Somebody(prefix=("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"))
    return Somebody(options={"user": NOBODY, "group": NOBODY, "extra_groups": []})


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server at once: nothing of it is kept. Signals that come meanwhile come too late."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    process.send_signal(signal.SIGQUIT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for number, handler in before.items():
        signal.signal(number, handler)


def bare_environment(**more: str) -> dict[str, str]:
    """Return an environment in which nothing of the user's changes what the server does."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"} | more
