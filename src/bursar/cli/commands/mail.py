"""`bursar bounces` and `bursar mail …`: mail that came back, and to whom none goes any more."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import Limit
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import mail as handlers
else:
    handlers = Later("bursar.cli.handlers.mail")

app = group("mail", "To whom no mail goes, and letting it through again.")


def add_to(app: typer.Typer, *, panel: str) -> None:
    """Make `bounces` a command of `app`."""
    command(app, "bounces", example="bursar bounces -", rich_help_panel=panel)(bounces)


def bounces(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="Mails that came back: files, directories of them (also Maildir), or - for one on standard input.",
            show_default=False,
        ),
    ],
    recipient: Annotated[
        str, typer.Option("--recipient", metavar="ADDRESS", help="To whom the mail server says that the mail went.")
    ] = "",
    remove: Annotated[
        bool, typer.Option("--remove", metavar="", help="Remove each file once what it says is recorded.")
    ] = False,
) -> Answer:
    """Take in mails that came back: what they say is recorded once, forged and unreadable ones are passed over.

    The mailbox is the one that BURSAR_BOUNCE_ADDRESS names; a mail server can pipe every mail to it straight in.
    """
    return handlers.take_in(sources, recipient=recipient, remove=remove)


@command(app, "stopped", example="bursar mail stopped")
def stopped(limit: Limit = 50) -> Answer:
    """Name the addresses to which all mail is stopped, the newest first."""
    return handlers.list_stopped(limit=limit)


@command(app, "allow", example="bursar mail allow ann@example.org")
def allow(
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS", help="Addresses whose mailboxes work again.")],
) -> Answer:
    """Let mail through again to addresses that bounced or complained; those who unsubscribed stay unsubscribed."""
    return handlers.allow(addresses)
