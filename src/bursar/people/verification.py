"""Whether the address of a user is proven to be theirs; a host project names a function of its own in its place."""

from typing import Any

from bursar.people.keys import key_of
from bursar.people.models import Profile
from bursar.people.selectors import address_of


def profile_says_so(user: Any) -> bool:
    """Tell whether the user's profile holds a proof for exactly the address that the user has now."""
    address = address_of(user)
    if not address:
        return False
    return Profile.objects.filter(user_id=user.pk, verified_key=key_of(address)).exists()
