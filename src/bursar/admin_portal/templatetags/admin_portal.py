"""What the navigation of the admin portal counts: requests of learners that wait for an answer."""

from typing import Final

from django import template

from bursar.assignments.replies import waiting_at
from bursar.pages.viewer import Viewer

register: Final = template.Library()
COUNTED_AT_MOST: Final = 99


@register.simple_tag
def waiting_requests(viewer: Viewer | None) -> str:
    """Return how many requests wait at the customer, "" for none; one statement, none for operators, who are everywhere."""
    if viewer is None or viewer.standing.everywhere:
        return ""
    found = waiting_at(viewer.customer.pk).order_by()[: COUNTED_AT_MOST + 1].count()
    return f"{COUNTED_AT_MOST}+" if found > COUNTED_AT_MOST else str(found or "")
