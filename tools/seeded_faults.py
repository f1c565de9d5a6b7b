"""Puts each fault of tests/faults.toml into a copy of the source and runs the test that must see it.

Exits with 1 if a test stays green or cannot run, if a fault no longer fits the source, or if a test fails without any
fault. One PostgreSQL serves all that need one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
CATALOGUE: Final = ROOT / "tests" / "faults.toml"
AT_ONCE: Final = 2
SECONDS: Final = 300
REPORT: Final = "report.xml"


@dataclass(frozen=True)
class Fault:
    """One way to break a promise, and the test that must notice."""

    name: str
    file: str
    find: str
    put: str
    test: str
    named: str
    database: str = "sqlite"

    def seed(self, tree: Path) -> None:
        """Break the copy of the source in `tree`; raises `ValueError` when the fault does not fit it."""
        path = tree / self.file
        source = path.read_text(encoding="utf-8")
        if source.count(self.find) != 1:
            raise ValueError(f"its text stands {source.count(self.find)} times in {self.file}, not once")
        path.write_text(source.replace(self.find, self.put), encoding="utf-8")

    def environment(self, tree: Path) -> dict[str, str]:
        """Return an environment in which `bursar` is the copy, and the database is a test's own."""
        own = {"PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        left_out = {"DJANGO_SETTINGS_MODULE"} | ({"DATABASE_URL"} if self.database == "sqlite" else set())
        found = {name: value for name, value in os.environ.items() if name not in left_out} | own
        if self.database != "sqlite":  # two at once must not share one test database
            server = found["DATABASE_URL"].rpartition("/")[0]
            found["DATABASE_URL"] = f"{server}/{tree.name.replace('-', '_')}"
        return found


@dataclass(frozen=True)
class Report:
    """How tests ended: `failed` are what they asserted, `broken` is what was around them, or that they were skipped."""

    passed: int
    failed: int
    broken: int
    words: str

    @property
    def all_passed(self) -> bool:
        """Whether something was tested, and all of it held."""
        return self.passed > 0 and not self.failed and not self.broken

    @property
    def has_seen(self) -> bool:
        """Whether a test has failed as a test does, not for want of a database or an import."""
        return self.failed > 0


def main(arguments: Sequence[str]) -> int:
    """Try every fault, or those whose name holds one of the words given."""
    faults = [Fault(**item) for item in tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["fault"]]
    chosen = [fault for fault in faults if not arguments or any(word in fault.name for word in arguments)]
    if any(fault.database == "postgresql" for fault in chosen) and "SEEDED_FAULTS" not in os.environ:
        return with_postgresql(arguments)
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ill = [complaint for complaint in pool.map(control, by_database(chosen)) if complaint]
        complaints = ill or [complaint for complaint in pool.map(judge, chosen) if complaint]
    for complaint in complaints:
        print(complaint)
    if ill:
        return 1
    seconds = time.monotonic() - began
    print(f"{len(chosen) - len(complaints)}/{len(chosen)} seeded faults were seen by their tests, in {seconds:.0f} s.")
    return 1 if complaints or not chosen else 0


def with_postgresql(arguments: Sequence[str]) -> int:
    """Start again with a PostgreSQL of our own around us."""
    command = [sys.executable, str(ROOT / "tools" / "postgres.py"), "--", sys.executable, __file__, *arguments]
    return subprocess.run(command, env=os.environ | {"SEEDED_FAULTS": "inside"}, check=False).returncode


def by_database(faults: Sequence[Fault]) -> list[list[Fault]]:
    """Return the faults of each database together."""
    names = sorted({fault.database for fault in faults})
    return [[fault for fault in faults if fault.database == name] for name in names]


def control(faults: Sequence[Fault]) -> str:
    """Return what is wrong with the tests of these faults while there is no fault, or nothing."""
    with tempfile.TemporaryDirectory(prefix="bursar-fault-") as directory:
        tree = Path(directory)
        copy(tree)
        report = run(faults, tree)
    if report.all_passed and report.passed >= len({fault.named for fault in faults}):
        return ""
    return f"Without any fault the tests of {faults[0].database} do not all pass.\n{report.words}"


def judge(fault: Fault) -> str:
    """Return what is wrong with a fault or its test, or nothing when the test saw the fault."""
    with tempfile.TemporaryDirectory(prefix="bursar-fault-") as directory:
        tree = Path(directory)
        copy(tree)
        try:
            fault.seed(tree)
        except (ValueError, OSError) as error:
            return f"{fault.name}: {error}."
        report = run([fault], tree)
    if report.has_seen:
        print(f"seen: {fault.name}", flush=True)
        return ""
    if report.all_passed:
        return f"{fault.name}: {fault.named} did not see it."
    return f"{fault.name}: {fault.named} did not run.\n{report.words}"


def run(faults: Sequence[Fault], tree: Path) -> Report:
    """Run the tests of these faults, all of one database, on the source in `tree`."""
    files = sorted({fault.test for fault in faults})
    named = " or ".join(sorted({fault.named for fault in faults}))
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", f"--junitxml={REPORT}"]
    if len(faults) == 1 and "migrations" not in faults[0].file:
        options.append("--nomigrations")  # half the time; the control has shown that the migrations hold
    command = [sys.executable, "-m", "pytest", *options, *files, "-k", named]
    environment = faults[0].environment(tree)
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Report(0, 0, 1, f"    It took longer than {SECONDS} s.")
    return read_report(tree / REPORT, tail(done.stdout + done.stderr))


def read_report(path: Path, words: str) -> Report:
    """Read what pytest wrote of a run; without that, nothing has run."""
    if not path.exists():
        return Report(0, 0, 1, words)
    suites = list(ET.parse(path).getroot().iter("testsuite"))  # noqa: S314  pytest of ours wrote it
    tests, failed, errors, skipped = (
        sum(int(suite.get(name, "0")) for suite in suites) for name in ("tests", "failures", "errors", "skipped")
    )
    return Report(tests - failed - errors - skipped, failed, errors + skipped, words)


def copy(tree: Path) -> None:
    """Copy what the tests need: source, tests, settings of the tools."""
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tree / name)


def tail(said: str) -> str:
    """Return the last lines of what pytest said."""
    return "\n".join(f"    {line}" for line in said.splitlines()[-15:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
