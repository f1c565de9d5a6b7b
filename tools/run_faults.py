"""The faults of tests/faults on real databases, each with the control that must go red; prints every figure.

All of it takes more than an hour; `--short` is a part of three minutes. `-k C1` runs one row. `--write` puts the figures
of what ran, if all of it held, beside those measured before, and writes docs/reference/faults.md anew from them.
FAULT_SEED=… replays the moments at which processes are hit. Other arguments go to pytest.
"""

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))  # also when it is imported from elsewhere

from run_tests import NOTHING_CHOSEN, interrupt, stop

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "reference" / "faults.md"
MEASURED: Final = ROOT / "tests" / "faults" / "measured.jsonl"
BUDGET_SECONDS: Final = {"full": 3 * 3600, "short": 900}
PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "tests/faults"),
    *("-o", "faulthandler_timeout=0"),  # each row has a budget of its own, some of hours
)
# The short run mostly waits for leases to end, so two at a time; the figures of the full one are taken alone.
AT_ONCE: Final = {"full": ("-n", "0"), "short": ("-n", "2", "--dist", "worksteal")}
ROW: Final = re.compile(r"\b([A-F]\d+)\b")
PASSED: Final = 0

# What reliability asks of each row.
ASKED: Final[Mapping[str, tuple[str, str]]] = {
    "A7": ("Accept, cancel and expire of the same assignment", "one winner each; 2,000 of 2,000 conserved"),
    "B3": ("The first attempt rolls back", "the key is free again; exactly one effect"),
    "B4": ("The answer is lost after the commit", "none doubled, none missing"),
    "C1": ("Workers killed at random, the server can be asked", "none lost, none doubled, over 2,000 messages"),
    "C2": ("The same where the server cannot be asked", "none of the known lost or doubled; the uncertain are listed"),
    "C3": ("How it is usually done", "controls of C1: they must lose or double"),
    "C4": ("Deploys: SIGTERM", "none uncertain; gone within 30 s"),
    "C5": ("Zombies: SIGSTOP for longer than the lease", "none doubled; stale writes rejected"),
    "C6": ("Killed between the commit and the wake-up", "none lost, no orphan; sent within the poll and 5 s"),
    "C7": ("Rolled back after the message was written", "nothing sent"),
    "C8": ("Mail servers that misbehave", "4xx tried again, 5xx settled once, never more tries than the policy"),
    "C10": ("One poisoned message", "all others sent, this one given up"),
    "C11": ("Workers at one table", "none in two hands, none missed"),
    "C12": ("The same mail at every try", "same Message-ID, same body"),
    "C13": ("Cancelled while the invitation waits", "no invitation follows a cancellation by more than a second"),
    "C16": ("An invitation behind 100,000 nudges", "sent within 30 s"),
    "D1": ("Receivers of webhooks that misbehave", "answered by the table; at most 64 KiB read"),
    "D2": ("Signatures of webhooks", "all valid, none valid with a bit flipped, none lost by a new secret"),
    "D3": ("Killed while posting webhooks", "same webhook-id; none lost; raw repeats at most the kills"),
    "D8": ("A receiver that hangs beside a healthy one", "the healthy one waits at most twice as long as alone"),
    "E1": ("The same sweep several times at once", "each acted on once"),
    "E2": ("Sweeps killed half-way", "each exactly once; no lock held for over a second"),
    "E3": ("Days without a tick", "one nudge, not one for each day"),
    "E5": ("Hosts whose clocks differ by 90 s", "none sent twice"),
    "E6": ("Random walks", "no illegal transition; the model is the database"),
    "E8": ("Expire against accept in the second of the deadline", "one winner; the budget exact"),
    "E9": ("Forgotten while mail waits", "never a mail to a forgotten address"),
    "F3": ("Writers of a SQLite file killed", "the file whole each time; nothing acknowledged is missing"),
    "F8": ("Conflicts without end", "at most five tries, with jitter, then try later; never an error of ours"),
    "F12": ("Two web processes and a worker on one SQLite file", "nobody of 20,000 is told that it is locked"),
}


@dataclass(frozen=True)
class Session:
    """A run of pytest on one database."""

    name: str
    before: tuple[str, ...]
    database_url: str = ""

    def environment(self, size: str, figures: Path) -> dict[str, str]:
        """Return the environment of the run, with this database and no other."""
        left_out = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
        clean = {name: value for name, value in os.environ.items() if name not in left_out}
        database = {"DATABASE_URL": self.database_url} if self.database_url else {}
        return clean | database | {"FAULTS": size, "FAULTS_FIGURES": str(figures)}


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for on both databases, print the figures, and return 0 when everything held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="the part of three minutes")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("-k", dest="rows", default="", help="rows such as C1, or words of a test's name")
    options, others = parser.parse_known_args(arguments)
    size = "short" if options.short else "full"
    chosen = ("-k", ROW.sub(r"\1_", options.rows)) if options.rows else ()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bursar-faults-") as directory:
        figures = Path(directory) / "figures"
        figures.touch()
        codes = [run(session, size, figures, (*chosen, *others)) for session in sessions()]
        told = read(figures)
    seconds = time.monotonic() - began
    print("\n".join(lines(told)))
    held = set(codes) <= {PASSED, NOTHING_CHOSEN} and PASSED in codes
    print(f"{len(told)} faults and controls, {'all held' if held else 'NOT ALL HELD'}, in {seconds:.0f} s.")
    if options.write and held:
        keep(told, size)
        PAGE.write_text(page(measured()), encoding="utf-8")
    return 0 if held else 1


def sessions() -> list[Session]:
    """Return the runs: on SQLite, and on the PostgreSQL that was given or one of its own."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith(("postgres://", "postgresql://")):
        return [Session("SQLite", ()), Session("PostgreSQL", (), given)]
    return [
        Session("SQLite", ()),
        Session("PostgreSQL", (sys.executable, str(ROOT / "tools" / "postgres.py"), "--")),
    ]


def run(session: Session, size: str, figures: Path, arguments: Sequence[str]) -> int:
    """Run one session within its budget of time and return pytest's exit code."""
    print(f"== {session.name}", flush=True)
    command = [*session.before, *PYTEST, *AT_ONCE[size], *arguments]
    environment = session.environment(size, figures)
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        return process.wait(BUDGET_SECONDS[size])
    except BaseException as error:
        stop(process)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        print(f"{session.name}: stopped, over its budget of {BUDGET_SECONDS[size]} s")
        return 1


def read(path: Path) -> list[dict[str, Any]]:
    """Return the figures in a file, of each test those of its last try."""
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return list({identity(one): one for one in lines}.values())


def measured() -> list[dict[str, Any]]:
    """Return the figures that are kept."""
    return read(MEASURED) if MEASURED.exists() else []


def keep(told: Sequence[Mapping[str, Any]], size: str) -> None:
    """Keep figures, each in the place of those that the same test has shown before."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    machine = f"{os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}"
    found = {identity(one): one for one in measured()}
    for one in told:
        found[identity(one)] = {**one, "size": size, "day": day, "machine": machine}
    MEASURED.write_text("".join(json.dumps(one) + "\n" for one in found.values()), encoding="utf-8")


def identity(one: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what makes two figures those of the same test."""
    return (one["row"], str(one["control"]), one["sentence"], one["engine"], one["variant"])


def page(told: Sequence[Mapping[str, Any]]) -> str:
    """Return the page of the figures."""
    days, machines = ({one[name] for one in told} for name in ("day", "machine"))
    seconds = sum(one["seconds"] for one in told)
    body = "\n".join(lines(told))
    return f"""<!-- Written by tools/run_faults.py (make faults ARGS=--write); edits here are lost. -->

# Faults

What was done to the product on purpose, and what came of it: processes of their own killed with `kill -9`, stopped,
told to end; a mail server that records what it takes; connections cut. Each row has a control: the same fault where the
guard is taken away, or with the protocol that is usual elsewhere, which must lose or double something, or the row would
prove nothing.

Measured by `make faults` on {", ".join(sorted(days))}: {"; ".join(sorted(machines))}. All of it takes {seconds / 60:.0f} minutes
there. One row by itself: `make faults ARGS="-k C1"`; `make faults ARGS="-k C1 --write"` measures it anew for this page.
{body}
"""


def lines(told: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the figures by row, each row's controls last."""
    by_row: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in told:
        by_row[one["row"]].append(one)
    for row in sorted(by_row, key=lambda name: (name[0], int(name[1:]))):
        title, asked = ASKED[row]
        yield f"\n## {row} {title}\n"
        yield f"Asked: {asked}.\n"
        yield from map(line, sorted(by_row[row], key=lambda one: one["control"]))


def line(one: Mapping[str, Any]) -> str:
    """Return what one test has shown."""
    figures = ", ".join(f"{name.replace('_', ' ')} {in_words(value)}" for name, value in one["figures"].items())
    sentence = one["sentence"][:1].upper() + one["sentence"][1:]
    mark = "**Control.** " if one["control"] else ""
    failed = "" if one["passed"] else "FAILED. "
    engine = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[one["engine"]]
    part = ", a short run" if one.get("size") == "short" else ""
    return f"- {failed}{mark}{sentence} ({engine}{part}): {figures}."


def in_words(value: Any) -> str:
    """Return a figure as people read it."""
    if isinstance(value, Mapping):
        return " and ".join(f"{count:,} {name}" for name, count in value.items()) or "nothing"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
