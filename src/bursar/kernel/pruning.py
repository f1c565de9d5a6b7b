"""What apps above keep for a while only: each says here how its own is removed, and the daily pruning calls them all."""

from collections.abc import Callable
from typing import Final

Prune = Callable[[], int]

_known: Final[dict[str, Prune]] = {}


def register(name: str, prune: Prune) -> None:
    """Let the daily pruning call `prune`, which returns how many rows went; raises ValueError if the name is taken."""
    if _known.setdefault(name, prune) != prune:
        raise ValueError(f"{name!r} is pruned already")


def prune() -> int:
    """Remove what every app that registered is done with; returns how many rows."""
    return sum(remove() for remove in _known.values())
