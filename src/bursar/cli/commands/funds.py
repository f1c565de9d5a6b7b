"""`bursar fund …`: the money of customers."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import NO_OPTIONS_AMONG_NUMBERS, Amount, AtCustomer, FundRef, OfCustomer, OnceKey
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import funds as handlers
else:
    handlers = Later("bursar.cli.handlers.funds")

app = group("fund", "Money of a customer: deposits, corrections, the end.")


@command(app, "create", example='bursar fund create --customer acme-ltd --title "Learning 2027" --deposit 60000')
def create(
    customer: AtCustomer,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="Its title.")],
    deposit: Annotated[
        str | None,
        typer.Option("--deposit", metavar="AMOUNT", help="A first deposit in whole currency units: 60000 or 499.50."),
    ] = None,
    currency: Annotated[str, typer.Option("--currency", metavar="CODE", help="ISO code of its currency.")] = "USD",
    starts: Annotated[
        str | None,
        typer.Option("--starts", metavar="DATE", help="From when it may be spent (UTC); without it at once."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="DATE", help="When it ends (UTC), such as 2027-12-31; without it never."),
    ] = None,
) -> Answer:
    """Make a fund."""
    return handlers.create(customer, title=title, deposit=deposit, currency=currency, starts=starts, expires=expires)


@command(
    app,
    "deposit",
    example='bursar fund deposit "Learning 2027" 5000 --reason "second quarter"',
    context_settings=NO_OPTIONS_AMONG_NUMBERS,
)
def deposit(
    fund: FundRef,
    amount: Amount,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the ledger.")] = "",
    key: OnceKey = "",
) -> Answer:
    """Put money into a fund."""
    return handlers.deposit(fund, amount, reason=reason, key=key)


@command(
    app,
    "adjust",
    example='bursar fund adjust "Learning 2027" -120.50 --reason "bank fees"',
    context_settings=NO_OPTIONS_AMONG_NUMBERS,
)
def adjust(
    fund: FundRef,
    amount: Amount,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the ledger.")],
    key: OnceKey = "",
) -> Answer:
    """Correct what a fund has, up or, with a minus, down."""
    return handlers.adjust(fund, amount, reason=reason, key=key)


@command(app, "set-end", example='bursar fund set-end "Learning 2027" 2028-03-31')
def set_end(
    fund: FundRef,
    ends: Annotated[str | None, typer.Argument(metavar="DATE", help="When it ends (UTC), such as 2028-03-31.")] = None,
    never: Annotated[bool, typer.Option("--never", metavar="", help="It does not end.")] = False,
) -> Answer:
    """Change when a fund ends; the expiries that follow from it move too."""
    if (ends is None) != never:
        raise typer.BadParameter("give either a date or --never")
    return handlers.set_end(fund, ends=ends)


@command(app, "list", example="bursar fund list --customer acme-ltd")
def list_all(customer: OfCustomer = None) -> Answer:
    """Name the funds with what they have."""
    return handlers.list_all(customer)


@command(app, "show", example='bursar fund show "Learning 2027"')
def show(fund: FundRef) -> Answer:
    """Tell what a fund has, which budgets draw on it, and its newest ledger entries."""
    return handlers.show(fund)
