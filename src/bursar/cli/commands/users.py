"""`bursar user …`: accounts of this service."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import OfCustomer, RoleName
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import users as handlers
else:
    handlers = Later("bursar.cli.handlers.users")

app = group("user", "Accounts: who may log in, and as what.")

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The e-mail address, which is the name to log in by.")]
Where = Annotated[
    str | None,
    typer.Option(
        "--customer",
        metavar="CUSTOMER",
        help="Where the role holds, by uuid or slug; operators without it: everywhere.",
    ),
]


@command(app, "create", example="bursar user create ada@acme.example --role admin --customer acme-ltd")
def create(  # noqa: PLR0913, PLR0917  a command takes what can be typed
    address: Address,
    password: Annotated[
        str | None,
        typer.Option(
            "--password",
            metavar="TEXT",
            help="The password, seen by whoever lists processes; without it one is made up.",
        ),
    ] = None,
    ask: Annotated[
        bool, typer.Option("--ask-password", metavar="", help="Ask for the password on the terminal.")
    ] = False,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="The person's name.")] = "",
    lms_user_id: Annotated[
        int | None,
        typer.Option(
            "--lms-user-id",
            metavar="NUMBER",
            min=1,
            max=2**31 - 1,
            help="Their id in the learning platform; without it one of our own.",
        ),
    ] = None,
    unverified: Annotated[
        bool, typer.Option("--unverified", metavar="", help="Nobody has proven yet that the address is theirs.")
    ] = False,
    role: Annotated[RoleName | None, typer.Option("--role", help="What they are: learner, admin or operator.")] = None,
    customer: Where = None,
) -> Answer:
    """Make a user; what is assigned to the address becomes theirs if it is verified."""
    if ask and password is not None:
        raise typer.BadParameter("give either --password or --ask-password")
    return handlers.create(
        address,
        password=password,
        ask=ask,
        name=name,
        lms_user_id=lms_user_id,
        verified=not unverified,
        role=role and str(role),
        customer=customer,
    )


@command(app, "verify", example="bursar user verify ada@acme.example")
def verify(address: Address) -> Answer:
    """Note that the address is proven to be the user's, and link what is assigned to it."""
    return handlers.verify(address)


@command(app, "grant", example="bursar user grant ada@acme.example --role admin --customer acme-ltd")
def grant(
    address: Address,
    role: Annotated[RoleName, typer.Option("--role", help="What they are to be: learner, admin or operator.")],
    customer: Where = None,
) -> Answer:
    """Give a user one more role."""
    return handlers.grant(address, role=str(role), customer=customer)


@command(app, "staff", example="bursar user staff robin@bursar.example")
def staff(
    address: Address,
    off: Annotated[bool, typer.Option("--off", metavar="", help="No longer.")] = False,
) -> Answer:
    """Let a user into the staff pages (/admin/), where everything of every customer is seen; they need a second factor."""
    return handlers.staff(address, staff=not off)


@command(app, "reset-mfa", example="bursar user reset-mfa ada@acme.example")
def reset_mfa(address: Address) -> Answer:
    """Take somebody's second factor away, who has lost it: make sure first that it is they who ask."""
    return handlers.reset_mfa(address)


@command(app, "list", example="bursar user list --customer acme-ltd")
def list_all(customer: OfCustomer = None) -> Answer:
    """Name the users, at most a thousand."""
    return handlers.list_all(customer)
