"""Looks before an allocation writes: who has which assignment already, and what is therefore to be done for each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.moves import COLUMNS, Row
from bursar.assignments.services.offers import Offer, Recipient
from bursar.assignments.states import State, Verb, starts
from bursar.people.selectors import Account, accounts_of


class Action(StrEnum):
    """What an allocation does for one recipient."""

    CREATE = "create"
    RENEW = "renew"
    COMPLETE = "complete"
    UNCHANGED = "unchanged"


CHARGED: Final = frozenset({Action.CREATE, Action.RENEW})


@dataclass(frozen=True, slots=True)
class Existing:
    """An assignment that is there already, with what a recipient may change about it."""

    row: Row
    key: str = field(repr=False)
    run_key: str | None

    @property
    def lms_user_id(self) -> int | None:
        """The user whose it is."""
        return self.row.lms_user_id


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be done for one recipient; `lms_user_id` and `new_address` only where they must be written."""

    recipient: Recipient
    action: Action
    existing: Existing | None = None
    lms_user_id: int | None = None
    new_address: bool = False
    same_person_as: str | None = None


@dataclass(slots=True)
class Met:
    """Whom the call has met so far, by the address key of the first recipient: assignments, and users who get one."""

    assignments: dict[UUID, str] = field(default_factory=dict)
    users: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Survey:
    """Everybody, in the order given, and the accounts known behind the addresses."""

    found: list[Found]
    accounts: dict[str, Account]

    def of(self, *actions: Action) -> list[Found]:
        """Return those for whom one of these is to be done."""
        return [item for item in self.found if item.action in actions]

    @property
    def charged(self) -> int:
        """How many will be newly charged."""
        return sum(item.action in CHARGED for item in self.found)


def survey(offer: Offer, recipients: Sequence[Recipient], *, lock: bool, met: Met | None = None) -> Survey:
    """Find what is to be done for distinct recipients, at most five statements; with `lock`, the rows stay locked.

    A person is found by the key of the address or by the user id that goes with it: one assignment per content. With
    `met`, whom earlier parts of the same call have met is met again here.
    """
    keys = [recipient.key for recipient in recipients]
    accounts = accounts_of(offer.customer, keys)
    ids = {account.lms_user_id for account in accounts.values() if account.lms_user_id is not None}
    existing = _existing(offer, keys, ids, lock=lock)
    return Survey(_decide(offer, recipients, accounts, existing, met or Met()), accounts)


def _existing(offer: Offer, keys: Sequence[str], ids: set[int], *, lock: bool) -> list[Existing]:
    everybody: QuerySet[Any] = QuerySet(LearnerContentAssignment).order_by()
    there = everybody.filter(assignment_configuration=offer.configuration, content_key=offer.content_key)
    rows = there.filter(learner_email_key__in=keys)
    if ids:  # a look by each index: for an OR of both, databases may read the whole configuration
        by_user = there.filter(lms_user_id__in=ids)
        rows = everybody.filter(
            pk__in={key for either in (rows, by_user) for key in either.values_list("pk", flat=True)}
        )
    rows = rows.order_by("pk").select_for_update() if lock else rows
    width = len(COLUMNS)
    wanted = rows.values_list(*COLUMNS, "learner_email_key", "preferred_course_run_key")
    return [Existing(Row(*values[:width]), *values[width:]) for values in wanted]


def _decide(
    offer: Offer,
    recipients: Sequence[Recipient],
    accounts: dict[str, Account],
    existing: Sequence[Existing],
    met: Met,
) -> list[Found]:
    by_key = {item.key: item for item in existing}
    by_user = {item.lms_user_id: item for item in existing if item.lms_user_id is not None}
    found = []
    for recipient in recipients:
        account = accounts.get(recipient.key)
        user = account.lms_user_id if account else None
        item = by_key.get(recipient.key) or (by_user.get(user) if user is not None else None)
        first = met.assignments.get(item.row.uuid) if item else met.users.get(user) if user is not None else None
        if first is not None:
            found.append(Found(recipient, Action.UNCHANGED, item, same_person_as=first))
            continue
        if user in by_user or user in met.users or (item and item.lms_user_id is not None):
            user = None  # taken by another assignment, or not wanted here
        if user is not None:
            met.users[user] = recipient.key
        if item is None:
            found.append(Found(recipient, Action.CREATE, lms_user_id=user))
        else:
            met.assignments[item.row.uuid] = recipient.key
            found.append(_decide_existing(offer, recipient, item, user))
    return found


def _decide_existing(offer: Offer, recipient: Recipient, item: Existing, user: int | None) -> Found:
    """Decide for somebody who has the assignment; `user` is the user id that it is to get."""
    moved = item.key != recipient.key
    if item.row.state in starts(Verb.ALLOCATE):
        return Found(recipient, Action.RENEW, item, user, moved)
    other_run = offer.run_key is not None and item.run_key != offer.run_key
    incomplete = user is not None or moved or other_run
    if item.row.state == State.ALLOCATED and item.row.redemption is None and incomplete:
        return Found(recipient, Action.COMPLETE, item, user, moved)
    return Found(recipient, Action.UNCHANGED, item, new_address=moved)
