"""The pages about one budget, as tabs in the order in which they are looked at."""

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext_lazy

from bursar.budgets.models import Budget
from bursar.pages.shapes import Tab
from bursar.pages.viewer import PageRequest

BUDGET_PAGES: Final = (
    ("budget", gettext_lazy("Overview")),
    ("assign", gettext_lazy("Assign")),
    ("assigned", gettext_lazy("Assigned")),
    ("spent", gettext_lazy("Spent")),
)


def budget_tabs(request: PageRequest, budget: Budget, current: str) -> list[Tab]:
    """Return the tabs of a budget's pages; `current` is the name of the route that is shown."""
    where = {"customer": request.viewer.customer.slug, "budget": budget.pk}
    return [
        Tab(str(label), reverse(f"admin_portal:{name}", kwargs=where), current=name == current)
        for name, label in BUDGET_PAGES
    ]
