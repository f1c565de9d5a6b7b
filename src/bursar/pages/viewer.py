"""Who looks at a page: the actor, the customer, what they may do there, and their language and time zone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Final

from django.conf import settings
from django.db.models import Case, When
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils import timezone, translation
from django_htmx.middleware import HtmxDetails

from bursar.kernel.actor import Actor
from bursar.pages.zones import reader_zone
from bursar.people.access import Permission, Standing, standing
from bursar.people.models import Customer
from bursar.people.selectors import Reader, reader_of

OFFERED_TO_OPERATORS: Final = 20


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks. `others` are the customers that the head of the page offers, this one among them."""

    actor: Actor
    customer: Customer
    permissions: frozenset[Permission]
    others: Sequence[Customer]
    zone: tzinfo
    language: str
    standing: Standing = field(default_factory=Standing, repr=False)

    def may(self, permission: Permission) -> bool:
        """Tell whether they have a permission at this customer."""
        return permission in self.permissions

    @property
    def assigns(self) -> bool:
        """Whether the admin portal is open to them here."""
        return Permission.MANAGE in self.permissions

    @property
    def learns(self) -> bool:
        """Whether they may take courses here and have an id by which theirs are found."""
        return Permission.LEARN in self.permissions and self.actor.lms_user_id is not None


class PageRequest(HttpRequest):
    """A request that a guard of `bursar.pages.guards` has let through."""

    viewer: Viewer
    htmx: HtmxDetails


def look(request: HttpRequest, slug: str) -> Viewer | None:
    """Return the user of the session as a viewer of the customer with this slug; None where they do not belong.

    Also makes their language and time zone the active ones. At most three statements: the memberships, how they are
    known, and for operators the customers that are offered.
    """
    user: Any = request.user
    mine = standing(user.pk)
    offered = list(mine.customers) if not mine.everywhere else _offered(slug)
    customer = next((row for row in offered if row.slug == slug), None)
    if customer is None:
        return None
    known = reader_of(user.pk, customer.pk)
    zone, language = speak_to(request, known, customer)
    return Viewer(
        actor=Actor("person", f"user {user.pk}", user.pk, known.lms_user_id),
        customer=customer,
        permissions=mine.permissions(customer.pk),
        others=offered,
        zone=zone,
        language=language,
        standing=mine,
    )


def speak_to(request: HttpRequest, known: Reader, customer: Customer) -> tuple[tzinfo, str]:
    """Make the time zone and the language of a reader at a customer the active ones, and return them."""
    zone, language = reader_zone(request, known.time_zone, customer.time_zone), _language(request, known, customer)
    timezone.activate(zone)
    translation.activate(language)
    return zone, language


def _offered(slug: str) -> list[Customer]:
    """Return the first customers by name, and the one that is asked for wherever it comes."""
    asked_for_first = Case(When(slug=slug, then=0), default=1)
    rows = Customer.objects.order_by(asked_for_first, Lower("name"), "uuid")[:OFFERED_TO_OPERATORS]
    return sorted(rows, key=lambda customer: (customer.name.lower(), str(customer.pk)))


def _language(request: HttpRequest, known: Reader, customer: Customer) -> str:
    """Return the language: the one chosen here, else the one noted of them, else the browser's, else the customer's."""
    wishes = [request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""), known.language]
    if not request.headers.get("Accept-Language"):
        wishes.append(customer.language)
    found = (supported(wish) for wish in wishes)
    return next(filter(None, found), translation.get_language() or settings.LANGUAGE_CODE)


def supported(language: str) -> str:
    """Return the language of ours that serves for this code, or ""."""
    try:
        return translation.get_supported_language_variant(language) if language else ""
    except LookupError:
        return ""
