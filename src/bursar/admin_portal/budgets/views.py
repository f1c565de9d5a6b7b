"""The budgets of a customer at a glance, and one of them as a whole."""

from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bursar.admin_portal.budgets.endings import endings
from bursar.admin_portal.budgets.outlook import outlook
from bursar.admin_portal.budgets.statuses import status_filters, statuses_of
from bursar.admin_portal.cards import budget_card
from bursar.admin_portal.places import budget_tabs
from bursar.assignments.forecasts import forecast
from bursar.budgets.selectors import budgets_of, find_budget
from bursar.pages.guards import admin_page
from bursar.pages.listing import Listing
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

CARDS: Final = 24


@require_safe
@admin_page(Permission.MANAGE)
def budgets(request: PageRequest) -> HttpResponse:
    """Show the budgets of the customer, what is left of each, in which phase it is, and which funds end."""
    cards = [budget_card(budget) for budget in budgets_of(request.viewer.customer.pk)]
    statuses = statuses_of(request)
    shown = [card for card in cards if card.phase in statuses]
    listing = Listing(request, sorts={"name": ("display_name",)}, default="name", filters=("status",))
    pages = listing.pager(len(shown), CARDS)
    first = (pages.number - 1) * CARDS
    context = {
        "cards": shown[first : first + CARDS],
        "pages": pages,
        "filters": status_filters(request.path, statuses, cards),
        "endings": endings(cards, request.viewer),
        "any": bool(cards),
        "section": "budgets",
    }
    return render(request, "admin_portal/budgets/budgets.html", context)


@require_safe
@admin_page(Permission.MANAGE)
def budget(request: PageRequest, budget: UUID) -> HttpResponse:
    """Show one budget: what is left of it, what it may be spent on, and what becomes of what it holds."""
    viewer = request.viewer
    found = find_budget(budget, frozenset({viewer.customer.pk}))
    item = budget_card(found)
    context = {
        "item": item,
        "budget": found,
        "tabs": budget_tabs(request, found, "budget"),
        "endings": endings([item], viewer),
        "outlook": None if item.is_over else outlook(forecast(found, viewer.zone), item.bar.held, item.bar.currency),
        "section": "budgets",
    }
    return render(request, "admin_portal/budgets/budget.html", context)
