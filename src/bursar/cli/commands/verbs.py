"""The verbs on assignments that have a command of their own."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command
from bursar.cli.commands.options import Emails, Everything, OfBudget, States, Uuids
from bursar.cli.commands.selecting import selected
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import people, verbs
else:
    people = Later("bursar.cli.handlers.people")
    verbs = Later("bursar.cli.handlers.verbs")

PANEL = "Assignments"
FORGET = "Personal data"


def add_to(app: typer.Typer) -> None:
    """Make the functions below commands of `app`."""
    command(app, "remind", example="bursar remind --budget Learning --state allocated", rich_help_panel=PANEL)(remind)
    command(app, "accept", example="bursar accept --budget Learning --email ada@acme.example", rich_help_panel=PANEL)(
        accept
    )
    command(app, "redeem", example="bursar redeem --budget Learning --email ada@acme.example", hidden=True)(accept)
    command(app, "cancel", example="bursar cancel 0b0c… 77ad…", rich_help_panel=PANEL)(cancel)
    command(app, "reverse", example='bursar reverse 0b0c… --why "fell ill"', rich_help_panel=PANEL)(reverse)
    command(
        app, "extend", example='bursar extend 0b0c… --until 2027-06-30 --why "parental leave"', rich_help_panel=PANEL
    )(extend)
    command(app, "acknowledge", example="bursar acknowledge 0b0c…", rich_help_panel=PANEL)(acknowledge)
    command(app, "expire", example="bursar expire", rich_help_panel=PANEL)(expire)
    command(app, "nudge", example="bursar nudge --days 14", rich_help_panel=PANEL)(nudge)
    command(app, "scrub", example="bursar scrub", rich_help_panel=FORGET)(scrub)
    command(app, "erase", example="bursar erase ada@acme.example --customer acme-ltd", rich_help_panel=FORGET)(erase)


def remind(
    uuids: Uuids = None,
    budget: OfBudget = None,
    states: States = None,
    emails: Emails = None,
    everything: Everything = False,
) -> Answer:
    """Queue a reminder for everybody who has not accepted; one that waits already is not doubled."""
    return verbs.remind(selected(uuids, budget, states, emails, everything=everything))


def accept(
    uuids: Uuids = None,
    budget: OfBudget = None,
    states: States = None,
    emails: Emails = None,
    everything: Everything = False,
    run: Annotated[
        str | None, typer.Option("--run", metavar="KEY", help="The run to enrol in; without it the first that is open.")
    ] = None,
) -> Answer:
    """Accept for learners: they are enrolled and the money is spent.

    Who cannot be enrolled for now stays pending, and `bursar tick` asks again.
    """
    return verbs.accept(selected(uuids, budget, states, emails, everything=everything), run=run)


def cancel(
    uuids: Uuids = None,
    budget: OfBudget = None,
    states: States = None,
    emails: Emails = None,
    everything: Everything = False,
) -> Answer:
    """Cancel what is allocated or errored: the money is free at once, and a mail says so."""
    return verbs.cancel(selected(uuids, budget, states, emails, everything=everything))


def reverse(
    uuids: Uuids = None,
    budget: OfBudget = None,
    states: States = None,
    emails: Emails = None,
    everything: Everything = False,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Why, for the record.")] = "",
) -> Answer:
    """Take accepted assignments back: the whole amount returns to the fund."""
    return verbs.reverse(selected(uuids, budget, states, emails, everything=everything), why=why)


def extend(  # noqa: PLR0913, PLR0917  a command takes what can be typed
    uuids: Uuids = None,
    budget: OfBudget = None,
    states: States = None,
    emails: Emails = None,
    everything: Everything = False,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="DATE", help="The new deadline (UTC), such as 2027-06-30: all that day."),
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", metavar="", help="Take a personal deadline away; the usual dates count again.")
    ] = False,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Why, for the record.")] = "",
    tell: Annotated[bool, typer.Option("--tell", metavar="", help="Tell the learners by mail.")] = False,
) -> Answer:
    """Give people a personal deadline in place of the usual dates."""
    if (until is None) != clear:
        raise typer.BadParameter("give either --until or --clear")
    return verbs.extend(selected(uuids, budget, states, emails, everything=everything), until=until, why=why, tell=tell)


def acknowledge(uuids: Uuids = None, budget: OfBudget = None, states: States = None, emails: Emails = None) -> Answer:
    """Note for learners that they have seen the end of expired or cancelled assignments."""
    return verbs.acknowledge(selected(uuids, budget, states, emails))


def expire() -> Answer:
    """Expire everything whose date has come; `bursar tick` does it too."""
    return verbs.expire()


def nudge(
    days: Annotated[
        int, typer.Option("--days", metavar="NUMBER", min=1, max=3650, help="How many days from now the course starts.")
    ],
) -> Answer:
    """Tell everybody who accepted that their course starts on the day that many days ahead."""
    return verbs.nudge(days)


def scrub() -> Answer:
    """Remove personal data whose time has come; `bursar tick` does it too."""
    return verbs.scrub()


def erase(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person, by address or uuid.")],
    customer: Annotated[
        str | None,
        typer.Option("--customer", metavar="CUSTOMER", help="At which customer, where several know the person."),
    ] = None,
    confirmed: Annotated[bool, typer.Option("--yes", metavar="", help="Do not ask.")] = False,
) -> Answer:
    """Forget a person at once and for good, accepted assignments included; ids, money and dates stay."""
    return people.erase(person, customer=customer, confirmed=confirmed)
