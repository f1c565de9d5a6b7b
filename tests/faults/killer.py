"""Processes of their own: forked, so that they inherit what a test has set, then killed, stopped and told to end.

Each dies with the process that made it. `FAULT_SEED` replays the moments at which they are hit.
"""

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import time
import traceback
import weakref
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import connections
from tests.faults.engines import url_of_this_database

from bursar.kernel.errors import BursarError

PR_SET_PDEATHSIG = 1
FAILED = 70  # the exit code of a process whose work raised; what it said is in its log
WAIT_SECONDS = 60


class Process:
    """One process that does `work(*arguments)` and hands its answer back when it ends by itself."""

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        connections.close_all()  # or both would talk on one connection
        sys.stdout.flush()
        self.log = os.memfd_create("log")
        self.reader, writer = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._live(work, arguments, writer, parent)
        os.close(writer)
        for handle in (self.log, self.reader):
            weakref.finalize(self, os.close, handle)
        self.code: int | None = None

    def _live(self, work: Callable[..., Any], arguments: tuple[Any, ...], writer: int, parent: int) -> None:
        """Do the work and leave without anything that the parent's interpreter would do at its end."""
        code = FAILED
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(FAILED)
            for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            for stream in (1, 2):
                os.dup2(self.log, stream)
            sys.stdout = sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
            answer = work(*arguments)
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(answer, pipe)
            code = 0
        except BaseException:  # noqa: BLE001  whatever it is, it belongs into the log of this process
            traceback.print_exc()
        finally:
            os._exit(code)

    @property
    def is_alive(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def send(self, number: signal.Signals) -> None:
        if self.is_alive:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as nobody can prevent, and see that it is gone."""
        self.send(signal.SIGKILL)
        self.wait()

    def wait(self, seconds: float = WAIT_SECONDS) -> int:
        """Wait for its end and return the exit code (a signal's number, negative)."""
        deadline = time.monotonic() + seconds
        while self.is_alive:
            assert time.monotonic() < deadline, f"process {self.pid} does not end\n{self.said()}"
            time.sleep(0.002)
        return self.code or 0

    def answer(self) -> Any:
        """Return what the work returned; a process that failed fails the test with what it said."""
        with os.fdopen(self.reader, "rb", closefd=False) as pipe:
            data = pipe.read()
        code = self.wait()
        assert code == 0, f"process {self.pid} ended with {code}\n{self.said()}"
        return pickle.loads(data)

    def said(self) -> str:
        """Return the end of what it has written."""
        return os.pread(self.log, 10**6, 0)[-4000:].decode(errors="replace")


def together(*works: Callable[[], Any]) -> list[Any]:
    """Do each work in a process of its own, at the same time, and return their answers in order."""
    processes = [Process(work) for work in works]
    try:
        return [process.answer() for process in processes]
    finally:
        end(processes)


def end(processes: list[Process]) -> None:
    """Kill what still runs."""
    for process in processes:
        process.kill()


class Crew:
    """Processes that wait for tasks, one each, and do them from the same moment; as `tests.race.crowd` with threads."""

    def __init__(self, *works: Callable[[Any], Any]) -> None:
        self.lines: list[Connection] = []
        self.processes: list[Process] = []
        for work in works:
            here, there = Pipe()
            self.processes.append(Process(_serve, work, there, here, list(self.lines)))
            there.close()
            self.lines.append(here)

    def call(self, *tasks: Any) -> list[Any]:
        """Give each process its task and return their answers in order: what the work returned, or `Failed`."""
        for line, task in zip(self.lines, tasks, strict=True):
            line.send(task)
        return [self._receive(place) for place in range(len(self.lines))]

    def _receive(self, place: int) -> Any:
        try:
            return self.lines[place].recv()
        except EOFError:
            raise AssertionError(f"a process is gone\n{self.processes[place].said()}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        end(self.processes)


@dataclass(frozen=True)
class Failed:
    """What a task ended with: the code of a refusal, or the name of another error, and its words."""

    code: str
    words: str


def _serve(work: Callable[[Any], Any], line: Connection, *others: Any) -> None:
    """Do task after task until nobody sends one any more."""
    for other in (others[0], *others[1]):
        other.close()
    while True:
        try:
            task = line.recv()
        except EOFError:
            return
        try:
            answer = work(task)
        except BursarError as error:
            answer = Failed(error.code, str(error))
        except Exception as error:  # noqa: BLE001  an error is an answer too
            answer = Failed(type(error).__name__, str(error))
        line.send(answer)


class Hands:
    """So many processes at the same work, each made anew when it has been ended."""

    def __init__(self, work: Callable[..., Any], count: int) -> None:
        self.work = work
        self.processes = [Process(work, number) for number in range(count)]

    def end_one(self, place: int, number: signal.Signals) -> tuple[int, float]:
        """Send a signal that ends one of them, put another into its place; returns its exit code and the seconds."""
        process, began = self.processes[place], time.monotonic()
        assert process.is_alive, f"a worker ended by itself with {process.code}\n{process.said()}"
        process.send(number)
        code = process.wait()
        self.processes[place] = Process(self.work, place)
        return code, time.monotonic() - began

    def replace_dead(self) -> int:
        """Put others into the places of those that have ended; returns how many had."""
        dead = [place for place, process in enumerate(self.processes) if not process.is_alive]
        for place in dead:
            self.processes[place] = Process(self.work, place)
        return len(dead)

    def end_all(self) -> None:
        end(self.processes)


@contextmanager
def hands(work: Callable[..., Any], count: int) -> Any:
    """Keep `count` processes at `work(number)` for the block."""
    some = Hands(work, count)
    try:
        yield some
    finally:
        some.end_all()


def bursar(*arguments: str, **own: str) -> subprocess.Popen[bytes]:
    """Start the command as an operator would, on this test's database, with more settings in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BURSAR_", "DJANGO_"))}
    own = {
        "BURSAR_MODE": "test",
        "BURSAR_DATA_DIR": settings.BURSAR["data_dir"],
        "BURSAR_SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": url_of_this_database(),
    } | own
    command = [sys.executable, "-m", "bursar.cli", *arguments]
    return subprocess.Popen(
        command, env=clean | own, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


class Journal:
    """Lines that processes append and that survive them: each is one write, so none is ever torn."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()

    def note(self, line: str) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()


def until(condition: Callable[[], Any], *, seconds: float, step: float = 0.02) -> bool:
    """Wait until `condition` holds, for at most so long; tells whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        with suppress(InterruptedError):
            time.sleep(step)
    return True
