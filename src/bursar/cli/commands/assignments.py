"""`bursar assignments …`: lists, and everything about one."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import LearnerStateName, Limit, Page, StateName
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import assignments as handlers
else:
    handlers = Later("bursar.cli.handlers.assignments")

app = group("assignments", "Who has which course, and why it stands as it does.")


@command(app, "list", example="bursar assignments list --budget Learning --state allocated")
def list_some(  # noqa: PLR0913, PLR0917  a command takes what can be typed
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="BUDGET", help="Only those of this budget, by uuid or name.")
    ] = None,
    states: Annotated[
        list[StateName] | None, typer.Option("--state", help="Only those in this state; may be repeated.")
    ] = None,
    learner_states: Annotated[
        list[LearnerStateName] | None,
        typer.Option("--learner-state", help="Only those that wait for this; may be repeated."),
    ] = None,
    emails: Annotated[
        list[str] | None,
        typer.Option("--email", metavar="ADDRESS", help="Only those for this address; may be repeated."),
    ] = None,
    content: Annotated[
        str | None, typer.Option("--content", metavar="KEY", help="Only those of this course or run.")
    ] = None,
    limit: Limit = 50,
    page: Page = 1,
) -> Answer:
    """Name assignments, the newest action first."""
    return handlers.list_some(
        handlers.Filters(
            budget,
            [str(name) for name in states or ()],
            [str(name) for name in learner_states or ()],
            emails or (),
            content,
            limit,
            page,
        )
    )


@command(app, "hand-over", example="bursar assignments hand-over 0b0c… --to ada@example.org")
def hand_over(
    reference: Annotated[str, typer.Argument(metavar="UUID", help="The assignment, by its uuid.")],
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Who gets the course instead.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Their name, for the greeting.")] = "",
) -> Answer:
    """Hand an open assignment to somebody else, at the same price and by the same money."""
    return handlers.hand_over(reference, to=to, name=name)


@command(app, "show", example="bursar assignments show 0b0c…")
def show(reference: Annotated[str, typer.Argument(metavar="UUID", help="The assignment, by its uuid.")]) -> Answer:
    """Tell everything that happened to one assignment, and why it stands as it does.

    Why it expires when it does, what became of each message, and whether it could be accepted now.
    """
    return handlers.show(reference)
