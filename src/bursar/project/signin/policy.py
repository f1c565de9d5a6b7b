"""Who needs a second factor, and how often somebody may try to sign in; both before any page is asked for."""

from collections.abc import Callable
from typing import Any, Final

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from bursar.kernel.conf import setting
from bursar.people.addresses import BadAddress, normal_form
from bursar.people.installation import is_demonstration
from bursar.people.limits import ask, household
from bursar.people.models import Membership, Role
from bursar.project.errors import OPENEDX, OWN, TOO_MANY, answer

ACCOUNTS: Final = "/accounts/"
PUBLIC: Final = (ACCOUNTS, "/static/", "/preferences/", "/unsubscribe/", "/healthz", "/readyz", "/metrics")
PROGRAMS: Final = (OPENEDX, OWN)
NAMES: Final = ("login", "email")


class SecondFactor:
    """Lets admins and operators in only once they have shown a second factor in this session, and sends them to set one up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; to programs they are nobody as long as they have not."""
        if not request.path_info.startswith(PUBLIC) and lacks_factor(request):
            if not request.path_info.startswith(PROGRAMS):
                return redirect(reverse("mfa_activate_totp"))
            request.user = AnonymousUser()
        return self.get_response(request)


def lacks_factor(request: HttpRequest) -> bool:
    """Tell whether a session needs a second factor that it has not shown; without a session nothing is read."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    user: Any = request.user
    if not user.is_authenticated or has_shown_factor(request):
        return False
    return is_required() and is_privileged(user)


def has_shown_factor(request: HttpRequest) -> bool:
    """Tell whether this session has shown a second factor."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user))


def is_required() -> bool:
    """Tell whether the setting asks admins and operators for a second factor here."""
    wanted = setting("require_mfa")
    return wanted == "yes" or (wanted == "auto" and not is_demonstration())


def is_privileged(user: Any) -> bool:
    """Tell whether somebody may do more than learn."""
    if user.is_staff or user.is_superuser:
        return True
    return Membership.objects.filter(user_id=user.pk, role__in=(Role.ADMIN, Role.OPERATOR)).exists()


class LoginLimit:
    """Counts what is posted to sign in, by client address and by the account that it is about."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or say that this was tried too often."""
        if request.method == "POST" and request.path_info.startswith(ACCOUNTS) and _is_too_often(request):
            return answer(request, TOO_MANY)
        return self.get_response(request)


def _is_too_often(request: HttpRequest) -> bool:
    limit = setting("login_limit")
    return bool(limit) and not all(ask(who, limit).passed for who in _tried(request))


def _tried(request: HttpRequest) -> list[str]:
    tried = [f"login from {household(request.META.get('REMOTE_ADDR', ''))}"]
    for name in NAMES:
        try:
            tried.append(f"login to {normal_form(request.POST.get(name, ''))}")
        except BadAddress:
            continue
    return tried
