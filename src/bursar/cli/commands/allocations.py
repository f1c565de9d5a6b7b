"""`bursar allocate` and `bursar undo`."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command
from bursar.cli.commands.options import Encoding
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import allocations as handlers
else:
    handlers = Later("bursar.cli.handlers.allocations")

PANEL = "Assign"


def add_to(app: typer.Typer) -> None:
    """Make the functions below commands of `app`."""
    command(
        app,
        "allocate",
        example="bursar allocate people.csv --budget Learning --content HarvardX+PH125.1x",
        rich_help_panel=PANEL,
    )(allocate)
    command(app, "undo", example="bursar undo 6f1d…", rich_help_panel=PANEL)(undo)


def allocate(  # noqa: PLR0913, PLR0917  a command takes what can be typed
    budget: Annotated[str, typer.Option("--budget", metavar="BUDGET", help="The budget that pays, by uuid or name.")],
    content: Annotated[str, typer.Option("--content", metavar="KEY", help="Key of the course, or of one run of it.")],
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="PEOPLE.csv",
            help="A file of people with a column E-mail, as the office exports it; - is standard input.",
            show_default=False,
        ),
    ] = None,
    emails: Annotated[
        list[str] | None,
        typer.Option("--email", metavar="ADDRESS", help="Instead of a file: an address; may be repeated."),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="KEY", help="The run they are to take, where the course is assigned.")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(
            "--price",
            metavar="AMOUNT",
            help="What each costs, in whole currency units: 49 or 49.00; without it the catalog's price.",
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", metavar="", help="Only tell what would happen, person by person; write nothing.")
    ] = False,
    encoding: Encoding = None,
) -> Answer:
    """Assign a course to people: to all of them, or, when a rule or the money says no, to nobody.

    Every row is answered: assigned, had it already, named twice, or refused with the reason. The same file again
    changes nothing and costs nothing.
    """
    if (file is None) == (not emails):
        raise typer.BadParameter("give either a file of people or --email")
    wanted = handlers.Wanted(file, emails or (), encoding, budget, content, run, price)
    return handlers.plan(wanted) if plan else handlers.allocate(wanted)


def undo(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="The batch that `bursar allocate` named.")],
) -> Answer:
    """Take a whole allocation back, as long as nobody of it has accepted."""
    return handlers.undo(batch)
