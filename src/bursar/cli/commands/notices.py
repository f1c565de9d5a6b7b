"""`bursar notices …`: what the people who assign were told, and how often they hear."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import CustomerRef, Limit, OfCustomer
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import notices as handlers
else:
    handlers = Later("bursar.cli.handlers.notices")

app = group("notices", "What those who assign are told, and how often.")


class FrequencyName(StrEnum):
    """How often a digest goes out."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


@command(app, "list", example="bursar notices list --customer acme-ltd")
def list_told(customer: OfCustomer = None, limit: Limit = 50) -> Answer:
    """Name what was told, newest first: warnings of budgets and funds, digests, and what became of their mails."""
    return handlers.list_told(customer=customer, limit=limit)


@command(app, "show", example="bursar notices show acme-ltd")
def show(customer: CustomerRef) -> Answer:
    """Tell how often a customer's admins and managers get a digest, when the next one is due, and who gets notices."""
    return handlers.show(customer)


@command(app, "set", example="bursar notices set acme-ltd --admin-digest daily --manager-digest weekly")
def change(
    customer: CustomerRef,
    admin_digest: Annotated[
        FrequencyName | None,
        typer.Option(
            "--admin-digest", metavar="HOW-OFTEN", help="How often admins get a digest: off, daily or weekly (Mondays)."
        ),
    ] = None,
    manager_digest: Annotated[
        FrequencyName | None,
        typer.Option(
            "--manager-digest",
            metavar="HOW-OFTEN",
            help="How often managers get one of their own people: off, daily or weekly (Mondays).",
        ),
    ] = None,
) -> Answer:
    """Set how often admins and managers of a customer get a digest, at eight in the morning of its time zone."""
    if admin_digest is None and manager_digest is None:
        raise typer.BadParameter("give --admin-digest, --manager-digest or both")
    return handlers.change(customer, admin_digest=admin_digest, manager_digest=manager_digest)


@command(app, "preview", example="bursar notices preview acme-ltd")
def preview(
    customer: CustomerRef,
    manager: Annotated[
        str | None,
        typer.Option("--manager", metavar="ADDRESS", help="The digest of this manager instead of the admins'."),
    ] = None,
) -> Answer:
    """Show the digest that the admins of a customer would get now; nothing is sent."""
    return handlers.preview(customer, manager)
