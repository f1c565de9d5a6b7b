"""How the web service takes the rule that only a demonstration may move the clock (`people.installation`)."""

from bursar.kernel.errors import Misconfigured, Refused
from bursar.people.installation import check_clock_offset, is_demonstration

__all__ = ["check_clock", "is_demonstration"]


def check_clock() -> None:
    """Raise `Misconfigured` when BURSAR_CLOCK_OFFSET moves the clock of anything but a demonstration."""
    try:
        check_clock_offset()
    except Refused as error:
        raise Misconfigured(f"BURSAR_CLOCK_OFFSET: {error.message}", setting="BURSAR_CLOCK_OFFSET") from error
