"""The figures as Markdown, the same on the terminal and in bench/results.md."""

import argparse
import datetime as dt
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import list_report as lists
from bench import page_report as pages
from bench.tables import median_ratio, table
from bench.targets import CHUNKS, MEGABYTES, RATIOS

Seconds = Mapping[str, Mapping[str, Sequence[float]]]

YARDSTICK: Final = """\
Raw SQL writes the same rows (assignments, history, actions, their history, people, memberships, messages, counts,
money) in one transaction for each thousand people, from values worked out before the clock starts: COPY on PostgreSQL,
`executemany` on SQLite, history by INSERT … SELECT. It looks nothing up and checks nothing. The first round compares
how many rows both sides write, and an audit of everything follows the last."""
HEAD: Final = ("verb", "ours, s (min / median)", "raw, s (min / median)", "ratio (min / median)", "at most", "")


def as_text(results: Sequence[Mapping[str, Any]], options: argparse.Namespace) -> str:
    """Return the whole report."""
    return "\n".join([*_head(options), *(line for result in results for line in _section(result, options))]) + "\n"


def missed(result: Mapping[str, Any]) -> list[str]:
    """Return what is slower or larger than it may be."""
    slow = [
        verb for verb, limit in RATIOS.items() if "seconds" in result and median_ratio(result["seconds"][verb]) > limit
    ]
    slow += [*lists.missed(result.get("lists", {})), *pages.missed(result.get("pages", {}))]
    return [*slow, "memory"] if (result.get("megabytes") or 0) > MEGABYTES else slow


def _head(options: argparse.Namespace) -> list[str]:
    programs = f"Python {platform.python_version()}, Django {version('django')}, psycopg {version('psycopg')}"
    if options.only_lists or options.only_pages:
        return ["# What it costs", "", f"{_machine()}; {programs}."]
    numbers = f"{options.people:,} people in a call, {options.present:,} assignments there already"
    return [
        "# What it costs",
        "",
        f"Measured on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d} by `make bench`: {_machine()}; {programs}.",
        f"{numbers}; ours and raw SQL take {options.rounds} turns each on the same database.",
        "",
        YARDSTICK,
    ]


def _machine() -> str:
    """Return processors, system and how busy they were with other things."""
    name = platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line for line in lines if line.startswith("model name")).partition(":")[2].strip()
    return f"{os.cpu_count()} processors ({name}), {platform.system()}, load {os.getloadavg()[2]:.1f}"


def _section(result: Mapping[str, Any], options: argparse.Namespace) -> list[str]:
    verbs = _verbs(result, options) if "seconds" in result else []
    listed = lists.section(result["lists"]) if "lists" in result else []
    return [*verbs, *listed, *(pages.section(result["pages"]) if "pages" in result else [])]


def _verbs(result: Mapping[str, Any], options: argparse.Namespace) -> list[str]:
    return [
        "",
        f"## {result['database']}",
        "",
        *table(HEAD, list(_ratios(result["seconds"], options))),
        "",
        *table(
            ("statements for one chunk of", *(f"{size:,} people" for size in CHUNKS)),
            [(verb, *map(str, amounts)) for verb, amounts in result["statements"].items()],
        ),
        "",
        *_others(result, options),
    ]


def _ratios(seconds: Seconds, options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    amounts = {"allocate": options.people, "cancel": options.people, "expire": options.people // 2}
    for verb, limit in RATIOS.items():
        ours, raw = seconds[verb]["ours"], seconds[verb]["raw"]
        times = (f"{min(side):.2f} / {median(side):.2f}" for side in (ours, raw))
        middle = median_ratio(seconds[verb])
        verdict = "kept" if middle <= limit else "MISSED"
        yield f"{verb} {amounts[verb]:,}", *times, f"{min(ours) / min(raw):.2f} / {middle:.2f}", f"{limit:g}", verdict


def _others(result: Mapping[str, Any], options: argparse.Namespace) -> list[str]:
    megabytes = result["megabytes"]
    memory = "not measured here" if megabytes is None else f"{megabytes:.0f} MB over the idle process"
    assignments, seconds = result["audit"]
    return [
        f"- Peak memory of allocating to {options.people:,} people: {memory} (at most {MEGABYTES}).",
        f"- One worker hands {result['mails_per_second']:.0f} mails a second to files.",
        f"- `bursar audit` of {assignments:,} assignments: {seconds:.1f} s.",
    ]
