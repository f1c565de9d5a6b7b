"""Who reaches staff pages, under which policy and in which language; where their app list comes from."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final, Never

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from unfold.sites import UnfoldAdminSite

from bursar.staff.policy import HEADER, POLICY
from bursar.staff.titles import TABLES, table_name

View = Callable[..., Any]
AREAS: Final = (
    "bursar_people",
    "content_assignments",
    "bursar_budgets",
    "bursar_catalog",
    "bursar_outbox",
    "bursar_webhooks",
    "bursar_api",
    "admin",
)


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold brings no types
    """Django's admin, with the login of the site and no page that changes a row directly.

    Its pages are in English, like the command line and whatever else is for those who run the service.
    """

    index_title = "For staff"
    enable_nav_sidebar = True

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Guard a view as Django does, and let it answer in English and under the policy of these pages."""
        guarded = super().admin_view(view, cacheable)

        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if _holds_nul(request):
                raise BadRequest
            request.current_app = self.name  # by which templates find our pages beside a host's
            with translation.override("en"):
                response: Any = guarded(request, *args, **kwargs)
                if hasattr(response, "render"):
                    response = response.render()
            response.headers.setdefault(HEADER, POLICY)
            return response  # type: ignore[no-any-return]

        return answer

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002
        """Lead to the login of the site, which limits tries and asks for second factors; refuse who has no business here."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or request.path.removesuffix("login/"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002
        """End the session, and lead to the start page."""
        logout(request)
        return redirect(settings.LOGOUT_REDIRECT_URL or "/")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Never:  # noqa: ARG002
        """There is none: passwords are changed where every other user changes theirs."""
        raise Http404

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Never:  # noqa: ARG002
        """There is none over all tables: each list has its own, which goes by an index."""
        raise Http404

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Return the apps as people look for them."""
        found: list[dict[str, Any]] = super().get_app_list(request, app_label)
        for app in found:
            for table in app["models"]:
                table["name"] = table_name(table["model"])
            app["models"].sort(key=lambda table: _place(table["model"]._meta.label, tuple(TABLES)))
        return sorted(found, key=lambda app: _place(app["app_label"], AREAS))


def _holds_nul(request: HttpRequest) -> bool:
    """Tell whether an address holds a character that PostgreSQL takes in no text."""
    asked = (text for name, values in request.GET.lists() for text in (name, *values))
    return "\0" in request.path_info or any("\0" in text for text in asked)


def _place(name: str, names: Sequence[str]) -> int:
    return names.index(name) if name in names else len(names)


site = StaffSite("staff")
