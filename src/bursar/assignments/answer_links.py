"""Opening the links by which learners answer without an account: whose they are, and whether they still hold."""

from dataclasses import dataclass, field
from enum import StrEnum

from bursar.assignments.models import LearnerContentAssignment
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.people.answer_tokens import Purpose, claim_of
from bursar.people.models import Customer, Person, Role


class Over(StrEnum):
    """Why a link of ours does not hold any more."""

    RENEWED = "renewed"  # the course was assigned anew since, with links of its own
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to. `over` says why nothing may be done by it any more, None where it holds."""

    purpose: Purpose
    cycle: int
    assignment: LearnerContentAssignment
    customer: Customer
    person: Person | None = field(repr=False)
    over: Over | None = None

    @property
    def actor(self) -> Actor:
        """Whoever has the link: somebody who may learn at this customer, and do nothing else."""
        return Actor("person", "signed link", roles=(f"{Role.LEARNER}:{self.customer.pk}",))


def open_link(token: str) -> Opened | None:
    """Return what a link leads to, or None for one that is not ours, or whose address is forgotten; three statements."""
    claim = claim_of(token)
    if claim is None:
        return None
    rows = LearnerContentAssignment.objects.select_related("assignment_configuration")
    assignment = rows.filter(pk=claim.assignment, assignment_configuration__isnull=False).first()
    if assignment is None or assignment.address_scrubbed_at or not claim.proves(assignment.learner_email_key):
        return None
    customer = Customer.objects.filter(pk=assignment.assignment_configuration.enterprise_customer_uuid).first()  # type: ignore[union-attr]
    if customer is None:
        return None
    person = Person.objects.filter(customer=customer, address_key=assignment.learner_email_key).first()
    late = Over.LATE if claim.until <= clock.now() else None
    over = Over.RENEWED if claim.cycle != assignment.cycle else late
    return Opened(claim.purpose, claim.cycle, assignment, customer, person, over)
