"""What a report is asked for by its address: budget, period and department. What cannot be read is as if not asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from bursar.admin_portal.reports.periods import LABELS, Period, Span, period
from bursar.assignments.reports import UNACCEPTED, Question
from bursar.budgets.models import Budget
from bursar.budgets.selectors import budgets_of
from bursar.kernel.lookup import as_uuid
from bursar.pages.listing import Filter, Listing
from bursar.pages.shapes import Tab
from bursar.pages.viewer import PageRequest
from bursar.people.selectors import departments_of

NAMES: Final = ("budget", "period", "from", "to", "department", "currency", "state")
SORTS: Final = {"recent": ("started",)}
PAGES: Final = (
    ("reports", gettext_lazy("How far it comes")),
    ("reports_time", gettext_lazy("Time to accept")),
    ("reports_spend", gettext_lazy("Spend")),
    ("reports_open", gettext_lazy("Who did not accept")),
)
CARRIED: Final = ("budget", "period", "from", "to", "department", "currency")
STATED: Final = (*CARRIED, "state")
OFFERED: Final = 500
IS: Final = "is:"
NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a select."""

    value: str
    label: str
    on: bool


class Asked:
    """The address of a report, read for whom looks at it. Two statements: the budgets, and when asked, the departments."""

    def __init__(self, request: PageRequest) -> None:
        self.request = request
        self.customer = request.viewer.customer
        self.listing = Listing(request, sorts=SORTS, default="-recent", filters=NAMES)
        self.budgets: Sequence[Budget] = list(budgets_of(self.customer.pk))
        self.budget = next((row for row in self.budgets if row.pk == as_uuid(self._text("budget"))), None)
        self.period: Period = period(self._text("period"), self._text("from"), self._text("to"), request.viewer.zone)

    @property
    def department(self) -> str | None:
        """The department that is asked for: "" is none, None is all."""
        text = self._text("department")
        if text == NONE:
            return ""
        return text.removeprefix(IS) or None if text.startswith(IS) else None

    @property
    def question(self) -> Question:
        """The same for those who know the answer."""
        budget: UUID | None = self.budget.pk if self.budget else None
        return Question(self.customer.pk, budget, self.period.since, self.period.until, self.department)

    @property
    def currencies(self) -> list[str]:
        """The currencies of what is asked for, the one with most budgets first; amounts of several are never added up."""
        found = [row.fund.currency for row in self.budgets if self.budget in (None, row)]
        return sorted(set(found), key=lambda currency: (-found.count(currency), currency)) or ["USD"]

    @property
    def currency(self) -> str:
        """The currency that is shown."""
        asked = self.listing.chosen("currency", self.currencies)
        return asked[0] if asked else self.currencies[0]

    @cached_property
    def budget_choices(self) -> list[Choice]:
        """Which budgets can be chosen."""
        named = [Choice(str(row.pk), _name(row), row is self.budget) for row in self.budgets]
        return [Choice("", gettext("All budgets"), self.budget is None), *named]

    @property
    def period_choices(self) -> list[Choice]:
        """Which periods can be chosen."""
        return [Choice(str(span), str(label), span == self.period.span) for span, label in LABELS.items()]

    @cached_property
    def department_choices(self) -> list[Choice]:
        """Which departments can be chosen; the first 500 by name."""
        found = departments_of(self.customer.pk, OFFERED)
        if self.department and self.department not in found:
            found.insert(0, self.department)
        named = [Choice(f"{IS}{name}", name, name == self.department) for name in found]
        return [
            Choice("", gettext("All departments"), self.department is None),
            *named,
            Choice(NONE, gettext("No department"), self.department == ""),
        ]

    @property
    def days(self) -> dict[str, str]:
        """The days between which is asked, for the fields."""
        shown = self.period if self.period.span == Span.DAYS else None
        first, last = (shown.first, shown.last) if shown else (None, None)
        return {"first": first.isoformat() if first else "", "last": last.isoformat() if last else ""}

    @property
    def states(self) -> tuple[str, ...]:
        """The states in which those are who have not accepted; all of them when none is chosen."""
        return self.listing.chosen("state", UNACCEPTED) or UNACCEPTED

    def url(self, route: str, *, keep: Sequence[str] = CARRIED, **where: str) -> str:
        """Return the address of another report about the same; `keep` names what is carried over."""
        path = reverse(f"admin_portal:{route}", kwargs={"customer": self.customer.slug, **where})
        kept = {name: value for name, value in self.listing.kept.items() if name in keep}
        _, _, query = self.listing.url(**dict.fromkeys(NAMES) | kept).partition("?")
        return f"{path}?{query}" if query else path

    def tabs(self, current: str) -> list[Tab]:
        """Return the reports as tabs."""
        return [Tab(str(label), self.url(route), current=route == current) for route, label in PAGES]

    def currency_filters(self) -> list[Filter]:
        """Return the choice between currencies, where there are several."""
        if len(self.currencies) == 1:
            return []
        return [Filter(one, self.listing.url(currency=one), on=one == self.currency) for one in self.currencies]

    def _text(self, name: str) -> str:
        return self.request.GET.get(name, "").replace("\0", "")


def _name(budget: Budget) -> str:
    return budget.display_name or gettext("Overview")
