"""Requests of learners: the list, and the answer to one: parse, call one verb, render."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from bursar.admin_portal.assignment.forms import AnswerForm
from bursar.admin_portal.assignment.happenings import DECLINES
from bursar.admin_portal.refusals import why_not
from bursar.assignments import services
from bursar.assignments.models import LearnerReply, ReplyKind, ReplyState
from bursar.assignments.replies import declines_at, find_request, waiting_at
from bursar.assignments.services.chunked import Outcome
from bursar.assignments.services.replies import FARTHEST, date_for
from bursar.assignments.states import State
from bursar.kernel import clock
from bursar.pages.guards import admin_page, readable_or_sent
from bursar.pages.listing import PAGE_SIZE, Listing
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

RECENT: Final = timedelta(days=60)
REFUSED: Final = 409


@require_safe
@admin_page(Permission.MANAGE)
def requests(request: PageRequest) -> HttpResponse:
    """Show the requests for more time that wait, oldest first, and who declined lately."""
    waiting = waiting_at(request.viewer.customer.pk)
    pages = Listing(request, sorts={"asked": ("created",)}, default="asked").pager(waiting.order_by().count())
    start = (pages.number - 1) * PAGE_SIZE
    declined = declines_at(request.viewer.customer.pk, clock.now() - RECENT)[:PAGE_SIZE]
    context = {
        "section": "requests",
        "waiting": [_item(reply) for reply in waiting[start : start + PAGE_SIZE]],
        "pages": pages,
        "declined": [_item(reply) for reply in declined],
    }
    return render(request, "admin_portal/requests/list.html", context)


@readable_or_sent
@admin_page(Permission.MANAGE)
def request(request: PageRequest, key: UUID) -> HttpResponse:
    """Show one request, and grant or refuse it on POST."""
    asked = find_request(key, request.viewer.customer.pk)
    if request.method == "POST":
        return _answer(request, asked)
    return _ask(request, asked, AnswerForm(initial={"until": timezone.localtime(_proposed(asked)).date()}))


def _answer(request: PageRequest, asked: LearnerReply) -> HttpResponse:
    form = AnswerForm(request.POST)
    verdict = request.POST.get("verdict", "")
    if not form.is_valid() or verdict not in (ReplyState.GRANTED, ReplyState.REFUSED):
        return _ask(request, asked, form)
    outcome = _decide(asked, form, verdict, request)
    if asked.pk in outcome.refused:
        return _ask(request, asked, form, why_not(outcome.refused[asked.pk].code))
    granted = verdict == ReplyState.GRANTED
    said = (
        gettext("They have more time, and are told by mail.")
        if granted
        else gettext("They are told by mail that the deadline stays.")
    )
    messages.success(request, said)
    return redirect("admin_portal:requests", customer=request.viewer.customer.slug)


def _decide(asked: LearnerReply, form: AnswerForm, verdict: str, request: PageRequest) -> Outcome:
    why, actor = form.cleaned_data["why"], request.viewer.actor
    if verdict == ReplyState.REFUSED:
        return services.refuse_time_many([asked.pk], why=why, actor=actor)
    return services.grant_time_many([asked.pk], until=form.moment, why=why, actor=actor)


def _ask(request: PageRequest, asked: LearnerReply, form: AnswerForm, refused: str = "") -> HttpResponse:
    row = asked.assignment
    waits = asked.state == ReplyState.OPEN and row.state == State.ALLOCATED and asked.cycle == row.cycle
    context = {
        "section": "requests", "item": _item(asked), "form": form, "refused": refused, "here": request.path,
        "waits": waits, "granted": asked.state == ReplyState.GRANTED,
    }  # fmt: skip
    return render(request, "admin_portal/requests/answer.html", context, status=REFUSED if refused else None)


def _proposed(asked: LearnerReply) -> Any:
    now = clock.now()
    return min(date_for(asked, asked.assignment.expires_at, now), now + FARTHEST - timedelta(days=1))


def _item(reply: LearnerReply) -> dict[str, Any]:
    row = reply.assignment
    return {
        "reply": reply,
        "row": row,
        "who": gettext("Email hidden") if row.address_scrubbed_at else row.learner_email,
        "course": row.content_title or row.content_key,
        "is_stranger": reply.kind == ReplyKind.NOT_ME,
        "why": DECLINES.get(reply.reason, reply.reason),
    }
