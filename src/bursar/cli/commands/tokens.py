"""`bursar token …`: how programs prove for whom they act."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import RoleName
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import tokens as handlers
else:
    handlers = Later("bursar.cli.handlers.tokens")

app = group("token", "API tokens: how programs prove for whom they act.")


@command(
    app, "create", example="bursar token create nightly-import --role admin --customer acme-ltd --expires 2027-12-31"
)
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="ADDRESS", help="Speaks for this user, by address, with the user's roles."),
    ] = None,
    role: Annotated[RoleName | None, typer.Option("--role", help="Or speaks for a role, being nobody.")] = None,
    customer: Annotated[
        str | None,
        typer.Option("--customer", metavar="CUSTOMER", help="Where that role holds; operators without it: everywhere."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="PERMISSION",
            help="Confine it to a permission such as assignments.allocate; may be repeated.",
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="DATE", help="When it ends, such as 2027-12-31; without it never."),
    ] = None,
) -> Answer:
    """Make a token and show it, this once."""
    return handlers.create(
        name, user=user, customer=customer, role=role and str(role), scopes=scope or (), expires=expires
    )


@command(app, "list", example="bursar token list")
def list_all() -> Answer:
    """Name every token; none is shown."""
    return handlers.list_all()


@command(app, "revoke", example="bursar token revoke 0c5a…")
def revoke(token: Annotated[str, typer.Argument(metavar="UUID", help="The token, by its uuid.")]) -> Answer:
    """Take a token back, at once and for good."""
    return handlers.revoke(token)
