"""Assigning: choosing a course, saying who gets it, and looking at what that would come to."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from bursar.admin_portal.assign.checks import Check, check_people
from bursar.admin_portal.assign.choices import choice_of, page_of_courses
from bursar.admin_portal.assign.forms import CourseForm, PeopleForm
from bursar.admin_portal.assign.words import said_of
from bursar.admin_portal.cards import budget_card
from bursar.admin_portal.places import budget_tabs
from bursar.assignments import flows
from bursar.assignments.flows import AllocationRequest
from bursar.budgets.models import Budget
from bursar.budgets.selectors import find_budget
from bursar.catalog.selectors import find_course
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.pages.guards import admin_page, readable_or_sent
from bursar.pages.listing import Listing
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

UNREADABLE: Final = 422


@require_safe
@admin_page(Permission.ALLOCATE)
def courses(request: PageRequest, budget: UUID) -> HttpResponse:
    """Show the courses that the budget may be spent on, and which of their runs can be assigned."""
    found = budget_of(request, budget)
    listing = Listing(request, sorts={"title": ("title",)}, default="title")
    ends_at = found.fund.expires_at
    choices, more = page_of_courses(found.catalog, listing.search, listing.number, ends_at)
    context = about(request, found) | {
        "choices": choices,
        "listing": listing,
        "newer": listing.url(page=listing.number - 1) if listing.number > 1 else "",
        "older": listing.url(page=listing.number + 1) if more else "",
        "people_url": people_url(request, found),
    }
    template = "admin_portal/assign/courses.html"
    return render(request, f"{template}#found" if request.htmx else template, context)


@readable_or_sent
@admin_page(Permission.ALLOCATE)
def people(request: PageRequest, budget: UUID) -> HttpResponse:
    """Ask who gets a course, and keep the plan of it on POST; a fault of the whole is told above the form.

    A POST that chooses another run keeps no plan: the people written so far stand in the form again.
    """
    found = budget_of(request, budget)
    asked = _asked(request, found)
    chooses = request.method == "POST" and "choose" in request.POST
    form = (
        PeopleForm(initial=request.POST.dict()) if chooses else PeopleForm(request.POST or None, request.FILES or None)
    )
    wrong = ""
    if request.method == "POST" and not chooses and form.is_valid():
        try:
            plan = flows.make_plan(asked, form.found(), actor=request.viewer.actor)
        except (BadInput, Refused) as error:
            wrong = said_of(error, found.fund.currency)
        else:
            return redirect("admin_portal:plan", *where(request, found), plan.pk)
    context = about(request, found) | _chosen(request, found, asked) | {"form": form, "wrong": wrong}
    status = UNREADABLE if wrong or form.errors else None
    return render(request, "admin_portal/assign/people.html", context, status=status)


@require_POST
@admin_page(Permission.ALLOCATE)
def check(request: PageRequest, budget: UUID) -> HttpResponse:
    """Answer with what the people written so far would come to; nothing is kept."""
    found = budget_of(request, budget)
    form = PeopleForm(request.POST, request.FILES)
    context: dict[str, Any] = {"currency": found.fund.currency}
    if not form.is_valid():
        return render(request, "admin_portal/assign/check.html", context | {"wrong": _first_error(form)})
    try:
        context["check"] = _check(request, found, form)
    except (BadInput, Refused) as error:
        context["wrong"] = said_of(error, found.fund.currency)
    return render(request, "admin_portal/assign/check.html", context)


def _check(request: PageRequest, budget: Budget, form: PeopleForm) -> Check:
    return check_people(_asked(request, budget), form.found(), actor=request.viewer.actor)


def _first_error(form: PeopleForm) -> str:
    return next((str(error) for errors in form.errors.values() for error in errors), "")


def budget_of(request: PageRequest, budget: UUID) -> Budget:
    """Return a budget of the viewer's customer; raises `NotFound`."""
    return find_budget(budget, frozenset({request.viewer.customer.pk}))


def about(request: PageRequest, budget: Budget) -> dict[str, Any]:
    """Return what every page about assigning from a budget is drawn from."""
    return {
        "item": budget_card(budget),
        "tabs": budget_tabs(request, budget, "assign"),
        "section": "budgets",
        "currency": budget.fund.currency,
    }


def _asked(request: PageRequest, budget: Budget) -> AllocationRequest:
    """Return what the address names; raises `NotFound` where it names no course."""
    form = CourseForm(request.GET)
    if not form.is_valid():
        raise NotFound(gettext("No course was chosen."))
    return AllocationRequest(budget, form.cleaned_data["content"], form.cleaned_data["run"] or None)


def _chosen(request: PageRequest, budget: Budget, asked: AllocationRequest) -> dict[str, Any]:
    """Return the course that is chosen, with its runs to choose from; raises `NotFound` for an unknown one."""
    course = find_course(asked.content_key)
    choice = choice_of(course, budget.fund.expires_at)
    chosen = asked.run_key or (asked.content_key if asked.content_key != course.key else "")
    return {
        "choice": choice,
        "chosen_run": next((run for run in choice.runs if run.run.key == chosen), None),
        "asked": asked,
        "here": request.get_full_path(),
        "check_url": f"{reverse('admin_portal:check', args=where(request, budget))}?{request.GET.urlencode()}",
        "courses_url": reverse("admin_portal:assign", args=where(request, budget)),
        "people_url": people_url(request, budget),
    }


def where(request: PageRequest, budget: Budget) -> tuple[str, UUID]:
    """Return what every route about a budget begins with."""
    return request.viewer.customer.slug, budget.pk


def people_url(request: PageRequest, budget: Budget) -> str:
    """Return where people are named; which course is said by its query."""
    return reverse("admin_portal:assign_people", args=where(request, budget))
