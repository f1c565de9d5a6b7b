"""How assignments are named for a verb: by uuid, or by a budget and what narrows it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from bursar.cli.commands.options import StateName
from bursar.cli.later import Later

if TYPE_CHECKING:
    from bursar.cli.handlers import selection as found
else:
    found = Later("bursar.cli.handlers.selection")


def selected(
    uuids: Sequence[str] | None,
    budget: str | None,
    states: Sequence[StateName] | None,
    emails: Sequence[str] | None,
    *,
    everything: bool = False,
) -> "found.Selection":
    """Return what was typed, or complain as about any other wrong usage."""
    narrowed = bool(states or emails or everything)
    if uuids and (budget or narrowed):
        raise typer.BadParameter("give either uuids or --budget, not both")
    if not uuids and not budget:
        raise typer.BadParameter("give uuids, or --budget with --state, --email or --all")
    if budget and not narrowed:
        raise typer.BadParameter("say which of the budget: --state, --email or --all")
    if everything and (states or emails):
        raise typer.BadParameter("--all stands for every one; leave --state and --email out")
    return found.Selection(uuids or (), budget, [str(state) for state in states or ()], emails or (), everything)
