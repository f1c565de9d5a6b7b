"""What was spent from one budget: a page that is searched and sorted, and the same as a file."""

from typing import Final
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from bursar.admin_portal.cards import budget_card
from bursar.admin_portal.places import budget_tabs
from bursar.admin_portal.spent.lines import export_rows, headings, lines_of
from bursar.assignments.payments import of_budget, page_of_budget, walk_budget
from bursar.budgets.selectors import find_budget
from bursar.pages.exports import Kind, kind_asked_for, table_file
from bursar.pages.guards import admin_page
from bursar.pages.listing import PAGE_SIZE, Listing
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

SORTS: Final = {
    "date": ("created",),
    "course": ("course_title",),
    "amount": ("-quantity",),
    "start": ("course_run_start_date",),
}


@require_safe
@admin_page(Permission.MANAGE)
def spent(request: PageRequest, budget: UUID) -> HttpResponse:
    """Show the transactions of a budget that a search finds, 25 at a time, each with its reversal beside it."""
    found = find_budget(budget, frozenset({request.viewer.customer.pk}))
    listing = _listing(request)
    rows = of_budget(found.pk, listing.search)
    pages = listing.pager(rows.count())
    first = (pages.number - 1) * PAGE_SIZE
    shown = page_of_budget(rows, listing.ordering, start=first, size=PAGE_SIZE) if pages.count else []
    context = {
        "item": budget_card(found),
        "currency": found.fund.currency,
        "lines": [line for payment in shown for line in lines_of(payment)],
        "listing": listing,
        "found": pages,
        "files": [(kind.upper(), _file_address(listing, found.pk, request, kind)) for kind in Kind],
        "section": "budgets",
    }
    if request.htmx and not request.htmx.boosted:
        return render(request, "admin_portal/spent/spent.html#rows", context)
    context["tabs"] = budget_tabs(request, found, "spent")
    return render(request, "admin_portal/spent/spent.html", context)


@require_safe
@admin_page(Permission.MANAGE)
def export(request: PageRequest, budget: UUID, kind: str) -> HttpResponseBase:
    """Give all that a search finds as a file, in the order of the page."""
    found = find_budget(budget, frozenset({request.viewer.customer.pk}))
    wanted = kind_asked_for(kind)
    listing = _listing(request)
    rows = export_rows(walk_budget(of_budget(found.pk, listing.search), listing.ordering))
    heads = headings(found.fund.currency, get_current_timezone_name())
    return table_file(wanted, f"{gettext('Spent')} {found.display_name}", heads, rows)


def _listing(request: PageRequest) -> Listing:
    return Listing(request, sorts=SORTS, default="-date")


def _file_address(listing: Listing, budget: UUID, request: PageRequest, kind: Kind) -> str:
    where = {"customer": request.viewer.customer.slug, "budget": budget, "kind": str(kind)}
    _, _, asked = listing.url().partition("?")
    return reverse("admin_portal:spent_export", kwargs=where) + (f"?{asked}" if asked else "")
