"""Reminding by policy: what is due now, chunk by chunk.

Each open assignment carries when its customer's rules ask again (`next_reminder_at`), so an idle tick costs one seek in
an index however much there has been: nothing is asked about what is not due. New assignments, new terms and new rules set
it to "at once"; looking sets it to the next step, or to nothing.
"""

from bursar.assignments import services
from bursar.assignments.services.chunked import Progress
from bursar.assignments.services.steps import Looked
from bursar.assignments.wishes import configurations_of, due_to_look_at, reminding_customers
from bursar.kernel import clock
from bursar.kernel.conf import setting


def remind_due(*, progress: Progress | None = None) -> int:
    """Take every reminder step that is due and leave its mail in the outbox; returns how many mails.

    A chunk is one transaction; twice at once, or after a kill anywhere, nobody is reminded twice of one step.
    """
    customers = reminding_customers()
    for customer, unapplied in customers.items():
        if unapplied:
            services.apply_policy(customer)
    configurations = configurations_of(customers) if customers else {}
    mails = 0
    while configurations:
        due = due_to_look_at(configurations, clock.now(), setting("chunk_size"))
        looked = [services.remind_people(customer, keys) for customer, keys in sorted(due.items())]
        mails += sum(part.mails for part in looked)
        done = _count(looked)
        if not done:
            break  # nothing is due, or somebody else is at it
        if progress:
            progress(done)
    return mails


def _count(looked: list[Looked]) -> int:
    return sum(part.assignments for part in looked)
