"""One command for every figure that we claim: measures on each database in processes of their own, and prints tables."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tools import postgres

from bench.report import as_text, missed

ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = Path(__file__).parent / "results.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and with `--write` keep; 1 when a figure misses its target."""
    options = parse(arguments)
    results = []
    for name in options.database:
        with database(name, options.database_url) as environment:
            results.append(measure(options, environment))
    text = as_text(results, options)
    print(text)
    if options.write:
        RESULTS.write_text(text, encoding="utf-8")
    return int(any(map(missed, results)))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what is to be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--present", type=int, default=100_000, help="assignments that are there already (%(default)s)")
    parser.add_argument("--people", type=int, default=10_000, help="people in one call (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side (%(default)s)")
    parser.add_argument(
        "--lists",
        type=int,
        nargs="*",
        default=[10_000, 100_000, 1_000_000],
        help="sizes of the lists measured on PostgreSQL (%(default)s); none for no lists",
    )
    parser.add_argument("--only-lists", action="store_true", help="measure nothing but the lists; no verbs, no memory")
    parser.add_argument("--only-pages", action="store_true", help="measure nothing but the pages of the portals")
    parser.add_argument(
        "--database", action="append", choices=("sqlite", "postgresql"), help="only this one; ours to make"
    )
    parser.add_argument("--database-url", help="measure on this empty database instead; its rows stay in it")
    parser.add_argument("--write", action="store_true", help="keep the figures in bench/results.md")
    options = parser.parse_args(arguments)
    if options.only_lists and not options.database_url:
        options.database = ["postgresql"]
    if options.only_pages and not options.database_url:
        options.database = ["sqlite"]
    options.database = ["given"] if options.database_url else options.database or ["sqlite", "postgresql"]
    if min(options.people, options.rounds) < 1 or options.present < options.people * options.rounds:
        parser.error("each round expires people who are present, so --present must be --people times --rounds or more")
    return options


@contextmanager
def database(name: str, url: str | None) -> Iterator[dict[str, str]]:
    """Yield the environment of processes that measure on this database, with a directory that is removed afterwards."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bursar-bench-")))
        if name == "postgresql":
            url = stack.enter_context(postgres.server())
        others = {key: value for key, value in os.environ.items() if not key.startswith(("BURSAR_", "PG"))}
        yield others | {
            "DATABASE_URL": url or f"sqlite:///{directory / 'bench.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "bursar.project.settings",
            "BURSAR_MODE": "test",
            "BURSAR_DATA_DIR": str(directory),
            "BURSAR_SECRET_KEY": "a key for measurements that keeps nothing secret",
            "BURSAR_LOG_LEVEL": "error",
        }


def measure(options: argparse.Namespace, environment: dict[str, str]) -> dict[str, Any]:
    """Return all figures of one database."""
    found: dict[str, Any] = {}
    if not options.only_lists and environment["DATABASE_URL"].startswith("sqlite"):
        found["pages"] = pages(environment)
    if options.only_pages:
        return found
    if not options.only_lists:
        found |= child(environment, "measure", options.present, options.people, options.rounds)
        found["megabytes"] = child(environment, "memory", options.people)
    if options.lists and environment["DATABASE_URL"].startswith("postgres"):
        found["lists"] = child(environment, "lists", *options.lists)
    return found


def pages(environment: dict[str, str]) -> Any:
    """Return the figures of the pages, on a demonstration of their own."""
    with database("sqlite", None) as own:
        return child(environment | own | {"BURSAR_MODE": "demo"}, "pages")


def child(environment: dict[str, str], module: str, *numbers: int) -> Any:
    """Return what a module of ours measures in a fresh process."""
    command = [sys.executable, "-m", "bench.child", module, *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    return json.loads(done.stdout.splitlines()[-1])
