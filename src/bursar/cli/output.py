"""How answers are printed: text and tables for people, JSON for programs, notes and progress on standard error."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

Part = str | Table | Text
Advance = Callable[[int], None]

BROKEN_PIPE: Final = 141  # as the shell names the end by SIGPIPE
UNWRAPPED: Final = 400  # columns, where nobody's screen ends the line


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers: `data` for programs, `parts` for people, `notes` for people beside it, the exit code."""

    data: Any
    parts: Sequence[Part] = ()
    notes: Sequence[str] = ()
    code: int = 0


def show(answer: Answer, *, as_json: bool) -> None:
    """Print an answer in one of its forms, and its notes on standard error."""
    if as_json:
        write_json(answer.data)
    else:
        write_parts(answer.parts)
    for note in answer.notes:
        complain(note)


def write_json(data: Any) -> None:
    """Print one JSON value, readable for people too; in ASCII where the reader takes nothing else."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    _write(lambda: print(json.dumps(data, ensure_ascii=ascii_only, indent=2, default=plain)))  # noqa: T201


def write_parts(parts: Sequence[Part]) -> None:
    """Print lines and tables."""
    console = _console(sys.stdout)
    for part in parts:
        shown = Text(clean(part)) if isinstance(part, str) else part
        _write(lambda shown=shown: console.print(shown))  # type: ignore[misc]


def complain(line: str) -> None:
    """Print a line on standard error."""
    console = _console(sys.stderr)
    _write(lambda: console.print(Text(clean(line)), soft_wrap=True))


def plain(value: Any) -> Any:
    """Return what JSON has no form for as text: times as ISO 8601 in UTC, ids and paths as they are spelled."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return sorted(value) if isinstance(value, set | frozenset) else str(value)


def clean(text: str) -> str:
    """Return text that cannot steer a terminal: what cannot be seen is spelled out."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[str] = ()) -> Table:
    """Return a table; the columns named in `right` are aligned there. Cells are one line each."""
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(_cell(value) for value in row))
    return grid


def facts(pairs: Sequence[tuple[str, Any]]) -> Table:
    """Return names and values, one pair to a line; those whose value is None are left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None:
            grid.add_row(_cell(name), _cell(value))
    return grid


def heading(text: str) -> Text:
    """Return a heading with a line above it."""
    return Text(f"\n{clean(text)}", style="bold")


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Advance]:
    """Show a bar on standard error while the block runs, if that is a terminal; yields what moves it on."""
    if not sys.stderr.isatty():
        yield _nothing
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console(sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda amount: bar.advance(task, amount)


def steps_of(advance: Advance) -> Advance:
    """Return a callback for those who tell how far they are in all, where `advance` takes steps."""
    far = 0

    def move(done: int) -> None:
        nonlocal far
        advance(done - far)
        far = done

    return move


def _nothing(_: int) -> None:
    """Move no bar."""


def _cell(value: Any) -> Text:
    shown = "" if value is None else plain(value) if isinstance(value, datetime) else str(value)
    return Text(clean(shown).replace("\n", "\\n"))


class _Screen(Console):
    """A console that says when its reader has gone away, where the original ends the process with 1."""

    def on_broken_pipe(self) -> NoReturn:
        """Let `_write` deal with it."""
        raise BrokenPipeError


def _console(stream: Any) -> Console:
    width = None if stream.isatty() else UNWRAPPED
    return _Screen(file=stream, width=width, highlight=False, markup=False, emoji=False)


def _write(action: Callable[[], None]) -> None:
    """Print; a reader who has gone away, such as `head`, ends the command quietly."""
    try:
        action()
        sys.stdout.flush()
    except BrokenPipeError:
        hush()
        raise typer.Exit(BROKEN_PIPE) from None


def hush() -> None:
    """Give standard output to nobody, so that nothing complains about it when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
