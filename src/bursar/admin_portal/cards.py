"""What a card of a budget shows, by its phase: everything, what was spent, or nothing yet."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext, gettext_lazy

from bursar.budgets.models import Budget
from bursar.budgets.phases import Phase, Room, room
from bursar.budgets.selectors import balance, phase_of
from bursar.pages.shapes import Bar, Chip, Tone

CHIPS: Final = {
    Phase.SCHEDULED: (gettext_lazy("Scheduled"), Tone.INFO, "clock"),
    Phase.ACTIVE: (gettext_lazy("Active"), Tone.GOOD, "check"),
    Phase.EXPIRING: (gettext_lazy("Expiring"), Tone.WARN, "warning"),
    Phase.EXPIRED: (gettext_lazy("Expired"), Tone.NEUTRAL, "clock"),
    Phase.RETIRED: (gettext_lazy("Retired"), Tone.NEUTRAL, "inbox"),
}


@dataclass(frozen=True, slots=True)
class BudgetCard:
    """One budget as its card shows it."""

    budget: Budget
    phase: Phase
    bar: Bar

    @property
    def name(self) -> str:
        """The name, also of a budget without one."""
        return self.budget.display_name or gettext("Overview")

    @property
    def chip(self) -> Chip:
        """The phase in a word."""
        text, tone, icon = CHIPS[self.phase]
        return Chip(str(text), tone, icon)

    @property
    def is_open(self) -> bool:
        """Whether money may be promised from it now."""
        return self.phase in (Phase.ACTIVE, Phase.EXPIRING)

    @property
    def is_over(self) -> bool:
        """Whether all that is left to show is what was spent."""
        return self.phase in (Phase.EXPIRED, Phase.RETIRED)

    @property
    def is_low(self) -> bool:
        """Whether three quarters of an open budget are used, and something is left."""
        return self._room == Room.LOW

    @property
    def is_empty(self) -> bool:
        """Whether an open budget has as good as nothing left."""
        return self._room == Room.NOTHING

    @property
    def _room(self) -> Room:
        return room(self.bar.available, self.bar.used_percent) if self.is_open else Room.ENOUGH


def budget_card(budget: Budget) -> BudgetCard:
    """Return the card of a budget loaded with its fund."""
    left = balance(budget)
    bar = Bar(left.limit_cents, left.spent_cents, left.held_cents, left.available_cents, budget.fund.currency)
    return BudgetCard(budget, phase_of(budget), bar)
