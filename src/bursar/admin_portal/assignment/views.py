"""The page of one assignment, and what can be done with it there: parse, call one verb, render."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from bursar.admin_portal.assigned.chips import EXPLAINED
from bursar.admin_portal.assigned.rows import assigned_row
from bursar.admin_portal.assignment.dates import dates
from bursar.admin_portal.assignment.forms import ExtendForm, HandOverForm
from bursar.admin_portal.assignment.happenings import happenings
from bursar.admin_portal.assignment.mails import mail_line, stops
from bursar.admin_portal.cards import budget_card
from bursar.admin_portal.refusals import why_not
from bursar.assignments import flows, services
from bursar.assignments.cases import case_of, find_managed
from bursar.assignments.models import LearnerContentAssignment, ReplyState
from bursar.assignments.states import State
from bursar.budgets.models import Budget
from bursar.kernel.errors import Refused
from bursar.pages.guards import admin_page, readable_or_sent
from bursar.pages.moments import day_text
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

REFUSED: Final = 409


@require_safe
@admin_page(Permission.MANAGE)
def assignment(request: PageRequest, assignment: UUID) -> HttpResponse:
    """Show one assignment: how it stands, why it ends when it does, its mails, and everything that happened."""
    case = case_of(assignment, request.viewer.customer.pk)
    asked = [reply for reply in case.replies if reply.state == ReplyState.OPEN and reply.cycle == case.row.cycle]
    context = about(case.row, case.budget) | {
        "case": case,
        "dates": dates(case.row.terms()),
        "mails": [mail_line(message) for message in case.messages],
        "stops": stops(case.stops),
        "happenings": happenings(case),
        "asked": asked[-1] if asked and case.row.state == State.ALLOCATED else None,
    }
    return render(request, "admin_portal/assignment/page.html", context)


def about(row: LearnerContentAssignment, budget: Budget) -> dict[str, Any]:
    """Return what every page about an assignment shows of it."""
    card = budget_card(budget)
    one = assigned_row(row, is_over=card.is_over)
    return {"section": "budgets", "item": card, "one": one, "status": EXPLAINED[one.status]}


def _here(request: PageRequest, assignment: UUID) -> dict[str, Any]:
    """Return what a page about doing something with an assignment shows; raises `NotFound`."""
    row = find_managed(assignment, request.viewer.customer.pk)
    configuration = row.assignment_configuration
    assert configuration is not None  # only those of a customer are found
    return about(row, configuration.subsidy_access_policy)


def _to_page(request: PageRequest, assignment: UUID) -> HttpResponse:
    return redirect("admin_portal:assignment", customer=request.viewer.customer.slug, assignment=assignment)


@readable_or_sent
@admin_page(Permission.MANAGE)
def extend(request: PageRequest, assignment: UUID) -> HttpResponse:
    """Ask until when somebody shall have time, and give it on POST; `clear` takes a personal deadline away."""
    context = _here(request, assignment)
    form = ExtendForm(request.POST if request.method == "POST" else None)
    clear = request.method == "POST" and "clear" in request.POST
    refused = ""
    if clear or (request.method == "POST" and form.is_valid()):
        until = None if clear else form.moment
        terms = {"why": "", "tell": False} if clear else {name: form.cleaned_data[name] for name in ("why", "tell")}
        outcome = services.extend_many([assignment], until=until, actor=request.viewer.actor, **terms)
        if assignment in outcome.done:
            said = (
                gettext("The deadline is %(day)s now.") % {"day": day_text(until)}
                if until
                else gettext("The usual dates count again.")
            )
            messages.success(request, said)
            return _to_page(request, assignment)
        refused = why_not(outcome.refused[assignment].code)
    context |= {"form": form, "refused": refused, "here": request.path}
    return render(request, "admin_portal/assignment/extend.html", context, status=REFUSED if refused else None)


@readable_or_sent
@admin_page(Permission.ALLOCATE)
def hand_over(request: PageRequest, assignment: UUID) -> HttpResponse:
    """Ask who gets the course instead, and hand it over on POST."""
    context = _here(request, assignment)
    form = HandOverForm(request.POST if request.method == "POST" else None)
    refused = ""
    if request.method == "POST" and form.is_valid():
        try:
            done = flows.hand_over(assignment, form.person, actor=request.viewer.actor)
        except Refused as error:
            refused = why_not(error.code)
        else:
            said = gettext("The course has been handed to %(who)s, who gets an invitation.") % {
                "who": form.person.email
            }
            messages.success(request, said)
            return _to_page(request, done.begun)
    context |= {"form": form, "refused": refused, "here": request.path}
    return render(request, "admin_portal/assignment/hand_over.html", context, status=REFUSED if refused else None)
