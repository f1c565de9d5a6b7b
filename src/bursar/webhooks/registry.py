"""Which types of events there are: named by the apps that write them, when Django starts (`AppConfig.ready`)."""

from collections.abc import Iterable
from typing import Final

_types: Final[set[str]] = set()


def declare(types: Iterable[str]) -> None:
    """Make these types ones that an endpoint can ask for."""
    _types.update(map(str, types))


def known() -> list[str]:
    """Return every type, in alphabetical order."""
    return sorted(_types)
