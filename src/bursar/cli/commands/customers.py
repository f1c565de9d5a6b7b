"""`bursar customer …`: the organisations that assign."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import CustomerRef, said
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import customers as handlers
else:
    handlers = Later("bursar.cli.handlers.customers")

app = group("customer", "Organisations that assign courses.")


@command(app, "create", example='bursar customer create "Acme Ltd" --contact-email learning@acme.example')
def create(  # noqa: PLR0913, PLR0917  a command takes what can be typed
    name: Annotated[str, typer.Argument(help="Its name, as mails show it.")],
    slug: Annotated[
        str,
        typer.Option("--slug", metavar="SLUG", help="A short name for commands; without it one is made of the name."),
    ] = "",
    contact_email: Annotated[
        str, typer.Option("--contact-email", metavar="ADDRESS", help="Where learners' replies go.")
    ] = "",
    language: Annotated[
        str, typer.Option("--language", metavar="CODE", help="Language of the mails, where a person has none.")
    ] = "en",
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="Time zone of the dates in mails, such as Europe/Berlin.")
    ] = "UTC",
    brand_color: Annotated[
        str, typer.Option("--brand-color", metavar="COLOUR", help="Colour of the mails, such as #1f5f5b.")
    ] = "#1f5f5b",
    logo_url: Annotated[
        str, typer.Option("--logo-url", metavar="URL", help="Address of a picture for the head of the mails.")
    ] = "",
    show_price: Annotated[
        bool, typer.Option("--show-price", metavar="", help="Let mails tell learners the price.")
    ] = False,
    uuid: Annotated[
        str, typer.Option("--uuid", metavar="UUID", help="Its uuid, where other systems know it by one already.")
    ] = "",
) -> Answer:
    """Make a customer."""
    details: dict[str, object] = {
        "slug": slug,
        "contact_email": contact_email,
        "language": language,
        "time_zone": time_zone,
        "uuid": uuid,
    }
    return handlers.create(name, details | {"brand_color": brand_color, "logo_url": logo_url, "show_price": show_price})


@command(app, "change", example="bursar customer change acme-ltd --language de --show-price")
def change(  # noqa: PLR0913, PLR0917  a command takes what can be typed
    reference: CustomerRef,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Another name.")] = None,
    slug: Annotated[str | None, typer.Option("--slug", metavar="SLUG", help="Another short name.")] = None,
    contact_email: Annotated[
        str | None, typer.Option("--contact-email", metavar="ADDRESS", help='Where replies go; "" for nowhere.')
    ] = None,
    language: Annotated[str | None, typer.Option("--language", metavar="CODE", help="Language of the mails.")] = None,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", metavar="ZONE", help="Time zone of the dates in mails.")
    ] = None,
    brand_color: Annotated[
        str | None, typer.Option("--brand-color", metavar="COLOUR", help="Colour of the mails, such as #1f5f5b.")
    ] = None,
    logo_url: Annotated[
        str | None, typer.Option("--logo-url", metavar="URL", help='Picture for the head of the mails; "" for none.')
    ] = None,
    show_price: Annotated[
        bool | None,
        typer.Option("--show-price/--hide-price", metavar="", help="Whether mails tell learners the price."),
    ] = None,
) -> Answer:
    """Change what is known of a customer; what is not named stays as it is."""
    words = {"name": name, "slug": slug, "contact_email": contact_email, "language": language, "time_zone": time_zone}
    wanted: dict[str, object] = {**words, "brand_color": brand_color, "logo_url": logo_url, "show_price": show_price}
    return handlers.change(reference, said(wanted))


@command(app, "list", example="bursar customer list")
def list_all() -> Answer:
    """Name every customer."""
    return handlers.list_all()


@command(app, "show", example="bursar customer show acme-ltd")
def show(reference: CustomerRef) -> Answer:
    """Tell what is known of a customer, with its funds and budgets."""
    return handlers.show(reference)
