"""`bursar reminders …`: when learners are reminded by themselves."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import CustomerRef
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import reminders as handlers
else:
    handlers = Later("bursar.cli.handlers.reminders")

app = group("reminders", "When learners are reminded without anybody asking for it.")


@command(app, "show", example="bursar reminders show acme-ltd")
def show(customer: CustomerRef) -> Answer:
    """Tell by which rules a customer's learners are reminded."""
    return handlers.show(customer)


@command(app, "set", example="bursar reminders set acme-ltd --after 7,30 --before 7,1 --quiet 20:00-08:00")
def set_rules(  # noqa: PLR0913, PLR0917  a command takes what can be typed
    customer: CustomerRef,
    after: Annotated[
        str | None,
        typer.Option(
            "--after", metavar="DAYS", help="Days after somebody was told, separated by commas, or none: 7,30."
        ),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="DAYS", help="Days before the deadline, separated by commas, or none: 7,1."),
    ] = None,
    per_week: Annotated[
        int | None,
        typer.Option(
            "--per-week", metavar="NUMBER", help="The most reminders for one person in seven days, over all budgets."
        ),
    ] = None,
    quiet: Annotated[
        str | None,
        typer.Option(
            "--quiet", metavar="HOURS", help="When nothing is sent, by the learner's clock, or none: 20:00-08:00."
        ),
    ] = None,
    working_days: Annotated[
        bool | None,
        typer.Option("--working-days/--any-day", metavar="", help="Whether weekends are left out.", show_default=False),
    ] = None,
    digest: Annotated[
        bool | None,
        typer.Option(
            "--digest/--no-digest", metavar="", help="Whether what is due on one day is one mail.", show_default=False
        ),
    ] = None,
) -> Answer:
    """Switch automatic reminders on, or change their rules; what is not given stays as it is.

    What is open already comes under the rules at the next tick: whoever has missed several steps gets one reminder.
    """
    rules = {"after": after, "before": before, "per_week": per_week, "quiet": quiet}
    return handlers.set_rules(customer, rules | {"working_days": working_days, "digest": digest})


@command(app, "off", example="bursar reminders off acme-ltd")
def off(customer: CustomerRef) -> Answer:
    """Switch automatic reminders off; the rules are kept."""
    return handlers.off(customer)


@command(app, "simulate", example="bursar reminders simulate acme-ltd --allocated 2027-01-04 --zone Europe/Berlin")
def simulate(
    customer: CustomerRef,
    allocated: Annotated[
        str | None, typer.Option("--allocated", metavar="DATE", help="When the course is assigned; without it now.")
    ] = None,
    deadline: Annotated[
        str | None, typer.Option("--deadline", metavar="DATE", help="Its deadline; without it 90 days later.")
    ] = None,
    zone: Annotated[
        str, typer.Option("--zone", metavar="ZONE", help="The learner's time zone; without it the customer's.")
    ] = "",
) -> Answer:
    """Name the reminders that somebody who never answers would get for one course."""
    return handlers.simulate(customer, allocated=allocated, deadline=deadline, zone=zone)
