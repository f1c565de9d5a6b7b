"""`bursar sso …`: where the people of a customer sign in with their organisation's own accounts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import AtCustomer, OfCustomer
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import sso as handlers
else:
    handlers = Later("bursar.cli.handlers.sso")

app = group(
    "sso", "Single sign-on: customers whose people sign in with their organisation's accounts (OpenID Connect)."
)


@command(
    app,
    "add",
    example="bursar sso add https://id.acme.example --customer acme-ltd --client-id bursar --secret-file secret.txt --domain acme.example",
)
def add(  # noqa: PLR0913, PLR0917  a command takes what can be typed
    issuer: Annotated[str, typer.Argument(metavar="ISSUER", help="The provider's address, as it calls itself.")],
    customer: AtCustomer,
    client_id: Annotated[
        str, typer.Option("--client-id", metavar="TEXT", help="By what the provider knows this service.")
    ],
    domain: Annotated[
        list[str],
        typer.Option("--domain", metavar="DOMAIN", help="Addresses of which domain it may speak for; may be repeated."),
    ],
    secret_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-file",
            metavar="FILE",
            help="File with the client's secret; - reads it, without one it is asked for.",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="What people call it; without it the customer's name.")
    ] = "",
    slug: Annotated[
        str, typer.Option("--slug", metavar="SLUG", help="Its name in addresses; without it one made of the name.")
    ] = "",
    manages_addresses: Annotated[
        bool,
        typer.Option(
            "--manages-addresses",
            metavar="",
            help="The provider itself gives out the addresses, and need not say that one is verified.",
        ),
    ] = False,
) -> Answer:
    """Let the people of a customer sign in there, and show what to register with the provider."""
    return handlers.add(
        customer, issuer, client_id=client_id, domains=domain, secret_file=secret_file, name=name, slug=slug,
        manages_addresses=manages_addresses,
    )  # fmt: skip


@command(app, "list", example="bursar sso list --customer acme-ltd")
def list_all(customer: OfCustomer = None) -> Answer:
    """Name the providers; no secret is shown."""
    return handlers.list_all(customer)


@command(app, "remove", example="bursar sso remove acme-ltd")
def remove(provider: Annotated[str, typer.Argument(metavar="SLUG", help="The provider, by slug or uuid.")]) -> Answer:
    """Let nobody sign in there any more; users and what they have stay."""
    return handlers.remove(provider)
