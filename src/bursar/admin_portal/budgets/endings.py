"""What is said of a fund that ends soon or has ended, by the newest threshold that it has passed, to each reader once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bursar.admin_portal.cards import BudgetCard
from bursar.assignments.slots import days_passed, fund_slot
from bursar.budgets.models import Fund
from bursar.kernel import clock
from bursar.pages.moments import days_until
from bursar.pages.shapes import Tone
from bursar.pages.viewer import Viewer

SHOWN_AT_MOST: Final = 3
TONES: Final = {120: Tone.INFO, 90: Tone.INFO, 60: Tone.WARN, 30: Tone.WARN, 10: Tone.BAD, 0: Tone.BAD}


@dataclass(frozen=True, slots=True)
class Ending:
    """One fund that ends: the threshold in days, how many are left, and what its budgets have left and hold in cents.

    `kept_as` is where a browser notes that its reader has dismissed this, and `about` what it was about: another
    threshold, or another end, is news again.
    """

    fund: Fund
    threshold: int
    days: int
    available_cents: int
    held_cents: int
    kept_as: str
    about: str

    @property
    def tone(self) -> Tone:
        """How urgent it is."""
        return TONES[self.threshold]

    @property
    def has_ended(self) -> bool:
        """Whether the end has passed."""
        return self.threshold == 0


def endings(cards: Sequence[BudgetCard], viewer: Viewer) -> list[Ending]:
    """Return what is to be said of the funds behind these cards, soonest end first; budgets out of use say nothing."""
    by_fund: dict[Fund, list[BudgetCard]] = {}
    for card in cards:
        if card.budget.usable:
            by_fund.setdefault(card.budget.fund, []).append(card)
    found = [ending for fund, theirs in by_fund.items() if (ending := _ending(fund, theirs, viewer))]
    return sorted(found, key=lambda ending: (ending.days, str(ending.fund.pk)))[:SHOWN_AT_MOST]


def _ending(fund: Fund, cards: Sequence[BudgetCard], viewer: Viewer) -> Ending | None:
    threshold = days_passed(fund.expires_at, clock.now()) if fund.expires_at else None
    if fund.expires_at is None or threshold is None:
        return None
    return Ending(
        fund,
        threshold,
        days_until(fund.expires_at),
        available_cents=min(max(0, fund.free_cents), sum(card.bar.available for card in cards)),
        held_cents=sum(card.bar.held for card in cards),
        kept_as=f"bursar.admin.{viewer.actor.user_id}.fund-ends.{fund.pk}",
        about=fund_slot(threshold, fund.expires_at),
    )
