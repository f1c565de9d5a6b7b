"""Doing what a plan says, and seeing what became of it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from bursar.admin_portal.assign.beside import beside_rows, result_cells
from bursar.admin_portal.assign.forms import ResultFileForm
from bursar.admin_portal.assign.rows import page_of_batch, page_of_plan, rows_of_batch
from bursar.admin_portal.assign.views import about, budget_of, people_url, where
from bursar.admin_portal.assign.words import DUE, said_of
from bursar.assignments import flows, results, services
from bursar.assignments.flows.previews import preview_offer
from bursar.assignments.models import AllocationBatch, AllocationPlan, PlanState
from bursar.assignments.models.batches import BatchState
from bursar.assignments.services import Offer
from bursar.budgets.models import Budget
from bursar.kernel.errors import BadInput, Refused
from bursar.kernel.lookup import find_one
from bursar.pages.exports import Cell, kind_asked_for, table_file
from bursar.pages.guards import admin_page
from bursar.pages.letters import framed
from bursar.pages.listing import Listing
from bursar.pages.shapes import Chip, Tone
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

BATCHES_AT_ONCE: Final = 25
CHIPS: Final[dict[str, Callable[[], Chip]]] = {
    BatchState.FILLING: lambda: Chip(gettext("Under way"), Tone.INFO, "clock"),
    BatchState.DONE: lambda: Chip(gettext("Done"), Tone.GOOD, "check"),
    BatchState.UNDONE: lambda: Chip(gettext("Undone"), Tone.NEUTRAL, "inbox"),
}


@require_safe
@admin_page(Permission.ALLOCATE)
def plan(request: PageRequest, budget: UUID, plan: UUID) -> HttpResponse:
    """Show what a plan comes to, row by row, and the mail; one that became an allocation leads to that."""
    found = budget_of(request, budget)
    row = _plan(found, plan)
    if row.state == PlanState.USED and row.batch_uuid:
        return redirect("admin_portal:batch", *where(request, found), row.batch_uuid)
    offer = Offer.from_json(row.terms["offer"])
    context = about(request, found) | {
        "plan": row,
        "offer": offer,
        "due": (due := offer.expiry(row.created)),
        "due_words": DUE[due.reason],
        "page": page_of_plan(request, row),
        "is_open": row.state == PlanState.OPEN,
        "changes": row.created_count + row.updated_count,
        "after": row.available_cents - row.charged_cents,
        "again_url": _again_url(request, found, row),
        "why_not": said_of(Refused(**row.refusal), found.fund.currency) if row.refusal else "",
    }
    return render(request, "admin_portal/assign/plan.html", context)


@require_safe
@xframe_options_sameorigin
@admin_page(Permission.ALLOCATE)
def mail(request: PageRequest, budget: UUID, plan: UUID) -> HttpResponse:
    """Show the invitation that the people of a plan would get; `?framed` is the letter alone, for the frame in the page."""
    row = _plan_at_customer(request, budget, plan)
    found = row.configuration.subsidy_access_policy
    seen = preview_offer(request.viewer.customer, Offer.from_json(row.terms["offer"]))
    if "framed" in request.GET:
        return framed(seen.rendered.html)
    return render(request, "admin_portal/assign/mail.html", about(request, found) | {"plan": row, "mail": seen})


@require_POST
@admin_page(Permission.ALLOCATE)
def apply(request: PageRequest, budget: UUID, plan: UUID) -> HttpResponse:
    """Do exactly what a plan says; pressed twice it is done once."""
    found = budget_of(request, budget)
    row = _plan(found, plan)
    try:
        batch = flows.apply_plan(row.pk, digest=request.POST.get("digest", ""), actor=request.viewer.actor)
    except (Refused, BadInput) as error:
        if error.code == "plan_used" and error.facts.get("batch"):
            return redirect("admin_portal:batch", *where(request, found), error.facts["batch"])
        messages.error(request, said_of(error, found.fund.currency) + " " + gettext("Nothing was done."))
        return redirect("admin_portal:plan", *where(request, found), row.pk)
    return redirect("admin_portal:batch", *where(request, found), batch)


@require_POST
@admin_page(Permission.ALLOCATE)
def discard(request: PageRequest, budget: UUID, plan: UUID) -> HttpResponse:
    """Give a plan up, and forget its people."""
    found = budget_of(request, budget)
    services.discard_plan(_plan(found, plan).pk, actor=request.viewer.actor)
    messages.success(request, gettext("The plan is given up; nothing was assigned."))
    return redirect("admin_portal:assign", *where(request, found))


@require_safe
@admin_page(Permission.ALLOCATE)
def batches(request: PageRequest, budget: UUID) -> HttpResponse:
    """Show what was assigned from the budget so far, call by call, the newest first."""
    found = budget_of(request, budget)
    listing = Listing(request, sorts={"created": ("-created",)}, default="created")
    mine = AllocationBatch.objects.filter(configuration=found.assignment_configuration_id)
    rows = mine.order_by("-created", "-uuid")
    pages = Paginator(rows, BATCHES_AT_ONCE)
    pager = listing.pager(pages.count, BATCHES_AT_ONCE)
    shown = [(row, CHIPS[row.state]()) for row in pages.page(pager.number)]
    return render(request, "admin_portal/assign/batches.html", about(request, found) | {"rows": shown, "pages": pager})


@require_safe
@admin_page(Permission.ALLOCATE)
def batch(request: PageRequest, budget: UUID, batch: UUID) -> HttpResponse:
    """Show how far an allocation is, and what became of every row."""
    found = budget_of(request, budget)
    row = _batch(found, batch)
    if request.htmx and row.state != BatchState.FILLING:
        return HttpResponseClientRefresh()  # rows, files and undoing have come with the end
    context = about(request, found) | {
        "batch": row,
        "chip": CHIPS[row.state](),
        "far": results.progress_of(row),
        "page": page_of_batch(request, row),
        "refused": row.refused_count + row.rejected_count,
        "is_filling": row.state == BatchState.FILLING,
        "undoing": results.undoing_of(row),
        "here": request.get_full_path(),
        "file_form": ResultFileForm(),
    }
    template = "admin_portal/assign/batch.html"
    return render(request, f"{template}#state" if request.htmx else template, context)


@require_POST
@admin_page(Permission.MANAGE)
def undo(request: PageRequest, budget: UUID, batch: UUID) -> HttpResponse:
    """Take an allocation back while nobody has accepted."""
    found = budget_of(request, budget)
    row = _batch(found, batch)
    try:
        done = services.undo_batch(row.pk, actor=request.viewer.actor)
    except Refused as error:
        messages.error(request, said_of(error, found.fund.currency))
    else:
        words = ngettext(
            "%(number)s assignment was taken back.", "%(number)s assignments were taken back.", len(done.done)
        )
        messages.success(request, words % {"number": len(done.done)})
    return redirect("admin_portal:batch", *where(request, found), row.pk)


@require_safe
@admin_page(Permission.ALLOCATE)
def export(request: PageRequest, budget: UUID, batch: UUID, kind: str) -> HttpResponseBase:
    """Give the result of every row as a file."""
    asked = kind_asked_for(kind)
    row = _batch(budget_of(request, budget), batch)
    headings = [gettext("Line"), gettext("E-mail"), *_result_headings()]
    return table_file(asked, f"{gettext('Result')} {row.terms['offer']['title']}", headings, _results(row))


@require_POST
@admin_page(Permission.ALLOCATE)
def beside(request: PageRequest, budget: UUID, batch: UUID) -> HttpResponseBase:
    """Give a file that was sent back as it came, with what became of each row beside it; nothing of it is kept."""
    found = budget_of(request, budget)
    row = _batch(found, batch)
    form = ResultFileForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            kind, table = form.table()
            laid = beside_rows(table, list(rows_of_batch(row)))
        except BadInput as error:
            messages.error(request, said_of(error))
        else:
            headings = [*laid.header, *_result_headings()]
            return table_file(kind, f"{gettext('Result')} {row.terms['offer']['title']}", headings, laid.rows)
    return redirect("admin_portal:batch", *where(request, found), row.pk)


def _result_headings() -> list[str]:
    return [gettext("Outcome"), gettext("Reason")]


def _results(row: AllocationBatch) -> Iterator[Sequence[Cell]]:
    for item in sorted(rows_of_batch(row), key=lambda item: item.line):
        yield [item.line, item.email, *result_cells(item)]


def _plan(budget: Budget, plan: UUID) -> AllocationPlan:
    """Return a plan of a budget where the guard has found that the viewer may allocate."""
    return find_one(AllocationPlan.objects.filter(configuration=budget.assignment_configuration_id), plan, name="uuid")


def _plan_at_customer(request: PageRequest, budget: UUID, plan: UUID) -> AllocationPlan:
    """Return a plan with its budget and fund, all in one statement: the catalog and the texts take the others."""
    loaded = AllocationPlan.objects.select_related("configuration__subsidy_access_policy__fund")
    mine = loaded.filter(
        configuration__subsidy_access_policy=budget,
        configuration__subsidy_access_policy__customer=request.viewer.customer.pk,
    )
    return find_one(mine, plan, name="uuid")


def _batch(budget: Budget, batch: UUID) -> AllocationBatch:
    """Return an allocation of such a budget."""
    return find_one(
        AllocationBatch.objects.filter(configuration=budget.assignment_configuration_id), batch, name="uuid"
    )


def _again_url(request: PageRequest, budget: Budget, row: AllocationPlan) -> str:
    asked = row.terms["request"]
    query = QueryDict(mutable=True)
    query["content"] = asked["content_key"]
    if asked["run_key"]:
        query["run"] = asked["run_key"]
    return f"{people_url(request, budget)}?{query.urlencode()}"
