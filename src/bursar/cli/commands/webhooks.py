"""`bursar webhooks …` and `bursar events`: telling other systems what happens."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import AtCustomer, CustomerRef, Limit, OfCustomer
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import webhooks as handlers
else:
    handlers = Later("bursar.cli.handlers.webhooks")

app = group("webhooks", "Addresses that are told of events, signed; what failed, and telling it again.")

EndpointRef = Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint, by uuid.")]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        metavar="TYPE",
        help="Events of this type, such as assignment.accepted; may be repeated. Without: all.",
    ),
]


def add_events_to(app: typer.Typer, panel: str) -> None:
    """Make the feed a command of `app`."""
    command(app, "events", example="bursar events acme-ltd --after 1200 --json", rich_help_panel=panel)(events)


@command(app, "add", example="bursar webhooks add https://hooks.example.org/bursar --customer acme-ltd")
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to post; https, to a public address.")],
    customer: AtCustomer,
    types: Types = None,
) -> Answer:
    """Tell an address of a customer's events from now on, and show its secret, this once."""
    return handlers.add(customer, url, types=types or ())


@command(app, "list", example="bursar webhooks list --customer acme-ltd")
def list_all(customer: OfCustomer = None) -> Answer:
    """Name the endpoints and tell how each fares; those disabled say why."""
    return handlers.list_all(customer)


@command(app, "show", example="bursar webhooks show 0c5a…")
def show(endpoint: EndpointRef) -> Answer:
    """Tell what is known of an endpoint, with what waits for it and what was given up."""
    return handlers.show(endpoint)


@command(app, "choose", example="bursar webhooks choose 0c5a… --type assignment.accepted")
def choose(endpoint: EndpointRef, types: Types = None) -> Answer:
    """Tell an endpoint of these types of events, and of no others, from now on."""
    return handlers.choose(endpoint, types=types or ())


@command(app, "rotate", example="bursar webhooks rotate 0c5a… --keep-hours 48")
def rotate(
    endpoint: EndpointRef,
    keep_hours: Annotated[
        int,
        typer.Option(
            "--keep-hours",
            metavar="HOURS",
            min=0,
            max=8760,
            help="How long the secret before signs beside the new one.",
        ),
    ] = 24,
) -> Answer:
    """Give an endpoint a new secret and show it, this once."""
    return handlers.rotate(endpoint, keep_hours=keep_hours)


@command(app, "disable", example="bursar webhooks disable 0c5a…")
def disable(endpoint: EndpointRef) -> Answer:
    """Tell an endpoint of nothing until it is enabled again."""
    return handlers.disable(endpoint)


@command(app, "enable", example="bursar webhooks enable 0c5a…")
def enable(endpoint: EndpointRef) -> Answer:
    """Tell an endpoint of events again, from now on."""
    return handlers.enable(endpoint)


@command(app, "remove", example="bursar webhooks remove 0c5a…")
def remove(endpoint: EndpointRef) -> Answer:
    """Forget an endpoint."""
    return handlers.remove(endpoint)


@command(app, "test", example="bursar webhooks test 0c5a…")
def test(endpoint: EndpointRef) -> Answer:
    """Post a signed test to an endpoint now and tell what it answers; exit 5 if that is no success."""
    return handlers.test(endpoint)


@command(app, "replay", example="bursar webhooks replay 0c5a… --from 2027-02-01 --to 2027-02-03")
def replay(
    endpoint: EndpointRef,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Events from then on (UTC), such as 2027-02-01.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Events before then (UTC), such as 2027-02-03T12:00:00Z.")
    ] = None,
    event: Annotated[
        list[str] | None, typer.Option("--event", metavar="UUID", help="Or this event, by uuid; may be repeated.")
    ] = None,
) -> Answer:
    """Tell an endpoint again of events that are still kept, under the ids that they had."""
    if bool(event) == (begin is not None or end is not None):
        raise typer.BadParameter("give --event, or --from, --to or both of these")
    return handlers.replay(endpoint, begin=begin, end=end, events=event)


def events(
    customer: CustomerRef,
    after: Annotated[
        int, typer.Option("--after", metavar="CURSOR", min=0, help="Only what came after this cursor.")
    ] = 0,
    types: Types = None,
    limit: Limit = 100,
) -> Answer:
    """List a customer's events in the order in which they happened, and the cursor to go on from."""
    return handlers.events(customer, after=after, types=types or (), limit=limit)
