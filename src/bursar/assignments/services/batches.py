"""Large allocations: reserve the whole amount, fill in chunks, give back what duplicates and refusals left over.

At every commit the budget holds exactly its open assignments and the holds of unfinished batches, so that a fill killed
anywhere is taken up by anybody, and two fillers at once do each chunk once.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F

from bursar.assignments.models import AllocationBatch, AllocationChunk, AssignmentConfiguration
from bursar.assignments.models.batches import BatchState
from bursar.assignments.policy import Code, refusal, refuse_amount
from bursar.assignments.services.allocate import (
    NAMES,
    allocate_inline,
    counts_of,
    keep_results,
    money_left,
    note_allocation,
    place,
    refused_for_money,
    report,
    results_of,
)
from bursar.assignments.services.chunked import Progress
from bursar.assignments.services.fanout import owe_fan_out, owe_filling
from bursar.assignments.services.link import link_newcomers
from bursar.assignments.services.offers import PLAIN, Allocation, Call, Offer, Placed, Planned, Recipient, distinct
from bursar.assignments.services.planned import drop_strays, refuse_strays, take_plan, use_plan
from bursar.assignments.services.survey import CHARGED, Met, Survey, survey
from bursar.budgets.models import Budget
from bursar.budgets.services import Change, OverBudget, move_money
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.bulk import insert_rows
from bursar.kernel.conf import setting
from bursar.kernel.errors import NotFound, Refused
from bursar.kernel.results import Refusal
from bursar.kernel.transactions import writes
from bursar.people.access import Permission, require
from bursar.people.services import Known

KNOWN = tuple(field.name for field in fields(Known))


def allocate_many(
    offer: Offer,
    recipients: Sequence[Recipient],
    *,
    actor: Actor,
    progress: Progress | None = None,
    call: Call = PLAIN,
) -> Allocation:
    """Allocate to everybody, or, when the money does not suffice, to nobody (raises `Refused`, with what is missing).

    Up to `inline_limit` people are one transaction. More are reserved at once and filled by chunks; if this process
    dies in between, `tick` fills the rest. `progress` is called with the number of people done. What `call` leaves to
    a worker is answered with the batch alone.
    """
    people = distinct(recipients)
    if len(people) <= setting("inline_limit"):
        done = allocate_inline(offer, people, actor=actor, call=call)
        if done.batch:
            link_newcomers(done.batch)
        if progress:
            progress(len(people))
        return done
    batch = open_batch(offer, people, actor=actor, call=call)
    if call.later:
        return Allocation(batch=batch)
    fill_batch(batch, progress=progress)
    return batch_report(batch, people)


def open_batch(offer: Offer, people: Sequence[Recipient], *, actor: Actor, call: Call = PLAIN) -> UUID:
    """Reserve what the newly charged among distinct people cost, and keep who they are; returns the batch's uuid.

    All the addresses of one person are in one chunk, which then decides about them together.
    """
    require(actor, Permission.ALLOCATE, offer.customer)
    persons: dict[str, list[Recipient]] = {}
    charged, met = 0, Met()
    for part in chunks(people):
        seen = survey(offer, part, lock=False, met=met)
        refuse_strays(seen.found)
        charged += seen.charged
        for item in seen.found:
            persons.setdefault(item.same_person_as or item.recipient.key, []).append(item.recipient)
    parts = [[recipient for person in part for recipient in person] for part in chunks(persons.values())]
    needed = charged * offer.price_cents
    why = refuse_amount(money_left(offer.budget), needed)
    if why is not None:
        raise Refused(why.message, code=why.code, **why.facts)
    try:
        return _reserve(offer, parts, needed, actor, call)
    except OverBudget as error:
        raise refused_for_money(offer, error) from error


@writes
def _reserve(offer: Offer, parts: Sequence[Sequence[Recipient]], needed: int, actor: Actor, call: Call) -> UUID:
    take_plan(call.plan)
    batch = AllocationBatch.objects.create(
        uuid=uuid4(), configuration_id=offer.configuration, hold_cents=needed, people=sum(map(len, parts)),
        terms={"offer": offer.as_json(), "actor": actor.as_json()}, **counts_of(call.rest),
    )  # fmt: skip
    waiting = [(place, [_as_json(person) for person in part]) for place, part in enumerate(parts)]
    insert_rows(AllocationChunk, ("position", "people"), waiting, {"batch_id": batch.pk})
    if call.rest is not None:
        keep_results(batch.pk, (), call.rest, behind=len(parts))
    use_plan(call.plan, batch.pk)
    note_allocation(offer, batch.pk, actor, count=batch.people)
    if call.later:
        owe_filling(batch.pk, customer=offer.customer)
    move_money({offer.budget: Change(held_cents=needed)})
    return batch.uuid


def _as_json(person: Recipient) -> dict[str, Any]:
    known = {name: value for name in KNOWN if (value := getattr(person.known, name))}
    planned = person.planned and [person.planned.action, person.planned.assignment and str(person.planned.assignment)]
    return {"position": person.position, **known} | ({"planned": planned} if planned else {})


def _from_json(data: dict[str, Any]) -> Recipient:
    known = {name: data[name] for name in KNOWN if name in data}
    action, assignment = data.get("planned", (None, None))
    planned = Planned(action, assignment and UUID(assignment)) if action else None
    return Recipient(data["position"], Known(**known), planned)


def fill_batch(batch: UUID, *, progress: Progress | None = None) -> None:
    """Fill every chunk that is not filled yet, then settle; safe to call again, and from several places at once."""
    row = AllocationBatch.objects.filter(pk=batch).first()
    if row is None:
        raise NotFound("There is no such allocation.")
    waiting = AllocationChunk.objects.filter(batch=batch, results__isnull=True).order_by("position")
    for position in list(waiting.values_list("position", flat=True)):
        try:
            filled = _fill_chunk(batch, position)
        except OverBudget:  # what the budget had beyond the hold is gone since we looked
            filled = _fill_chunk(batch, position, beyond_hold=False)
        if progress:
            progress(filled)
    _settle(batch)
    link_newcomers(batch)


@writes
def _fill_chunk(batch_key: UUID, position: int, *, beyond_hold: bool = True) -> int:
    """Fill one chunk unless somebody else has; the lock on the batch's row keeps a second filler out."""
    batch = AllocationBatch.objects.select_for_update().get(pk=batch_key)
    chunk = AllocationChunk.objects.get(batch=batch, position=position)
    if chunk.people is None or batch.state != BatchState.FILLING:
        return 0
    offer, actor = Offer.from_json(batch.terms["offer"]), Actor.from_json(batch.terms["actor"])
    people = [_from_json(item) for item in chunk.people]
    seen = survey(offer, people, lock=True)
    short = drop_strays(seen) + _drop_unaffordable(offer, seen, batch.hold_cents, beyond_hold=beyond_hold)
    charged = seen.charged * offer.price_cents
    from_hold = min(charged, batch.hold_cents)
    done = report(offer, seen, place(offer, seen, batch=batch.pk, actor=actor, tell=False), seen.charged)
    AllocationChunk.objects.filter(pk=chunk.pk).update(people=None, results=results_of(done, short))
    AllocationBatch.objects.filter(pk=batch.pk).update(
        hold_cents=F("hold_cents") - from_hold,
        charged_cents=F("charged_cents") + charged,
        created_count=F("created_count") + len(done.created),
        updated_count=F("updated_count") + len(done.updated),
        unchanged_count=F("unchanged_count") + len(done.unchanged),
        refused_count=F("refused_count") + len(short),
        modified=clock.now(),
    )
    if done.created or done.updated:
        owe_fan_out(batch.pk, position, customer=offer.customer)
    move_money({offer.budget: Change(held_cents=charged - from_hold)})
    return len(people)


def _drop_unaffordable(offer: Offer, seen: Survey, hold_cents: int, *, beyond_hold: bool) -> list[tuple[int, Refusal]]:
    """Leave out whom neither the hold nor the budget can pay: people freed again after the amount was reserved."""
    if seen.charged * offer.price_cents <= hold_cents:
        return []
    usable = Budget.objects.get(pk=offer.budget).usable
    left = money_left(offer.budget).cents if usable and beyond_hold else 0
    charged = [item for item in seen.found if item.action in CHARGED]
    dropped = charged[(hold_cents + left) // offer.price_cents :]
    gone = {item.recipient.key for item in dropped}
    dropped += [item for item in seen.found if item.same_person_as in gone]
    seen.found = [item for item in seen.found if item not in dropped]
    why = refusal(Code.POLICY_SPEND_LIMIT_REACHED if usable else Code.POLICY_EXPIRED)
    return [(item.recipient.position, why) for item in dropped]


@writes
def _settle(batch_key: UUID) -> None:
    """Give back what is left of the hold, once every chunk is filled."""
    batch = AllocationBatch.objects.select_for_update().get(pk=batch_key)
    if batch.state != BatchState.FILLING or batch.chunks.filter(results__isnull=True).exists():
        return
    offer = Offer.from_json(batch.terms["offer"])
    AllocationBatch.objects.filter(pk=batch.pk).update(state=BatchState.DONE, hold_cents=0, modified=clock.now())
    move_money({offer.budget: Change(held_cents=-batch.hold_cents)})


def batch_report(batch: UUID, people: Sequence[Recipient]) -> Allocation:
    """Return what a batch has done so far for the people of its call; addresses come from the caller, none are kept."""
    emails = {person.position: person.known.email for person in people}
    row = AllocationBatch.objects.get(pk=batch)
    done = Allocation(batch=batch, charged_cents=row.charged_cents)
    for results in row.chunks.filter(results__isnull=False).order_by("position").values_list("results", flat=True):
        if results is None:
            continue  # excluded by the query
        for name in NAMES:
            getattr(done, name).extend(Placed(at, emails[at], UUID(uuid)) for at, uuid in results.get(name, ()))
        refused = results.get("refused", ())
        done.refused += [(Placed(at, emails[at]), Refusal(code, words)) for at, code, words in refused]
    return done


def unfinished_batches() -> list[UUID]:
    """Return the batches that nobody has filled for as long as a lease lasts, oldest first."""
    stale = clock.now() - setting("mail_lease")
    rows = AllocationBatch.objects.filter(state=BatchState.FILLING, modified__lte=stale)
    return list(rows.order_by("created").values_list("pk", flat=True))


@writes
def leave_out(customer: UUID, address_key: str) -> int:
    """Take a person out of what a customer's allocations have not filled yet; returns in how many places.

    What was reserved for them is given back when the allocation is settled.
    """
    mine = AssignmentConfiguration.objects.filter(enterprise_customer_uuid=customer).values("pk")
    filling = AllocationBatch.objects.filter(state=BatchState.FILLING, configuration__in=mine)
    batches = list(filling.select_for_update().order_by("pk").values_list("pk", flat=True))
    left_out = 0
    for chunk in AllocationChunk.objects.filter(batch__in=batches, people__isnull=False).iterator(1):
        kept = [person for person in chunk.people or [] if person["key"] != address_key]
        if len(kept) < len(chunk.people or []):
            AllocationChunk.objects.filter(pk=chunk.pk).update(people=kept)
            left_out += 1
    return left_out
