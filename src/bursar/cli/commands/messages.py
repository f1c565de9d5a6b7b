"""`bursar messages …`: what waits in the outbox, and what was given up."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import Limit, OfCustomer
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import messages as handlers
else:
    handlers = Later("bursar.cli.handlers.messages")

app = group("messages", "What waits to be sent, and what was given up.")


@command(app, "list", example="bursar messages list")
def list_dead(customer: OfCustomer = None, limit: Limit = 50) -> Answer:
    """Tell how many messages wait, and name those given up or uncertain."""
    return handlers.list_dead(customer=customer, limit=limit)


@command(app, "replay", example="bursar messages replay --all")
def replay(
    uuids: Annotated[
        list[str] | None, typer.Argument(metavar="UUID", help="Messages, by uuid.", show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", metavar="", help="Every message that was given up or is uncertain.")
    ] = False,
) -> Answer:
    """Make messages that were given up due now, with all their tries before them."""
    if bool(uuids) == everything:
        raise typer.BadParameter("give either uuids or --all")
    return handlers.replay_dead(uuids or (), everything=everything)
