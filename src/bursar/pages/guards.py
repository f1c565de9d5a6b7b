"""Who may see a page: a guard stands before every view of the portals and gives it `request.viewer`.

Without a login it leads there; at a customer one does not belong to nothing exists (404); without the permission a page
says so (403).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from bursar.kernel.errors import NotFound, Unavailable
from bursar.pages.viewer import PageRequest, Viewer, look
from bursar.people.access import Permission, standing
from bursar.people.models import Customer

P = ParamSpec("P")
View = Callable[Concatenate[PageRequest, P], HttpResponseBase]
Guarded = Callable[..., HttpResponseBase]
Allows = Callable[[Viewer], bool]
readable_or_sent: Final = require_http_methods(["GET", "HEAD", "POST"])
ADMIN: Final = "admin"
LEARNER: Final = "learner"


def admin_page(permission: Permission = Permission.MANAGE) -> Callable[[View[P]], Guarded]:
    """Guard a page of the admin portal: `/admin-portal/<slug:customer>/…`, for those with `permission` there."""
    return _guard(ADMIN, lambda viewer: viewer.may(permission))


def learner_page() -> Callable[[View[P]], Guarded]:
    """Guard a page of the learner portal: `/learn/<slug:customer>/…`, for those who may take courses there."""
    return _guard(LEARNER, lambda viewer: viewer.learns)


def _guard(portal: str, allows: Allows) -> Callable[[View[P]], Guarded]:
    def around(view: View[P]) -> Guarded:
        @wraps(view)
        def guarded(request: HttpRequest, customer: str, **arguments: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_login(request)
            viewer = look(request, customer)
            if viewer is None:
                raise Http404
            return _answer(
                cast("Callable[..., HttpResponseBase]", view), portal, allows, _seen(request, viewer), arguments
            )

        return never_cache(guarded)

    return around


def _seen(request: HttpRequest, viewer: Viewer) -> PageRequest:
    seen = cast("PageRequest", request)
    seen.viewer = viewer
    return seen


def _answer(
    view: Callable[..., HttpResponseBase], portal: str, allows: Allows, request: PageRequest, arguments: dict[str, Any]
) -> HttpResponseBase:
    request.portal = portal  # type: ignore[attr-defined]  # read by the context processor
    if not allows(request.viewer):
        return render(request, "pages/no_permission.html", status=403)
    try:
        return view(request, **arguments)
    except NotFound as error:
        raise Http404 from error
    except Unavailable:
        return render(request, "pages/unavailable.html", status=503)


def to_login(request: HttpRequest) -> HttpResponse:
    """Lead to the login, and from there back to the page; a part of a page leads the whole page there."""
    htmx = getattr(request, "htmx", None)
    if htmx:
        there = redirect_to_login(htmx.current_url_abs_path or "/", resolve_url(settings.LOGIN_URL))
        return HttpResponseClientRedirect(there.url)
    return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))


def entrance(route: str, permission: Permission) -> Guarded:
    """Return a view that leads to `route` of the first customer, by name, where the user has `permission`."""

    def enter(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_login(request)
        mine = standing(request.user.pk)
        open_to = [row for row in mine.customers if permission in mine.permissions(row.pk)]
        somewhere = open_to[0] if open_to else Customer.objects.first() if permission in mine.everywhere else None
        if somewhere is None:
            return render(request, "pages/nowhere.html", status=403)
        return redirect(route, customer=somewhere.slug)

    return never_cache(require_safe(enter))
