"""Arguments and options that several commands share, each with its one meaning."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, TypeVar

import typer

T = TypeVar("T")

NO_OPTIONS_AMONG_NUMBERS: Final = {"ignore_unknown_options": True}
"""Lets -100.00 be an amount, where it would be taken for options."""


class StateName(StrEnum):
    """The states of an assignment."""

    ALLOCATED = "allocated"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"
    ERRORED = "errored"
    EXPIRED = "expired"
    REVERSED = "reversed"


class LearnerStateName(StrEnum):
    """What an assignment waits for."""

    NOTIFYING = "notifying"
    WAITING = "waiting"
    EXPIRED = "expired"
    FAILED = "failed"


class RoleName(StrEnum):
    """What a user may be."""

    LEARNER = "learner"
    ADMIN = "admin"
    OPERATOR = "operator"


OfCustomer = Annotated[
    str | None, typer.Option("--customer", metavar="CUSTOMER", help="Only those of this customer, by uuid or slug.")
]
AtCustomer = Annotated[str, typer.Option("--customer", metavar="CUSTOMER", help="The customer, by uuid or slug.")]
CustomerRef = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer, by uuid or slug.")]
FundRef = Annotated[str, typer.Argument(metavar="FUND", help="The fund, by uuid or title.")]
BudgetRef = Annotated[str, typer.Argument(metavar="BUDGET", help="The budget, by uuid or name.")]
Amount = Annotated[
    str,
    typer.Argument(metavar="AMOUNT", help="Money in whole currency units, with at most two decimals: 40000 or 49.00."),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help="Encoding of the file, such as latin-1; without it UTF-8, or what its mark says.",
    ),
]
OnceKey = Annotated[
    str,
    typer.Option(
        "--key",
        metavar="KEY",
        help="A key of your own: the same again does nothing, so the command can be repeated safely.",
    ),
]
Page = Annotated[int, typer.Option("--page", metavar="NUMBER", min=1, max=1_000_000, help="Which page, from 1.")]
Limit = Annotated[int, typer.Option("--limit", metavar="NUMBER", min=1, max=10_000, help="How many on a page.")]

Uuids = Annotated[list[str] | None, typer.Argument(metavar="UUID", help="Assignments, by uuid.", show_default=False)]
OfBudget = Annotated[
    str | None,
    typer.Option("--budget", metavar="BUDGET", help="Instead of uuids: assignments of this budget, by uuid or name."),
]
States = Annotated[
    list[StateName] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="With --budget: those in this state (allocated, accepted, cancelled, errored, expired, reversed); may be repeated.",
    ),
]
Emails = Annotated[
    list[str] | None,
    typer.Option("--email", metavar="ADDRESS", help="With --budget: those for this address; may be repeated."),
]
Everything = Annotated[
    bool, typer.Option("--all", metavar="", help="With --budget: every one that this can be done to.")
]


def said(given: Mapping[str, T | None]) -> dict[str, T]:
    """Return the options that somebody has given; raises `BadParameter` when there is none."""
    found = {name: value for name, value in given.items() if value is not None}
    if not found:
        raise typer.BadParameter("say what is to change")
    return found
