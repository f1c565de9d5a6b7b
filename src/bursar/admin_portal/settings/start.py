"""The way into the settings: the first of their pages."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from bursar.admin_portal.settings.places import PAGES, go
from bursar.pages.guards import admin_page
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission


@require_safe
@admin_page(Permission.MANAGE)
def settings(request: PageRequest) -> HttpResponse:
    """Lead to the first page."""
    return go(request, PAGES[0][0])
