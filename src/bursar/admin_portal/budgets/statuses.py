"""Which budgets a list shows: those of the statuses that its address names, else all that are not over."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from django.http import HttpRequest

from bursar.admin_portal.cards import CHIPS, BudgetCard
from bursar.budgets.phases import Phase
from bursar.pages.listing import Filter

BY_THEMSELVES: Final = (Phase.ACTIVE, Phase.SCHEDULED, Phase.EXPIRING)
IN_ORDER: Final = (*BY_THEMSELVES, Phase.EXPIRED, Phase.RETIRED)
NONE: Final = "none"
ALL: Final = "all"


def statuses_of(request: HttpRequest) -> tuple[Phase, ...]:
    """Return the statuses that the address asks for: several with commas between them, `all`, or `none`."""
    asked = request.GET.get("status", "").split(",")
    found = tuple(phase for phase in IN_ORDER if phase in asked or ALL in asked)
    return found if found or NONE in asked else BY_THEMSELVES


def status_filters(path: str, on: Sequence[Phase], cards: Sequence[BudgetCard]) -> list[Filter]:
    """Return a choice for each status, with how many of the cards have it."""
    counts = Counter(card.phase for card in cards)
    return [
        Filter(str(CHIPS[phase][0]), _address(path, set(on) ^ {phase}), phase in on, counts[phase])
        for phase in IN_ORDER
    ]


def _address(path: str, wanted: set[Phase]) -> str:
    if wanted == set(BY_THEMSELVES):
        return path
    return f"{path}?status={','.join(phase for phase in IN_ORDER if phase in wanted) or NONE}"
