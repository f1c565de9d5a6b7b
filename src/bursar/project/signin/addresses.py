"""Who signs in by an address: a user, or somebody who was assigned something and becomes a user by asking for a code."""

from typing import Any

from allauth.account.models import EmailAddress

from bursar.assignments import flows
from bursar.kernel.errors import Refused
from bursar.people.keys import key_of
from bursar.people.models import Person
from bursar.people.selectors import user_with
from bursar.people.verification import profile_says_so


def active_user(address: str) -> Any | None:
    """Return the user who may sign in by this address, known to allauth by it too; None for none."""
    user = user_with(address)
    if user is None or not user.is_active:
        return None
    know(user)
    return user


def active_user_or_invited(address: str) -> Any | None:
    """Return the user as `active_user` does; a person known to a customer becomes one, without a password."""
    if user_with(address) is None:
        _make_of_person(address)
    return active_user(address)


def know(user: Any, *, verified: bool | None = None) -> None:
    """Keep for allauth what we know: the user's address, and whether it is proven to be theirs."""
    proven = profile_says_so(user) if verified is None else verified
    row, made = EmailAddress.objects.get_or_create(
        user=user, email=user.get_username(), defaults={"verified": proven, "primary": True}
    )
    if not made and row.verified != proven:
        EmailAddress.objects.filter(pk=row.pk).update(verified=proven)


def _make_of_person(address: str) -> None:
    person = Person.objects.filter(address_key=key_of(address), erased_at=None).order_by("created").first()
    if person is None:
        return
    try:
        flows.create_account(person.email, password=None, verified=False, name=person.name)
    except Refused:  # somebody else asked at the same moment
        return
