"""Users: when one with a verified address appears, what was assigned to that address becomes theirs."""

import logging
from typing import Any

from bursar.assignments import services
from bursar.kernel.backends import backend
from bursar.kernel.errors import BadInput, Refused
from bursar.kernel.transactions import one_commit
from bursar.people.jwts import Newcomer
from bursar.people.services import create_user, mark_verified

logger = logging.getLogger(__name__)


def create_account(
    email: str, *, password: str | None, lms_user_id: int | None = None, verified: bool = True, name: str = ""
) -> Any:
    """Make a user with a profile, and link what is assigned to the address if it is verified; errors of `create_user`."""
    user = create_user(email, password=password, lms_user_id=lms_user_id, verified=verified, name=name)
    link_user(user)
    return user


def welcome(newcomer: Newcomer) -> None:
    """Make an account for somebody of the learning platform, so that what is assigned to their address is theirs.

    One whose address or id is taken, or whose address is none here, goes on without: they are who the platform says,
    and an operator can sort the account out (`bursar user`).
    """
    try:
        create_account(newcomer.email, password=None, lms_user_id=newcomer.lms_user_id, name=newcomer.name)
    except (Refused, BadInput) as error:
        logger.warning("no account for learner %s: %s", newcomer.lms_user_id, error.code)


def verify_address(user: Any) -> int:
    """Note that the user's present address is proven to be theirs, and link; returns how many assignments."""
    mark_verified(user)
    return link_user(user)


def link_user(user: Any) -> int:
    """Link what is assigned to the user's address, if the setting `address_verifier` finds it verified."""
    if not backend("address_verifier")(user):
        return 0
    with one_commit():  # not durable: a host project saves its users inside transactions of its own
        return services.link_assignments(user)
