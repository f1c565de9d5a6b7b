"""The pages of the settings, as tabs: those are offered that the viewer may look at."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy

from bursar.pages.shapes import Tab
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

PAGES: Final = (
    ("settings_texts", gettext_lazy("Message texts"), Permission.NOTIFY),
    ("settings_reminders", gettext_lazy("Reminders"), Permission.NOTIFY),
    ("settings_roles", gettext_lazy("Roles"), Permission.ADMINISTER),
    ("settings_tokens", gettext_lazy("API tokens"), Permission.ADMINISTER),
    ("settings_webhooks", gettext_lazy("Webhooks"), Permission.NOTIFY),
    ("settings_audit", gettext_lazy("Audit"), Permission.ADMINISTER),
)
REFUSED: Final = 409
NOT_READ: Final = 422


def address(request: PageRequest, route: str, **where: Any) -> str:
    """Return where a page of the settings of this customer is."""
    return reverse(f"admin_portal:{route}", kwargs={"customer": request.viewer.customer.slug, **where})


def go(request: PageRequest, route: str, **where: Any) -> HttpResponse:
    """Lead to a page of the settings, after something was done."""
    return redirect(address(request, route, **where))


def show(
    request: PageRequest, page: str, template: str, context: dict[str, Any], *, status: int | None = None
) -> HttpResponse:
    """Show a page of the settings below the tabs, of which `page` is the one that is open."""
    viewer = request.viewer
    tabs = [
        Tab(str(label), address(request, name), current=name == page)
        for name, label, permission in PAGES
        if viewer.may(permission)
    ]
    facts = {"section": "settings", "tabs": tabs, **context}
    return render(request, f"admin_portal/settings/{template}", facts, status=status)
