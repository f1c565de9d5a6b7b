"""The walk of a demonstration: who one becomes at which step, and where that leads. A real installation has none of it."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from bursar.budgets.models import Budget
from bursar.people.demo_logins import LOGINS, SLUG, Login
from bursar.people.models import Role
from bursar.people.selectors import user_with
from bursar.project.demonstration import is_demonstration


@dataclass(frozen=True, slots=True)
class Step:
    """One button of the walk: whom it signs one in as, and the name of the page it leads to, about the budget or not."""

    role: Role
    page: str
    about_budget: bool = False

    @property
    def login(self) -> Login:
        """Who that is."""
        return next(login for login in LOGINS if login.role == self.role)


STEPS: Final = {
    "budget": Step(Role.ADMIN, "admin_portal:budget", about_budget=True),
    "assign": Step(Role.ADMIN, "admin_portal:assign", about_budget=True),
    "assigned": Step(Role.ADMIN, "admin_portal:assigned", about_budget=True),
    "accept": Step(Role.LEARNER, "learner_portal:choose"),
    "spent": Step(Role.ADMIN, "admin_portal:spent", about_budget=True),
    "staff": Step(Role.OPERATOR, "admin:index"),
}


@never_cache
@require_POST
def take(request: HttpRequest, name: str) -> HttpResponse:
    """Sign in as the one of this step, as anybody could with the password that the start page shows, and lead there.

    Only by POST with its proof: a link that signs one in could be sent to somebody.
    """
    step = STEPS.get(name)
    if step is None or not is_demonstration():
        raise Http404
    user = user_with(step.login.address)
    if user is None or not user.is_active or not user.check_password(step.login.password):
        raise Http404
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return redirect(_address(step))


def _address(step: Step) -> str:
    """Return the address of a step's page, "/" where it is about a budget that the demonstration has lost."""
    if not step.about_budget:
        return reverse(step.page)
    budget = Budget.objects.filter(customer__slug=SLUG).order_by("created", "uuid").values_list("pk", flat=True).first()
    return reverse(step.page, args=(SLUG, budget)) if budget else "/"
