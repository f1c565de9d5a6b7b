"""Schemathesis against both APIs as three roles, from descriptions of their own: every check on, stateful too.

Each run is a process with a SQLite file of its own (tests/fuzz/job.py), as many at once as there are processors. All of it
takes half an hour; `--short` is a part of two minutes. FUZZ_SEED=… runs what another run has run; each prints its own.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))  # also when it is imported from elsewhere

from run_tests import interrupt

ROOT: Final = Path(__file__).parents[1]
APIS: Final = ("v1", "openedx")
ROLES: Final = ("lee", "ada", "olga")  # a learner, an admin, and who operates everything
PROCESSES: Final = 2
LONGEST_SECONDS: Final = 900
FIXED_SEED: Final = 20_270_101  # of the short part: what passes once passes again


@dataclass(frozen=True)
class Job:
    """One API, asked by one role, in a size (`full`, `short`): operations by themselves, and walks from answer to request."""

    api: str
    role: str
    size: str
    seed: int
    part: str

    def run(self, template: Path) -> tuple[int, str]:
        """Run it on a copy of the prepared database; return its exit code and what it says."""
        with tempfile.TemporaryDirectory(prefix="bursar-fuzz-") as scratch:
            shutil.copytree(template, scratch, dirs_exist_ok=True)
            return asked(Path(scratch), self)


def asked(scratch: Path, job: Job) -> tuple[int, str]:
    """Run a job in its directory, for no longer than it may take."""
    arguments = (job.api, job.role, job.size, str(job.seed), job.part)
    command = [sys.executable, str(ROOT / "tests" / "fuzz" / "job.py"), *arguments]
    process = subprocess.Popen(
        command, cwd=scratch, env=environment(scratch), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said, _ = process.communicate(timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        return 1, f"{said}\n{job} was stopped: it did not end by itself."
    return process.returncode, said


def environment(data: Path) -> dict[str, str]:
    """Return the environment of a job: nobody's settings, and a database in its own directory."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith("BURSAR_") and name != "DATABASE_URL"
    }
    return clean | {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "bursar.project.settings",
        "BURSAR_MODE": "test",
        "BURSAR_DATA_DIR": str(data),
        "BURSAR_RATE_LIMIT": "0",
        "BURSAR_RATE_LIMIT_ANONYMOUS": "0",
        "BURSAR_SECRET_KEY": "a key that only tests use and that keeps nothing secret",
    }


def main(arguments: Sequence[str]) -> int:
    """Run every job, also after one has failed, and return 0 when nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="the part of two minutes")
    options = parser.parse_args(arguments)
    size = "short" if options.short else "full"
    seed = int(os.environ.get("FUZZ_SEED") or (FIXED_SEED if options.short else random.randrange(10**9)))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bursar-fuzz-") as directory:
        template = Path(directory)
        migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment(template), check=True)
        with ThreadPoolExecutor(PROCESSES) as pool:
            codes = list(pool.map(partial(told, template=template), jobs(size, seed)))
    failed = sum(map(bool, codes))
    print(f"{len(codes)} runs, {failed} with something found, FUZZ_SEED={seed}, {time.monotonic() - began:.0f} s.")
    return 1 if failed else 0


def jobs(size: str, seed: int) -> Iterator[Job]:
    """Yield the runs: in the short part each role asks a third of the operations by themselves, in turn."""
    for number, role in enumerate(ROLES):
        part = f"{(seed + number) % len(ROLES)}/{len(ROLES)}" if size == "short" else "all"
        yield from (Job(api, role, size, seed, part) for api in APIS)


def told(job: Job, *, template: Path) -> int:
    """Run a job and print what it says: its last line, or all of it when something was found."""
    code, said = job.run(template)
    print(said if code else (said.strip().splitlines() or [""])[-1], flush=True)
    return code


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
