"""The page behind a link in a mail: one assignment, one thing to do with it, no account and no cookies; GET changes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from bursar.assignments import flows
from bursar.assignments.answer_links import Opened, open_link
from bursar.assignments.states import State
from bursar.kernel.conf import setting
from bursar.kernel.errors import Unavailable
from bursar.learner_portal import answering
from bursar.learner_portal.answering import Whose
from bursar.learner_portal.cards import CourseCard, course_cards
from bursar.learner_portal.forms import DeclineForm, MoreTimeForm
from bursar.learner_portal.refusals import advice
from bursar.pages.guards import readable_or_sent
from bursar.pages.viewer import speak_to
from bursar.people.answer_tokens import Purpose
from bursar.people.limits import ask, household, is_used_up
from bursar.people.selectors import Reader

PRIVATE: Final = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
UNKNOWN: Final = "unknown"
OFTEN: Final = "often"
STATUS: Final = {UNKNOWN: 404, OFTEN: 429}
GONE: Final = 410
REFUSED: Final = 409
NOT_ALLOWED: Final = 405
SHOWN: Final = frozenset({State.ALLOCATED, State.ACCEPTED, State.ERRORED})


@dataclass(frozen=True, slots=True)
class Way:
    """How the page of a purpose is drawn, and what its form does."""

    template: str
    form: type[Form] | None = None
    act: Callable[[Whose, Any], str] | None = None


WAYS: Final[Mapping[Purpose, Way]] = {
    Purpose.SEE: Way("learner_portal/course.html"),
    Purpose.ACCEPT: Way("learner_portal/course.html"),
    Purpose.DECLINE: Way("learner_portal/decline.html", DeclineForm, answering.decline),
    Purpose.MORE_TIME: Way("learner_portal/more_time.html", MoreTimeForm, answering.ask_for_time),
}


@csrf_exempt  # whoever has the link may use it, and it is in the address of the form: there is nothing else to prove
@never_cache
@readable_or_sent
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the link is about; on POST do the one thing that it is good for. Doing it again changes nothing."""
    try:
        response = _page(request, token)
    except Unavailable:
        response = render(request, "learner_portal/link_over.html", {"why": "unavailable"}, status=503)
    for name, value in PRIVATE.items():
        response.headers[name] = value
    return response


def _page(request: HttpRequest, token: str) -> HttpResponse:
    limit = setting("answer_limit")
    who = f"wrong answer link of {household(request.META.get('REMOTE_ADDR', ''))}"
    if limit and is_used_up(who, limit):
        return _over(request, OFTEN)
    opened = open_link(token)
    if opened is None:
        if limit:
            ask(who, limit)
        return _over(request, UNKNOWN)
    known = opened.person
    speak_to(
        request,
        Reader(None, known.language if known else "", known.time_zone if known else ""),
        opened.customer,
    )
    if opened.over:
        return _over(request, str(opened.over), opened)
    return _post(request, opened) if request.method == "POST" else _show(request, opened)


def _over(request: HttpRequest, why: str, opened: Opened | None = None) -> HttpResponse:
    facts = {"why": why, "customer": opened.customer if opened else None}
    return render(request, "learner_portal/link_over.html", facts, status=STATUS.get(why, GONE))


def _post(request: HttpRequest, opened: Opened) -> HttpResponse:
    way, whose = WAYS[opened.purpose], Whose(opened.assignment.pk, opened.actor, cycle=opened.cycle)
    form = way.form(request.POST) if way.form else None
    if opened.purpose == Purpose.SEE:
        return HttpResponse(status=NOT_ALLOWED)
    if form is not None and not form.is_valid():
        return _show(request, opened, form)
    refused = way.act(whose, form) if way.act else answering.accept(whose, request.POST.get("run", ""))
    if refused:
        opened.assignment.refresh_from_db()
        return _show(request, opened, form, refused)
    return redirect(request.path)


def _show(request: HttpRequest, opened: Opened, form: Form | None = None, refused: str = "") -> HttpResponse:
    way = WAYS[opened.purpose]
    (card,) = course_cards([opened.assignment])
    facts = {
        "shell": "learner_portal/link.html",
        "customer": opened.customer,
        "item": card,
        "form": form or (way.form() if way.form else None),
        "refused": refused,
        "advice": advice(refused) if refused else "",
        "here": request.path,
        "may_accept": opened.purpose == Purpose.ACCEPT,
    }
    if getattr(request, "htmx", None) and way.form is None:
        return render(request, "learner_portal/course.html#state", facts)
    if card.is_open and way.form is None:
        facts["choices"] = flows.choices_for(opened.assignment)
    return render(request, way.template, facts, status=REFUSED if refused else _status(card))


def _status(card: CourseCard) -> int | None:
    """Return the status of a page of what has ended: the link does nothing any more."""
    return None if card.assignment.state in SHOWN or card.is_declined else GONE
