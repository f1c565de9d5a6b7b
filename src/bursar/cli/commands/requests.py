"""`bursar requests …`: learners who ask for more time, and what is decided."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import Limit, OfCustomer
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import requests as handlers
else:
    handlers = Later("bursar.cli.handlers.requests")

app = group("requests", "Learners who ask for more time.")
Requests = Annotated[list[str], typer.Argument(metavar="UUID…", help="The requests, by uuid.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="A word to the learner, shown with the answer.")]


@command(app, "list", example="bursar requests list --customer acme-ltd")
def list_waiting(customer: OfCustomer = None, limit: Limit = 50) -> Answer:
    """Name the requests for more time that nobody has decided, oldest first."""
    return handlers.list_waiting(customer=customer, limit=limit)


@command(app, "grant", example="bursar requests grant 0b0c… --until 2027-06-30")
def grant(
    requests: Requests,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="DATE",
            help="The new deadline (UTC), all that day; without it the day asked for, else 30 days more.",
        ),
    ] = None,
    why: Why = "",
) -> Answer:
    """Give learners the time that they ask for."""
    return handlers.grant(requests, until=until, why=why)


@command(app, "refuse", example='bursar requests refuse 0b0c… --why "The course begins before."')
def refuse(requests: Requests, why: Why = "") -> Answer:
    """Leave the deadlines as they are."""
    return handlers.refuse(requests, why=why)
