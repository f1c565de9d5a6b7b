"""Who acts on staff pages: the user, with what `people.access` gives them; superusers may do what operators may."""

from typing import Any, Final

from django.http import HttpRequest

from bursar.kernel.actor import Actor
from bursar.people.access import Permission, customers
from bursar.people.models import Role

EVERYWHERE: Final = f"{Role.OPERATOR}:*"


def actor_of(request: HttpRequest) -> Actor:
    """Return the user as verbs know them."""
    user: Any = request.user
    roles = (EVERYWHERE,) if user.is_superuser else ()
    return Actor("person", f"user {user.pk}", user.pk, roles=roles)


def may_act(request: HttpRequest) -> bool:
    """Tell whether they may change anything at every customer, as the pages show all of them; at most one statement."""
    known: Any = request
    if not hasattr(known, "staff_may_act"):
        known.staff_may_act = customers(actor_of(request), Permission.CONFIGURE) is None
    return bool(known.staff_may_act)
