"""What a list of people comes to before anything is kept: who gets the course, who does not and why, and what is left."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.utils.translation import gettext

from bursar.admin_portal.assign.words import said
from bursar.assignments import flows
from bursar.assignments.flows import AllocationRequest
from bursar.assignments.services import Allocation
from bursar.budgets.selectors import balance
from bursar.kernel.actor import Actor
from bursar.people.addresses import domain_of
from bursar.people.files import PeopleFile
from bursar.people.selectors import domains_at
from bursar.people.typos import meant_domain

SHOWN: Final = 25
OFTEN: Final = 3  # a domain that so many people have is no slip


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know of a row: its line, what is written there, and what is to be known of it."""

    line: int
    text: str = field(repr=False)
    words: str


@dataclass(frozen=True, slots=True)
class Check:
    """What a list comes to; money in cents of the budget's currency, `missing` 0 where there is enough."""

    done: Allocation
    faults: Sequence[Remark]
    twins: Sequence[Remark]
    hints: Sequence[Remark]
    available: int
    missing: int

    @property
    def counts(self) -> dict[str, int]:
        """How many rows come to what."""
        done = self.done
        return {
            "created": len(done.created),
            "updated": len(done.updated),
            "unchanged": len(done.unchanged),
            "twin": len(self.twins),
            "refused": len(self.faults),
        }

    @property
    def after(self) -> int:
        """What the budget has left afterwards."""
        return self.available - self.done.charged_cents

    @property
    def remarks(self) -> list[Remark]:
        """The first of what is to be looked at, by line: faults before slips before what is named again."""
        return [*self.faults, *self.hints, *self.twins][:SHOWN]

    @property
    def unsaid(self) -> int:
        """How many more remarks there are."""
        return len(self.faults) + len(self.hints) + len(self.twins) - len(self.remarks)


def check_people(request: AllocationRequest, found: PeopleFile, *, actor: Actor) -> Check:
    """Return what assigning a course to these people would come to; writes nothing, raises as `flows.plan`."""
    done, why = flows.plan(request, found.people, actor=actor)
    refused = [Remark(placed.position, placed.email, said(why.code, why.message)) for placed, why in done.refused]
    faults = [Remark(fault.line, fault.input, said(fault.code, fault.message)) for fault in found.refused]
    again = gettext("named again, first in line %(line)s")
    return Check(
        done,
        sorted([*faults, *refused], key=lambda remark: remark.line),
        [Remark(twin.line, twin.email, again % {"line": twin.of_line}) for twin in found.twins],
        list(hints(found, request.budget.customer_id)),
        balance(request.budget).available_cents,
        why.facts["missing_cents"] if why else 0,
    )


def hints(found: PeopleFile, customer: UUID) -> Iterator[Remark]:
    """Yield the people whose domain looks mistyped, with the one that seems to be meant."""
    meant = slips([person.normal for person in found.people], customer)
    for person in found.people:
        if question := meant.get(domain_of(person.normal)):
            yield Remark(person.line, person.email, question)


def slips(addresses: Sequence[str], customer: UUID) -> dict[str, str]:
    """Return the domains among these addresses that look mistyped, each with the question whether another is meant.

    Domains that many people of the customer have are none; one statement for them, none for no addresses.
    """
    if not addresses:
        return {}
    domains = Counter(map(domain_of, addresses))
    frequent = [domain for domain, rows in (domains + domains_at(customer)).most_common() if rows >= OFTEN]
    meant = {domain: meant_domain(domain, frequent) for domain in domains if domain not in frequent}
    question = gettext("did you mean %(domain)s?")
    return {domain: question % {"domain": other} for domain, other in meant.items() if other}
