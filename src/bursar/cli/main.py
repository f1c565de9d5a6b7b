"""The command `bursar`: all commands together, and how the process ends."""

import io
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from bursar.cli.commands import (
    allocations,
    assignments,
    budgets,
    catalogs,
    customers,
    funds,
    mail,
    messages,
    notices,
    reminders,
    requests,
    service,
    sso,
    texts,
    tokens,
    users,
    verbs,
    webhooks,
)
from bursar.cli.output import BROKEN_PIPE, complain, hush

USAGE: Final = 2
INTERRUPTED: Final = 130
HELP: Final = "Assign courses to people by e-mail address, against a budget that cannot be overspent."
EXIT_CODES: Final = (
    "Exit codes: 0 done, 1 the audit found differences, 2 wrong usage or settings, 3 refused by a rule, 4 bad input, "
    "5 the database or another server. Money is typed in whole currency units (49.00); JSON has cents. "
    "Settings come from the environment: DATABASE_URL and BURSAR_…"
)

ORDER: Final = (
    *("demo", "migrate", "run", "customer", "user", "token", "sso", "fund", "budget", "catalog", "allocate", "undo"),
    *("assignments", "remind", "accept", "cancel", "reverse", "extend", "requests", "acknowledge", "expire", "nudge"),
    *("scrub", "erase", "tick", "clock", "worker", "status", "messages", "reminders", "texts", "notices"),
    *("bounces", "mail", "webhooks", "events", "audit"),
)


class InOrder(TyperGroup):
    """Names the commands in the order in which one meets them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names; those that are hidden stay hidden."""
        return sorted(super().list_commands(ctx), key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


app = typer.Typer(
    name="bursar", cls=InOrder, help=HELP, epilog=EXIT_CODES, no_args_is_help=True, pretty_exceptions_enable=False
)


def main() -> None:
    """Run the command that the process was started with, and end with its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a screen that lacks a letter shows its number
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; never raises, whatever is typed."""
    if any(not _is_text(argument) for argument in arguments):
        complain("An argument is not UTF-8.")
        return USAGE
    try:
        _commands()(args=list(arguments), prog_name="bursar")
        sys.stdout.flush()
    except SystemExit as ended:
        return _end(ended.code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        hush()
        return BROKEN_PIPE
    return 0


@cache
def _commands() -> Any:
    """Return what typer makes of all commands, which takes longer than most of them do."""
    return get_command(app)


def _end(code: object) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        hush()
        return BROKEN_PIPE
    return code if isinstance(code, int) else 0


def _is_text(argument: str) -> bool:
    """Tell whether an argument can be written to a database; bytes that are no UTF-8 arrive as half characters."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bursar {version('bursar')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", metavar="", help="Show the stack of an error.")] = False,
    show_version: Annotated[  # noqa: ARG001  its callback ends the command
        bool,
        typer.Option("--version", metavar="", callback=_show_version, is_eager=True, help="Show the version and end."),
    ] = False,
) -> None:
    """Keep what is asked of every command."""
    context.obj = debug


service.add_first_to(app)
MONEY: Final = "Money, courses and people"
for part in (customers.app, users.app, tokens.app, sso.app, funds.app, budgets.app, catalogs.app):
    app.add_typer(part, rich_help_panel=MONEY)
allocations.add_to(app)
app.add_typer(assignments.app, rich_help_panel=verbs.PANEL)
app.add_typer(requests.app, rich_help_panel=verbs.PANEL)
verbs.add_to(app)
app.add_typer(messages.app, rich_help_panel=service.KEEP)
app.add_typer(reminders.app, rich_help_panel=service.KEEP)
app.add_typer(texts.app, rich_help_panel=service.KEEP)
app.add_typer(notices.app, rich_help_panel=service.KEEP)
mail.add_to(app, panel=service.KEEP)
app.add_typer(mail.app, rich_help_panel=service.KEEP)
app.add_typer(webhooks.app, rich_help_panel=service.KEEP)
webhooks.add_events_to(app, service.KEEP)
service.add_to(app)
