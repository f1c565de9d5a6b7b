"""The table of what a budget has assigned, and reminding and cancelling there: parse, call one verb, render."""

from collections import Counter
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from bursar.admin_portal.assigned import acting
from bursar.admin_portal.assigned.acting import Meant
from bursar.admin_portal.assigned.rows import explanations, rows_of
from bursar.admin_portal.assigned.table import listing_of, table_of
from bursar.admin_portal.cards import BudgetCard, budget_card
from bursar.admin_portal.places import budget_tabs
from bursar.assignments import lists, services
from bursar.assignments.services.matching import Measure, act_on_matching, measure_matching, measure_named
from bursar.assignments.states import Verb
from bursar.budgets.selectors import find_budget
from bursar.pages.guards import admin_page, readable_or_sent
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

AT_ONCE: Final = 5000
NAMED: Final = 10


@require_safe
@admin_page(Permission.MANAGE)
def assigned(request: PageRequest, budget: UUID) -> HttpResponse:
    """Show a page of what a budget has assigned."""
    card, configuration = _budget(request, budget)
    table = table_of(listing_of(request), configuration, card)
    context = _about(request, card) | {
        "table": table,
        "listing": table.listing,
        "carried": acting.meant(request.GET).of_the_list,
        "why": explanations(table.rows),
        "here": request.get_full_path(),
    }
    part = "#rows" if request.htmx else ""
    return render(request, f"admin_portal/assigned/list.html{part}", context)


@readable_or_sent
@admin_page(Permission.MANAGE)
def remind(request: PageRequest, budget: UUID) -> HttpResponse:
    """Ask whether to remind these people, and do so on POST."""
    return _ask_or_act(request, budget, Verb.REMIND)


@readable_or_sent
@admin_page(Permission.MANAGE)
def cancel(request: PageRequest, budget: UUID) -> HttpResponse:
    """Ask whether to cancel these assignments, and do so on POST."""
    return _ask_or_act(request, budget, Verb.CANCEL)


def _budget(request: PageRequest, budget: UUID) -> tuple[BudgetCard, UUID]:
    found = find_budget(budget, frozenset({request.viewer.customer.pk}))
    if found.assignment_configuration_id is None:
        raise Http404
    return budget_card(found), found.assignment_configuration_id


def _about(request: PageRequest, card: BudgetCard) -> dict[str, Any]:
    return {"item": card, "tabs": budget_tabs(request, card.budget, "assigned"), "section": "budgets"}


def _ask_or_act(request: PageRequest, budget: UUID, verb: Verb) -> HttpResponse:
    card, configuration = _budget(request, budget)
    if request.method == "POST":
        return _act(request, card, configuration, verb)
    wanted = acting.meant(request.GET)
    context = _about(request, card) | {"verb": str(verb), "action": request.path, "back": _back(request, card, wanted)}
    if wanted.everything and wanted.behind is not None:
        context |= {"words": acting.told(verb, wanted.so_far), "fields": _fields_of_next(wanted)}
        return render(request, "admin_portal/assigned/working.html", context)
    keys, measure = _measured(configuration, wanted, verb)
    context |= {
        "measure": measure,
        "left_out": 0 if wanted.everything else len(wanted.keys) - measure.count,
        "fields": acting.carried(replace(wanted, keys=keys)),
        "whom": rows_of(keys[:NAMED], card),
        "unnamed": max(0, len(keys) - NAMED),
    }
    return render(request, "admin_portal/assigned/ask.html", context)


def _measured(configuration: UUID, wanted: Meant, verb: Verb) -> tuple[list[UUID], Measure]:
    if wanted.everything:
        return [], measure_matching(configuration, wanted.filters(), verb)
    return measure_named(configuration, wanted.keys, verb)


def _act(request: PageRequest, card: BudgetCard, configuration: UUID, verb: Verb) -> HttpResponse:
    """Do it: what is named at once, all that match part by part, each part asked for by the page that the last one led to."""
    wanted = acting.meant(request.POST)
    if not wanted.everything:
        return _done(request, card, verb, wanted, _act_on_named(request, configuration, verb, wanted.keys))
    actor = request.viewer.actor
    step = act_on_matching(configuration, wanted.filters(), verb, actor=actor, behind=wanted.behind, at_most=AT_ONCE)
    counts = wanted.so_far + acting.counted(step.outcome)
    if step.behind is None:
        return _done(request, card, verb, wanted, counts)
    rest = _fields_of_next(replace(wanted, behind=step.behind, so_far=counts))
    return redirect(f"{request.path}?{urlencode(rest)}")


def _act_on_named(request: PageRequest, configuration: UUID, verb: Verb, keys: list[UUID]) -> Counter[str]:
    actor = request.viewer.actor
    if verb is Verb.CANCEL:
        return acting.counted(services.cancel_many(lists.among(configuration, keys), actor=actor))
    waiting, _ = measure_named(configuration, keys, verb)
    left = Counter({acting.NOT_WAITING: len(keys) - len(waiting)})
    return acting.counted(services.remind_many(waiting, actor=actor)) + left


def _fields_of_next(wanted: Meant) -> list[tuple[str, str]]:
    assert wanted.behind is not None  # there is a next part
    return acting.carried(wanted, behind=acting.place_text(wanted.behind), so_far=acting.counts_text(wanted.so_far))


def _done(request: PageRequest, card: BudgetCard, verb: Verb, wanted: Meant, counts: Counter[str]) -> HttpResponse:
    level = messages.SUCCESS if counts.get(acting.DONE[verb]) else messages.WARNING
    messages.add_message(request, level, acting.told(verb, counts))
    back = _back(request, card, wanted)
    return HttpResponseClientRedirect(back) if request.htmx else redirect(back)


def _back(request: PageRequest, card: BudgetCard, wanted: Meant) -> str:
    where = {"customer": request.viewer.customer.slug, "budget": card.budget.pk}
    return reverse("admin_portal:assigned", kwargs=where) + wanted.list_query
