"""For whom a learner's route answers: everybody reads and redeems for themselves, admins read for others, operators redeem.

A learner who names somebody else gets 403, not an answer about themselves: that would show one person's courses under
the name of another. The learner portal names nobody but the caller, so it never meets this.
"""

from typing import Final
from uuid import UUID

from ninja.errors import ValidationError

from bursar.api.openedx import scope
from bursar.assignments.flows import Learner
from bursar.kernel.actor import Actor
from bursar.people.access import Permission, customers
from bursar.people.selectors import belongs

REDEEM: Final = "MISSING: subsidy_access_policy.has_redemption_access"


def learner_named(actor: Actor, customer: UUID | None, lms_user_id: int, *, others: Permission) -> Learner:
    """Return the learner with this id: the caller, or anybody for who has the permission `others`; else answers 403."""
    is_caller = lms_user_id == actor.lms_user_id
    scope.require(actor, Permission.LEARN if is_caller else others, customer, REDEEM)
    assert customer is not None  # answered above
    return Learner(customer, lms_user_id, known=is_caller or belongs(customer, lms_user_id))


def learner_asking(actor: Actor, customer: UUID, lms_user_id: int | None) -> Learner:
    """Return the caller; whom else the caller names counts for admins alone, for others it is not looked at (wire 2.5)."""
    if lms_user_id is not None and lms_user_id != actor.lms_user_id:
        allowed = customers(actor, Permission.MANAGE)
        if allowed is None or customer in allowed:
            return Learner(customer, lms_user_id, known=belongs(customer, lms_user_id))
    scope.require(actor, Permission.LEARN, customer, REDEEM)
    if actor.lms_user_id is None:
        raise ValidationError([{"type": "missing", "loc": ("query", "lms_user_id"), "msg": ""}])
    return Learner(customer, actor.lms_user_id)
