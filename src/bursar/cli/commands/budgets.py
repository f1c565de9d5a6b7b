"""`bursar budget …`: how much of a fund may be spent on what."""

from typing import TYPE_CHECKING, Annotated

import typer

from bursar.cli.command import command, group
from bursar.cli.commands.options import NO_OPTIONS_AMONG_NUMBERS, Amount, BudgetRef, OfCustomer, said
from bursar.cli.later import Later
from bursar.cli.output import Answer

if TYPE_CHECKING:
    from bursar.cli.handlers import budgets as handlers
else:
    handlers = Later("bursar.cli.handlers.budgets")

app = group("budget", "How much of a fund may be spent, and on which courses.")


@command(app, "create", example='bursar budget create --fund "Learning 2027" --name Engineers --limit 40000')
def create(
    fund: Annotated[str, typer.Option("--fund", metavar="FUND", help="The fund that pays, by uuid or title.")],
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="Its name.")],
    limit: Annotated[
        str,
        typer.Option(
            "--limit", metavar="AMOUNT", help="The most that may be spent, in whole currency units: 40000 or 499.50."
        ),
    ],
    catalog: Annotated[
        str | None,
        typer.Option(
            "--catalog", metavar="CATALOG", help="Only courses of this catalog, by uuid or title; without it all."
        ),
    ] = None,
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it is for.")] = "",
) -> Answer:
    """Make a budget from which courses can be assigned."""
    return handlers.create(fund, name=name, limit=limit, catalog=catalog, description=description)


@command(app, "set-limit", example="bursar budget set-limit Engineers 50000", context_settings=NO_OPTIONS_AMONG_NUMBERS)
def set_limit(budget: BudgetRef, amount: Amount) -> Answer:
    """Change the limit of a budget; never below what it holds and has spent."""
    return handlers.set_limit(budget, amount)


@command(app, "change", example="bursar budget change Engineers --catalog Languages")
def change(
    budget: BudgetRef,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Another name.")] = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")] = None,
    catalog: Annotated[
        str | None, typer.Option("--catalog", metavar="CATALOG", help="Only courses of this catalog, by uuid or title.")
    ] = None,
    every_course: Annotated[bool, typer.Option("--every-course", metavar="", help="Every course again.")] = False,
) -> Answer:
    """Change what a budget is called, or on which courses it may be spent; what is assigned already stays."""
    if catalog is not None and every_course:
        raise typer.BadParameter("give --catalog or --every-course, not both")
    wanted = said({"display_name": name, "description": description, "catalog": "" if every_course else catalog})
    return handlers.change(budget, wanted)


@command(app, "retire", example="bursar budget retire Engineers")
def retire(budget: BudgetRef) -> Answer:
    """Take a budget out of use; what it holds stays promised."""
    return handlers.retire(budget)


@command(app, "list", example="bursar budget list --customer acme-ltd")
def list_all(customer: OfCustomer = None) -> Answer:
    """Name the budgets with what they have left."""
    return handlers.list_all(customer)


@command(app, "show", example="bursar budget show Engineers")
def show(budget: BudgetRef) -> Answer:
    """Tell what a budget has left, and how many assignments it pays for in each state."""
    return handlers.show(budget)
