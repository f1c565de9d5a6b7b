"""Forgetting people: what the deadlines demand, and on request; in the database, in kept mails and in its files."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from bursar.assignments import services
from bursar.assignments.events import Act, EventType, HistoryReason
from bursar.assignments.flows.notices import forget_copies, forget_digests_of
from bursar.assignments.models import (
    AllocationChunk,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
    LearnerReply,
    PlanPart,
)
from bursar.assignments.selectors import (
    assignments_of_person,
    due_to_scrub,
    orphaned_persons,
    persons_after,
    persons_behind,
    persons_like,
)
from bursar.assignments.services.chunked import Progress
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.backends import backend
from bursar.kernel.batching import chunks
from bursar.kernel.errors import NotFound
from bursar.kernel.storage import purge_residue
from bursar.kernel.transactions import refuse_transaction, writes
from bursar.outbox import pulses
from bursar.people.access import Permission, customers
from bursar.people.auditing import About, record_act
from bursar.people.models import Mailbox, Person, Unsubscription
from bursar.people.services import erase_persons, forget_manager
from bursar.ports.mail import MailPort
from bursar.webhooks.services import Fact, record_events

PERSONS: Final = "persons"
REWRITING: Final = "rewrite"
REWRITTEN_EVERY: Final = timedelta(hours=1)
TABLES: Final = (
    LearnerContentAssignment,
    LearnerContentAssignment.history.model,
    LearnerContentAssignmentAction,
    LearnerContentAssignmentAction.history.model,
    LearnerReply,
    AllocationChunk,
    PlanPart,
    Person,
    Mailbox,
    Unsubscription,
)


def scrub_due(*, actor: Actor, progress: Progress | None = None) -> int:
    """Remove the personal data whose time has come, however their mails fared; returns of how many assignments."""
    scrubbed = 0
    while keys := due_to_scrub():
        done = forget(keys, actor=actor, reason=HistoryReason.SCRUBBED, ended_only=True)
        if not done:
            break  # somebody else is at them, or `actor` may not
        scrubbed += done
        if progress:
            progress(done)
    erased = _forget_orphans()
    lapsed = services.lapse_plans()
    forget_copies()
    if scrubbed or erased or lapsed:
        purge_residue(TABLES, rewrite=pulses.take(REWRITING, lasting=REWRITTEN_EVERY))
    return scrubbed


def _forget_orphans() -> int:
    """Erase persons whom nothing shows any more, a page of all persons at a time; returns how many."""
    erased = 0

    def page(after: UUID | None) -> UUID | None:
        nonlocal erased
        until = persons_after(after)
        orphans = orphaned_persons(after, until)
        erased += _erase(orphans) if orphans else 0
        _forget_mails(orphans)
        return until

    services.sweep_on(PERSONS, page)
    return erased


def forget(keys: Sequence[UUID], *, actor: Actor, reason: HistoryReason, ended_only: bool = False) -> int:
    """Remove the personal data of these assignments, kept mails first and last: one may be on its way meanwhile."""
    refuse_transaction()
    port: MailPort = backend("mail_port")
    done = 0
    for part in chunks(keys):
        about = [*part, *persons_behind(part)]  # a digest is about the person
        port.forget_many(about)
        done += len(services.retire_many(part, actor=actor, reason=reason, ended_only=ended_only).done)
        port.forget_many(about)
    return done


def erase_person(person: Person, *, actor: Actor) -> int:
    """Erase one person at once, accepted assignments included; returns of how many assignments the address went.

    Whoever has had several addresses goes with all of them: it is one person, by the user id. Raises `NotFound` for a
    person whom the actor may not manage. Ids, money and dates stay; large allocations that are still being filled leave
    the person out, and plans of the customer that are open end.
    """
    allowed = customers(actor, Permission.MANAGE)
    if allowed is not None and person.customer_id not in allowed:
        raise NotFound("There is no such person here.")
    services.withdraw_plans(person.customer_id)
    persons = persons_like(person)
    for one in persons:
        services.leave_out(one.customer_id, one.address_key)
        _forget_manager(one.customer_id, one.address_key)
    keys = assignments_of_person(person)
    done = forget(keys, actor=actor, reason=HistoryReason.ERASED)
    _erase_on_request(persons, keys, actor)
    _forget_mails([one.pk for one in persons])
    forget_digests_of(person.customer_id)
    purge_residue(TABLES)
    return done


def _forget_mails(persons: Sequence[UUID]) -> None:
    """Remove the kept digests of these persons."""
    port: MailPort = backend("mail_port")
    for part in chunks(persons):
        port.forget_many(part)


@writes
def _forget_manager(customer: UUID, key: str) -> None:
    forget_manager(customer, key)


@writes
def _erase(persons: Sequence[UUID]) -> int:
    return erase_persons(persons)


@writes
def _erase_on_request(persons: Sequence[Person], assignments: Sequence[UUID], actor: Actor) -> None:
    """Erase, and let other systems know by the assignments, the only ids they have, whom they are to forget."""
    asked = persons[0]
    if erase_persons([one.pk for one in persons]) or assignments:  # some may have gone with the last of the second
        named = [str(key) for key in assignments]
        told = [Fact(one.customer_id, one.pk, {"person": str(one.pk), "assignments": named}) for one in persons]
        record_events(EventType.PERSON_ERASED, told, at=clock.now())
        record_act(actor, Act.FORGOTTEN, asked.customer_id, About(asked.pk), count=len(assignments))
