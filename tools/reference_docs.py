"""Writes docs/reference from the code that it describes; with --check only tells what is out of step, and exits with 1."""

import difflib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import django
import typer

from bursar.assignments.policy import WORDS, Code
from bursar.assignments.states import STEPS
from bursar.cli.main import EXIT_CODES, app
from bursar.kernel.conf import DURATION_UNITS, SETTINGS, Setting

ROOT: Final = Path(__file__).parents[1]
REFERENCE: Final = ROOT / "docs" / "reference"
NOTE: Final = "<!-- Written by tools/reference_docs.py (make docs); edits here are lost. -->"
SECONDS: Final = {letter: int(timedelta(**{unit: 1}).total_seconds()) for letter, unit in DURATION_UNITS.items()}


def main(arguments: Sequence[str]) -> int:
    """Write every page, or compare every page with what would be written."""
    with tempfile.TemporaryDirectory() as scratch:
        set_up(scratch)
        pages = {name: page() if name.endswith(".json") else f"{NOTE}\n\n{page()}" for name, page in PAGES}
    if "--check" not in arguments:
        REFERENCE.mkdir(parents=True, exist_ok=True)
        for name, page in pages.items():
            (REFERENCE / name).write_text(page, encoding="utf-8")
        return 0
    differences = [line for name, page in pages.items() for line in difference(name, page)]
    print("".join(differences), end="")
    return 1 if differences else 0


def set_up(scratch: str) -> None:
    """Load the apps, which the APIs need, with nobody's settings."""
    for variable in [name for name in os.environ if name.startswith("BURSAR_") or name == "DATABASE_URL"]:
        del os.environ[variable]
    os.environ |= {"DJANGO_SETTINGS_MODULE": "bursar.project.settings", "BURSAR_DATA_DIR": scratch}
    django.setup()


def difference(name: str, wanted: str) -> list[str]:
    """Return how a page differs from what it should be."""
    path = REFERENCE / name
    found = path.read_text(encoding="utf-8") if path.is_file() else ""
    shown = str(path.relative_to(ROOT))
    return list(difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), shown, f"{shown} (make docs)"))


def settings() -> str:
    """Return the page of the settings."""
    rows = "\n".join(setting_row(item) for item in SETTINGS)
    return f"""# Settings

The ready-made service is set up by its environment and by nothing else. A variable that begins with `BURSAR_` and is
not in this list, or a value that cannot be read, stops every command and the web server at start with one line that
names it. A project that installs the apps gives the same settings, in lower case and without `BURSAR_`, as the
dictionary `BURSAR` in its Django settings.

A span of time is a number with `s`, `m`, `h`, `d` or `w`, such as `15m`; a bare number is seconds. Lists are separated
by commas. Yes is `yes`, `true`, `on` or `1`; no is `no`, `false`, `off` or `0`.

| Variable | Default | Meaning |
|---|---|---|
| `DATABASE_URL` | a SQLite file in the data directory | {DATABASE_MEANING} |
{rows}
"""


DATABASE_MEANING: Final = (
    "The database: `sqlite:////path/to/file`, `postgres://user:password@host:5432/name` (version 14 or newer; may end in "
    "`?sslmode=require` or another option of libpq) or `mariadb://user:password@host:3306/name`. Special characters in a "
    "password are percent-encoded; a directory that holds a socket is given as the host, percent-encoded too."
)


def setting_row(item: Setting) -> str:
    """Return the line of one setting."""
    meaning = item.meaning.replace("|", "\\|")
    return f"| `{item.variable}` | {default(item.default)} | {meaning} |"


def default(value: Any) -> str:
    """Return a default as somebody would type it."""
    match value:
        case bool():
            typed = "yes" if value else "no"
        case timedelta():
            typed = span(value)
        case tuple():
            typed = ",".join(map(str, value))
        case _:
            typed = str(value)
    return f"`{typed}`" if typed else "none"


def span(value: timedelta) -> str:
    """Return a span of time in the largest unit that fits it exactly."""
    seconds = int(value.total_seconds())
    letter = max((unit for unit in SECONDS if seconds % SECONDS[unit] == 0 and unit != "w"), key=SECONDS.__getitem__)
    return f"{seconds // SECONDS[letter]}{letter}" if seconds else "0"


def states() -> str:
    """Return the page of the states: the one table, drawn and spelled out."""
    arrows = [
        f"    {start or '[*]'} --> {target}: {verb}{note}"
        for verb, step in STEPS.items()
        for target, note in ((step.succeeded, ""), (step.failed, " fails"))
        if target is not None
        for start in sorted(step.start, key=str)
    ]
    rows = [
        f"| {verb} | {', '.join(str(start or 'nothing') for start in sorted(step.start, key=str))} "
        f"| {step.succeeded or 'stays'} | {step.failed or 'stays'} | {step.money} | {step.message or 'none'} |"
        for verb, step in STEPS.items()
    ]
    return f"""# States

From `STEPS` in `assignments/states.py`, the only place where this is written; `assignments/moves.py` is the only one that applies it.

```mermaid
stateDiagram-v2
{chr(10).join(arrows)}
```

| Verb | from | if it succeeds | if it fails | money | message |
|---|---|---|---|---|---|
{chr(10).join(rows)}

A message that cannot be delivered never changes the state. Only *allocated* holds money; *errored* does not.
"""


def refusals() -> str:
    """Return the page of the codes with which assignments and allocations are refused."""
    rows = "\n".join(f"| `{code}` | {WORDS[code]} |" for code in Code)
    return f"""# Why something is refused

Stable codes, with the words that people get. From `assignments/policy.py`. Files and single rows have codes of their own, which say
what is wrong with the text.

| Code | Words |
|---|---|
{rows}
"""


def commands() -> str:
    """Return the page of the command line: every command as its own help says it."""
    group = typer.main.get_command(app)
    sections = "\n".join(command_section(f"bursar {name}", item) for name, item in sorted(leaves(group)))
    return f"""# The command line

Every command that answers takes `--json`; amounts are then integers in cents. On the command line money is typed in whole units of
the currency, such as `49.00`. {EXIT_CODES.split(" Money")[0]}

{sections}"""


def leaves(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the visible commands below a group, by their full names."""
    for name, item in group.commands.items():
        if item.hidden:
            continue
        if hasattr(item, "commands"):
            yield from leaves(item, f"{before}{name} ")
        else:
            yield before + name, item


def command_section(name: str, item: Any) -> str:
    """Return what one command does, what it takes, and an example."""
    lines = [f"## {name}", "", item.help or "", ""]
    for parameter in item.params:
        shown = " ".join(f"`{word}`" for word in parameter.opts) if parameter.param_type_name == "option" else ""
        shown = shown or f"`{parameter.name.upper()}`"
        lines.append(f"- {shown}: {parameter.help or ''}")
    return "\n".join([*lines, "", (item.epilog or "").replace("Example: ", "Example: `") + "`", ""])


def openapi(package: str, prefix: str) -> str:
    """Return the description of an API as OpenAPI has it."""
    api = import_module(f"bursar.api.{package}.api").api
    return json.dumps(api.get_openapi_schema(path_prefix=prefix), indent=2, ensure_ascii=False) + "\n"


PAGES: Final[tuple[tuple[str, Callable[[], str]], ...]] = (
    ("settings.md", settings),
    ("states.md", states),
    ("refusals.md", refusals),
    ("commands.md", commands),
    ("openapi-v1.json", lambda: openapi("v1", "/v1/")),
    ("openapi-openedx.json", lambda: openapi("openedx", "/api/")),
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
