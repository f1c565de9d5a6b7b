"""The pages for the people who learn: parse, call one verb or selector, render."""

from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from bursar.assignments import flows, services
from bursar.assignments.learners import find_own
from bursar.assignments.selectors import shown_to_learner
from bursar.assignments.states import State
from bursar.kernel.lookup import as_uuid
from bursar.learner_portal import answering
from bursar.learner_portal.answering import Whose
from bursar.learner_portal.cards import CourseCard, course_cards
from bursar.learner_portal.forms import DeclineForm, MoreTimeForm
from bursar.learner_portal.refusals import advice
from bursar.pages.guards import entrance, learner_page, readable_or_sent
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

choose: Final = entrance("learner_portal:courses", Permission.LEARN)
REFUSED: Final = 409
DISMISSED_AT_ONCE: Final = 1000


@require_safe
@learner_page()
def courses(request: PageRequest) -> HttpResponse:
    """Show the learner what is assigned to them here, what they have accepted, and what has ended undismissed."""
    viewer = request.viewer
    rows = shown_to_learner(viewer.actor.lms_user_id, viewer.customer.pk) if viewer.actor.lms_user_id else []
    return render(request, "learner_portal/courses.html", {"section": "courses", **_parted(course_cards(rows))})


def _parted(cards: Iterable[CourseCard]) -> dict[str, list[CourseCard]]:
    """Return the cards by what a learner does with them, and those of which they are warned."""
    cards = list(cards)
    by_state = {state: [card for card in cards if card.assignment.state == state] for state in State}
    return {
        "waiting": by_state[State.ALLOCATED],
        "accepted": by_state[State.ACCEPTED],
        "ended": [card for card in cards if card.assignment.state not in (State.ALLOCATED, State.ACCEPTED)],
        "cancelled": by_state[State.CANCELLED],
        "expired": by_state[State.EXPIRED],
        "soon": [card for card in by_state[State.ALLOCATED] if card.is_soon],
    }


@require_POST
@learner_page()
def dismiss(request: PageRequest) -> HttpResponse:
    """Note that the learner has seen the end of assignments; those that are not theirs are left alone."""
    keys = filter(None, map(as_uuid, request.POST.getlist("assignment")[:DISMISSED_AT_ONCE]))
    services.acknowledge_each(keys, actor=request.viewer.actor)
    return redirect("learner_portal:courses", customer=request.viewer.customer.slug)


@readable_or_sent
@learner_page()
def course(request: PageRequest, assignment: UUID) -> HttpResponse:
    """Show one assignment, and accept it on POST."""
    card, whose = _own(request, assignment)
    refused = ""
    if request.method == "POST":
        refused = answering.accept(whose, request.POST.get("run", ""))
        if not refused:
            return redirect(request.path)
        card, whose = _own(request, assignment)
    facts = _facts(request, card, refused) | {"may_accept": True}
    if request.htmx:
        return render(request, "learner_portal/course.html#state", facts)
    if card.is_open:
        facts["choices"] = flows.choices_for(card.assignment)
    return render(request, "learner_portal/course.html", facts, status=REFUSED if refused else None)


@readable_or_sent
@learner_page()
def decline(request: PageRequest, assignment: UUID) -> HttpResponse:
    """Ask why the learner does not take a course, and decline it on POST."""
    said = gettext("You have declined it. Nothing is left to do.")
    return _answer(request, assignment, DeclineForm, answering.decline, "learner_portal/decline.html", said)


@readable_or_sent
@learner_page()
def more_time(request: PageRequest, assignment: UUID) -> HttpResponse:
    """Ask until when the learner would like to have time, and pass it on on POST."""
    said = gettext("Your organisation has been asked for more time.")
    return _answer(request, assignment, MoreTimeForm, answering.ask_for_time, "learner_portal/more_time.html", said)


def _answer(
    request: PageRequest,
    assignment: UUID,
    kind: type[Form],
    act: Callable[[Whose, Any], str],
    template: str,
    said: str,
) -> HttpResponse:
    card, whose = _own(request, assignment)
    form = kind(request.POST if request.method == "POST" else None)
    refused = ""
    if request.method == "POST" and form.is_valid():
        refused = act(whose, form)
        if not refused:
            messages.success(request, said)
            return redirect("learner_portal:courses", customer=request.viewer.customer.slug)
        card, whose = _own(request, assignment)
    facts = _facts(request, card, refused) | {"form": form}
    return render(request, template, facts, status=REFUSED if refused else None)


def _own(request: PageRequest, assignment: UUID) -> tuple[CourseCard, Whose]:
    viewer = request.viewer
    user = viewer.actor.lms_user_id or 0
    (card,) = course_cards([find_own(assignment, user, viewer.customer.pk)])
    return card, Whose(assignment, viewer.actor, lms_user_id=user)


def _facts(request: PageRequest, card: CourseCard, refused: str) -> dict[str, Any]:
    where = {"customer": request.viewer.customer.slug, "assignment": card.assignment.pk}
    pages = ("course", "decline", "more_time")
    return {
        "shell": "learner_portal/base.html",
        "customer": request.viewer.customer,
        "item": card,
        "refused": refused,
        "advice": advice(refused) if refused else "",
        "here": request.path,
        **{f"{name}_url": reverse(f"learner_portal:{name}", kwargs=where) for name in pages},
    }
