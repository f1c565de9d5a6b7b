"""The reports: how far assignments come, how long people take, what was spent, and who has not accepted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from bursar.admin_portal.reports.asking import CARRIED, STATED, Asked
from bursar.admin_portal.reports.people import Line, export_headings, export_row, state_filters
from bursar.admin_portal.reports.tables import (
    Table,
    days_table,
    funnel_table,
    groups_table,
    months_table,
    states_table,
)
from bursar.assignments import reports as found
from bursar.pages.exports import Kind, kind_asked_for, table_file
from bursar.pages.guards import admin_page
from bursar.pages.listing import PAGE_SIZE
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

MOST_ADDRESSES: Final = 1000


@require_safe
@admin_page(Permission.MANAGE)
def reach(request: PageRequest) -> HttpResponse:
    """Show how many of the people who were assigned something were told of it, and accepted it."""
    asked = Asked(request)
    steps = found.funnel(asked.question)
    tables = [funnel_table(steps), states_table(steps)]
    return _page(asked, "reports", "reach.html", {"steps": steps, "tables": tables})


@require_safe
@admin_page(Permission.MANAGE)
def time(request: PageRequest) -> HttpResponse:
    """Show how long people take to accept."""
    asked = Asked(request)
    days = found.days_to_accept(asked.question)
    facts = {
        "accepted": sum(days.values()),
        "half": found.percentile(days, found.HALF),
        "most": found.percentile(days, found.MOST),
    }
    return _page(asked, "reports_time", "time.html", {**facts, "tables": [days_table(days)]})


@require_safe
@admin_page(Permission.MANAGE)
def spend(request: PageRequest) -> HttpResponse:
    """Show what was spent by month, subject, partner and department, less what was given back."""
    asked = Asked(request)
    months, departments = found.spending_by_month(asked.question, asked.currency, request.viewer.zone)
    subjects, partners = found.spending_by_course(asked.question, asked.currency)
    groups = {"subjects": subjects, "partners": partners, "departments": departments}
    tables = [months_table(months, asked.currency)]
    tables += [groups_table(name, group, asked.currency) for name, group in groups.items()]
    facts = {"total": found.total(months.values()), "currency": asked.currency, "currencies": asked.currency_filters()}
    return _page(asked, "reports_spend", "spend.html", {**facts, "tables": tables})


@require_safe
@admin_page(Permission.MANAGE)
def unaccepted(request: PageRequest) -> HttpResponse:
    """Show who was assigned something and has not accepted it, 25 at a time."""
    asked = Asked(request)
    counts = found.count_by_state(asked.question)
    pages = asked.listing.pager(sum(counts[state] for state in asked.states))
    first = (pages.number - 1) * PAGE_SIZE
    rows = found.not_accepted(asked.question, asked.states)[first : first + PAGE_SIZE]
    facts = {
        "lines": [Line(one) for one in found.read(rows, asked.customer.pk)] if pages.count else [],
        "found": pages,
        "states": state_filters(asked.listing, counts),
        "addresses": asked.url("reports_addresses", keep=STATED),
        "files": _files(asked, "reports_open_export", keep=STATED),
    }
    return _page(asked, "reports_open", "unaccepted.html", facts)


@require_safe
@admin_page(Permission.MANAGE)
def addresses(request: PageRequest) -> HttpResponse:
    """Show the addresses of those who have not accepted, to copy, under their managers."""
    asked = Asked(request)
    rows = found.not_accepted(asked.question, asked.states)
    groups, more = found.addresses_by_manager(rows, asked.customer.pk, MOST_ADDRESSES)
    facts = {
        "groups": [(manager, len(people), ", ".join(people)) for manager, people in groups.items()],
        "limit": MOST_ADDRESSES if more else None,
        "back": asked.url("reports_open", keep=STATED),
    }
    return _page(asked, "reports_open", "addresses.html", facts)


@require_safe
@admin_page(Permission.MANAGE)
def export_people(request: PageRequest, kind: str) -> HttpResponseBase:
    """Give all who have not accepted as a file, in the order of the page."""
    wanted = kind_asked_for(kind)
    asked = Asked(request)
    rows = found.walk(found.not_accepted(asked.question, asked.states), asked.customer.pk)
    headings = export_headings(get_current_timezone_name())
    return table_file(wanted, gettext("Who did not accept"), headings, (export_row(Line(one)) for one in rows))


@require_safe
@admin_page(Permission.MANAGE)
def export_table(request: PageRequest, table: str, kind: str) -> HttpResponseBase:
    """Give the whole table behind a chart as a file."""
    wanted = kind_asked_for(kind)
    make = TABLES.get(table)
    if make is None:
        raise Http404
    made = make(Asked(request))
    return table_file(wanted, made.title, made.headings, made.rows)


def _months(asked: Asked) -> Table:
    months, _ = found.spending_by_month(asked.question, asked.currency, asked.request.viewer.zone)
    return months_table(months, asked.currency)


def _departments(asked: Asked) -> Table:
    _, departments = found.spending_by_month(asked.question, asked.currency, asked.request.viewer.zone)
    return groups_table("departments", departments, asked.currency)


def _by_course(name: str, place: int) -> Callable[[Asked], Table]:
    return lambda asked: groups_table(
        name, found.spending_by_course(asked.question, asked.currency)[place], asked.currency
    )


TABLES: Final[Mapping[str, Callable[[Asked], Table]]] = {
    "funnel": lambda asked: funnel_table(found.funnel(asked.question)),
    "states": lambda asked: states_table(found.funnel(asked.question)),
    "days": lambda asked: days_table(found.days_to_accept(asked.question)),
    "months": _months,
    "subjects": _by_course("subjects", 0),
    "partners": _by_course("partners", 1),
    "departments": _departments,
}


def _files(asked: Asked, route: str, keep: Sequence[str] = CARRIED, **where: str) -> list[tuple[str, str]]:
    return [(kind.upper(), asked.url(route, keep=keep, kind=str(kind), **where)) for kind in Kind]


def _page(asked: Asked, route: str, template: str, facts: dict[str, Any]) -> HttpResponse:
    tables = [(table, _files(asked, "reports_table", table=table.name)) for table in facts.pop("tables", ())]
    context = {"asked": asked, "tabs": asked.tabs(route), "tables": tables, "section": "reports", **facts}
    return render(asked.request, f"admin_portal/reports/{template}", context)
