"""The pages of the service itself: start, health, and the mails of a demonstration."""

import shlex
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from bursar.catalog.selectors import find_course
from bursar.kernel import clock
from bursar.kernel.errors import NotFound
from bursar.outbox.health import health
from bursar.outbox.models import State
from bursar.pages.letters import framed
from bursar.people.demo_logins import LOGINS, SLUG, Login
from bursar.people.models import Customer, Role
from bursar.project.demonstration import is_demonstration
from bursar.project.mailbox import Letter, Place, newest, read
from bursar.project.walk import STEPS

SAMPLES: Final = Path(__file__).parent / "samples"
SAMPLE_COURSE: Final = "HarvardX+PH125.1x"
DEMO_BUDGET: Final = "Learning"
EXPIRY: Final = timedelta(days=91)
LAST_PAGE: Final = 100_000
View = Callable[..., HttpResponse]


def demonstration_only(view: View) -> View:
    """Let `view` exist in a demonstration and nowhere else; what it shows is kept by nobody on the way."""

    @wraps(view)
    def guarded(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if not is_demonstration():
            raise Http404
        return view(request, **arguments)

    return never_cache(require_safe(guarded))


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Say what this is and, in a demonstration, what to try: commands that work when they are pasted."""
    seen = health() if getattr(request.user, "is_staff", False) else None
    shown = is_demonstration()
    facts = {
        "demonstration": shown,
        "logins": _logins() if shown else (),
        "people_of_the_walk": {name: step.login for name, step in STEPS.items()},
        "directory": shlex.quote(str(Path.cwd())),
        "activate": _from_here(Path(sys.prefix) / "bin" / "activate"),
        "people": _from_here(SAMPLES / "people.csv"),
        "course": SAMPLE_COURSE,
        "budget": shlex.quote(DEMO_BUDGET),
        "later": f"{clock.now() + EXPIRY:%Y-%m-%d}",
        "health": seen,
        "waiting": seen.backlog.counts[State.PENDING] if seen else 0,
    }
    return render(request, "project/start.html", facts)


def _logins() -> list[tuple[Login, str]]:
    """Return who one can be, and what they do; nobody where the demonstration is not loaded, or nothing can be asked."""
    try:
        if not Customer.objects.filter(slug=SLUG).exists():
            return []
    except Error:
        return []
    does = {
        Role.LEARNER: gettext("takes courses"),
        Role.ADMIN: gettext("assigns courses"),
        Role.OPERATOR: gettext("runs the service"),
    }
    return [(login, does[login.role]) for login in LOGINS]


def _from_here(path: Path) -> str:
    """Return a path as one would type it in the directory that the service was started in."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


@demonstration_only
def course(request: HttpRequest, key: str) -> HttpResponse:
    """Stand in for the course page that the links of a demonstration's mails lead to."""
    try:
        found = find_course(key)
    except NotFound as error:
        raise Http404 from error
    runs = [run for run in found.runs.all() if run.key == key] or list(found.runs.all())
    return render(request, "project/course.html", {"course": found, "runs": runs})


@demonstration_only
def mails(request: HttpRequest) -> HttpResponse:
    """List the mails kept as files, newest first."""
    asked = request.GET.get("page", "1")
    page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < len(str(LAST_PAGE)) else 0
    if page < 1:
        raise Http404
    letters, older = newest(page)
    facts = {
        "letters": letters,
        "page": page,
        "newer": f"?page={page - 1}" if page > 1 else "",
        "older": f"?page={page + 1}" if older else "",
    }
    return render(request, "project/mails.html", facts)


@demonstration_only
def mail(request: HttpRequest, assignment: UUID, message: UUID) -> HttpResponse:
    """Show one mail: its head, its text, and its HTML in a frame that can do nothing."""
    return render(request, "project/mail.html", {"letter": _letter(assignment, message)})


@demonstration_only
@xframe_options_sameorigin
def mail_html(request: HttpRequest, assignment: UUID, message: UUID) -> HttpResponse:
    """Show the HTML part alone, under a policy that lets no script, form or foreign picture in."""
    letter = _letter(assignment, message)
    if not letter.html:
        raise Http404
    return framed(letter.html)


def _letter(assignment: UUID, message: UUID) -> Letter:
    letter = read(Place(assignment, message))
    if letter is None:
        raise Http404
    return letter
