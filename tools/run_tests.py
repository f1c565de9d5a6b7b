"""The whole suite, on SQLite and then on a real PostgreSQL, each within its budget of time; then the gate on coverage.

The races run by themselves: hundreds of callers leave no room for a second process or for counting lines. What is drawn
at random, the order of the tests too, follows from TEST_SEED; it is fixed, so that what passes once passes again.
DATABASE_URL, when it names a PostgreSQL, is the one; otherwise one is brought. More arguments go to pytest.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
BUDGET_SECONDS: Final = int(os.environ.get("TEST_BUDGET_SECONDS", "2700"))
PROCESSES: Final = os.environ.get("TEST_PROCESSES", "2")
STOP_SECONDS: Final = 30
SEED: Final = os.environ.get("TEST_SEED", "20270101")
PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-q", "--durations", "8", "--durations-min", "5"),
    *(f"--randomly-seed={SEED}", f"--hypothesis-seed={SEED}"),
)
PARALLEL: Final = ("-n", PROCESSES, "--dist", "worksteal")
MEASURED: Final = ("--cov", "--cov-report=")
# What stands over the verbs need not be asked on two databases, nor what knows none; the contracts are. Whoever chooses
# tests (ARGS) gets them on both.
ONLY_ON_POSTGRESQL: Final = ("tests/unit", "tests/web/v1")
ONLY_ON_SQLITE: Final = (
    *("tests/abuse", "tests/browser", "tests/cli", "tests/guides", "tests/pages"),
    *("tests/web/admin", "tests/web/auth", "tests/web/learner", "tests/web/openedx", "tests/web/staff"),
)
NOTHING_CHOSEN: Final = 5  # pytest's exit code when the arguments pick no test of a suite


@dataclass(frozen=True)
class Suite:
    """Tests on one database: what is put before pytest and after it, and the database in its environment."""

    name: str
    after: tuple[str, ...]
    before: tuple[str, ...] = ()
    database_url: str | None = None

    def environment(self) -> Mapping[str, str]:
        """Return the environment of the run, with this suite's database and no other."""
        left_out = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
        clean = {name: value for name, value in os.environ.items() if name not in left_out}
        return clean | ({"DATABASE_URL": self.database_url} if self.database_url else {})


def main(arguments: Sequence[str]) -> int:
    """Run every suite, also after one has failed, and return 0 when everything held."""
    chosen = bool(arguments)
    suites = (
        Suite("SQLite", (*PARALLEL, *_without(ONLY_ON_POSTGRESQL, chosen=chosen))),
        postgresql("PostgreSQL", *PARALLEL, *MEASURED, "-m", "not race", *_without(ONLY_ON_SQLITE, chosen=chosen)),
        postgresql("PostgreSQL, races", "-m", "race"),
    )
    outcomes = {suite.name: run(suite, arguments) for suite in suites}
    for name, outcome in outcomes.items():
        print(f"{name}: {outcome or 'passed'}")
    if any(outcomes.values()):
        return 1
    return 0 if arguments else gate()


def _without(folders: Sequence[str], *, chosen: bool) -> list[str]:
    """Return the options that leave folders out, unless somebody has chosen what is run."""
    return [] if chosen else [f"--ignore={folder}" for folder in folders]


def postgresql(name: str, *after: str) -> Suite:
    """Return a suite on the PostgreSQL that was given, or on one of its own."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith(("postgres://", "postgresql://")):
        return Suite(name, after, database_url=given)
    return Suite(name, after, before=(sys.executable, str(ROOT / "tools" / "postgres.py"), "--"))


def run(suite: Suite, arguments: Sequence[str]) -> str:
    """Run one suite and return what is wrong with it, or nothing."""
    print(f"== {suite.name}", flush=True)
    began = time.monotonic()
    command = [*suite.before, *PYTEST, *suite.after, *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=suite.environment(), start_new_session=True)
    try:
        code = process.wait(BUDGET_SECONDS)
    except BaseException as error:
        stop(process)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        return f"stopped, over its budget of {BUDGET_SECONDS} s (TEST_BUDGET_SECONDS)"
    print(f"{suite.name} took {time.monotonic() - began:.0f} s.", flush=True)
    if code == NOTHING_CHOSEN and arguments:
        return ""
    return f"failed, exit code {code}" if code else ""


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a run and everything that it started, workers in the middle of a test too."""
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)  # its database is stopped and removed
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def gate() -> int:
    """Let the gate judge what was covered."""
    return subprocess.run([sys.executable, ROOT / "tools" / "coverage_gate.py"], cwd=ROOT, check=False).returncode


def interrupt(_number: int, _frame: object) -> None:
    """Let SIGTERM end the run as Ctrl-C does."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
