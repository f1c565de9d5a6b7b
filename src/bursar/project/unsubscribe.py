"""The page on which somebody unsubscribes from reminders: one POST, without cookies or a login; reading changes nothing."""

from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from bursar.assignments.selectors import address_behind
from bursar.kernel.errors import Unavailable
from bursar.pages.guards import readable_or_sent
from bursar.people.mail_tokens import owner_of
from bursar.people.models import Customer
from bursar.people.suppression import has_unsubscribed, resubscribe, unsubscribe
from bursar.project.errors import UNAVAILABLE, answer

UNDO: Final = "resubscribe"
PRIVATE: Final = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


@csrf_exempt  # whoever has the link may use it: mail providers post it for their users (RFC 8058), without cookies
@never_cache
@readable_or_sent
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the link does; on POST do it, or undo it if the page's own form asks for that."""
    owner = owner_of(token)
    customer = Customer.objects.filter(pk=owner[0]).first() if owner else None
    if owner is None or customer is None:
        raise Http404
    try:
        if request.method == "POST":
            _act(request, *owner)
        response = render(request, "project/unsubscribe.html", _facts(customer, owner[1]))
    except Unavailable:
        response = answer(request, UNAVAILABLE)
    for name, value in PRIVATE.items():
        response.headers[name] = value
    return response


def masked(address: str) -> str:
    """Return an address such that its owner knows it again and nobody else gets to know it."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if local else ""


def _act(request: HttpRequest, customer: UUID, key: str) -> None:
    if request.POST.get("do") == UNDO and "List-Unsubscribe" not in request.POST:
        resubscribe(customer, key)
    else:
        unsubscribe(customer, key)


def _facts(customer: Customer, key: str) -> dict[str, Any]:
    return {
        "organisation": customer.name,
        "address": masked(address_behind(customer.pk, key)),
        "unsubscribed": has_unsubscribed(customer.pk, key),
        "undo": UNDO,
    }
