"""Setting the service up and keeping it going."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import demo as demonstration
    from bursar.cli.handlers import running, service
else:
    demonstration = Later("bursar.cli.handlers.demo")
    running = Later("bursar.cli.handlers.running")
    service = Later("bursar.cli.handlers.service")

START = "Start here"
KEEP = "Keep it going"


def add_first_to(app: typer.Typer) -> None:
    """Make what one starts with commands of `app`."""
    command(app, "demo", example="bursar demo", rich_help_panel=START)(demo)
    command(app, "migrate", example="bursar migrate", rich_help_panel=START)(migrate)
    command(app, "run", example="bursar run", answers=False, rich_help_panel=START)(run)


def add_to(app: typer.Typer) -> None:
    """Make what keeps the service going commands of `app`."""
    command(app, "tick", example="bursar tick", rich_help_panel=KEEP)(tick)
    command(app, "clock", example="bursar clock", answers=False, rich_help_panel=KEEP)(clock)
    command(app, "worker", example="bursar worker", answers=False, rich_help_panel=KEEP)(worker)
    command(app, "status", example="bursar status", rich_help_panel=KEEP)(status)
    command(app, "audit", example="bursar audit", rich_help_panel=KEEP)(audit)


def demo() -> Answer:
    """Load a demonstration into an empty database: an organisation, money, courses and logins.

    Prepares the database by itself. Whatever is in a demonstration may be read by anybody, and its clock may be moved.
    """
    return demonstration.load()


def migrate() -> Answer:
    """Prepare the database, or bring it up to date with this version."""
    return service.migrate()


def run() -> None:
    """Serve: web server, worker and everything that is due, until Ctrl-C or SIGTERM."""
    running.run()


def tick(
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="DATE",
            help="As if it were then (UTC), such as 2027-02-21 or +91d; in demonstrations and tests only.",
        ),
    ] = None,
) -> Answer:
    """Do all that is due: send mails, expire, nudge, ask again, remove personal data. Safe to run at any time."""
    return service.tick(at)


def clock() -> None:
    """Keep the time: enqueue a tick every BURSAR_TICK_EVERY, and what is due, for workers; any number may run."""
    service.keep_time()


def worker() -> None:
    """Send messages as they come and run ticks, until Ctrl-C or SIGTERM; any number of workers may run."""
    service.worker()


def status() -> Answer:
    """Tell whether messages move, workers live and ticks come; exit 1 if there is a problem."""
    return service.status()


def audit() -> Answer:
    """Compute everything anew from the records and name each difference; exit 1 if there is one."""
    return service.audit()
