"""What the tests of the verbs do and look at, in their words."""

from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from bursar.assignments import flows, jobs, services
from bursar.assignments.events import TOPIC_FAN_OUT
from bursar.assignments.flows import AllocationRequest
from bursar.assignments.models import AssignmentCounts, LearnerContentAssignment
from bursar.assignments.services import RedemptionRequest
from bursar.budgets.models import LedgerEntry, Transaction
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import Refused
from bursar.outbox.models import Message
from bursar.outbox.services import claim_due
from bursar.testing.factories import COURSE, make_people, reload

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BOOKKEEPING = ("django_", "auth_", "sqlite_")


@contextmanager
def later(span):
    """Let `span` pass for the block."""
    with clock.at(clock.now() + span):
        yield


def request_for(budget, content=COURSE, *, run=None, price=None):
    return AllocationRequest(reload(budget), content, run, price)


def allocate(budget, people=1, content=COURSE, *, run=None, price=None, actor=CONSOLE, progress=None):
    rows = make_people(people) if people == [] or isinstance(people, int) or isinstance(people[0], str) else people
    return flows.allocate(request_for(budget, content, run=run, price=price), rows, actor=actor, progress=progress)


def plan(budget, people=1, content=COURSE, *, run=None, price=None, actor=CONSOLE):
    rows = make_people(people) if isinstance(people, int) or isinstance(people[0], str) else people
    return flows.plan(request_for(budget, content, run=run, price=price), rows, actor=actor)


def assigned(budget, people=1, content=COURSE, **how):
    """Allocate, and return the assignments in the order of the people."""
    done = allocate(budget, people, content, **how)
    placed = sorted([*done.created, *done.updated, *done.unchanged], key=lambda item: item.position)
    rows = LearnerContentAssignment.objects.in_bulk([item.assignment for item in placed])
    return [rows[item.assignment] for item in placed]


def accepted(budget, people=1, content=COURSE, **how):
    """Allocate and accept, and return the assignments."""
    return fresh(accept(assigned(budget, people, content, **how)))


def accept(rows, *, actor=CONSOLE):
    flows.redeem_many([RedemptionRequest(row.pk) for row in rows], actor=actor)
    return rows


def redeem(row, *, run=None, by=None, actor=CONSOLE):
    """Ask to accept one assignment and return its transaction, or the code of the refusal."""
    answer = flows.redeem_many([RedemptionRequest(row.pk, run, by)], actor=actor)
    assert answer.done.keys() | answer.refused.keys() == {row.pk}
    return answer.done[row.pk] if row.pk in answer.done else answer.refused[row.pk].code


def fresh(rows):
    """Return the same assignments as they stand now."""
    if isinstance(rows, LearnerContentAssignment):
        return LearnerContentAssignment.objects.get(pk=rows.pk)
    found = LearnerContentAssignment.objects.in_bulk([row.pk for row in rows])
    return [found[row.pk] for row in rows]


def keys(rows):
    return [row.pk for row in rows]


def in_state(state, budget, people=1):
    """Return assignments that have been brought to `state` by the verbs."""
    rows = assigned(budget, people)
    mine = keys(rows)
    if state in ("accepted", "reversed"):
        accept(rows)
    if state == "reversed":
        services.reverse_many(mine, actor=CONSOLE)
    if state == "cancelled":
        services.cancel_many(mine, actor=CONSOLE)
    if state == "errored":
        refuse_enrolment(rows)
    if state == "expired":
        with later(91 * DAY):
            services.expire_many(mine, actor=CONSOLE)
    rows = fresh(rows)
    assert {row.state for row in rows} == {state}
    return rows


def refuse_enrolment(rows):
    """Let the platform refuse these enrolments for good."""
    services_of = flows.redemptions.backend("enrolment_port")
    for row in rows:
        services_of.script(row.learner_email, "refuse")
    accept(rows)


def books(budget):
    """Return held and spent of the budget, balance and held of its fund, in cents."""
    row = reload(budget)
    return row.held_cents, row.spent_cents, row.fund.balance_cents, row.fund.held_cents


def counts(budget):
    """Return the kept counts that are not 0, by state and learner state."""
    row = AssignmentCounts.objects.get(pk=budget.assignment_configuration_id)
    return {states: amount for states, amount in row.by_states().items() if amount}


def messages(row):
    """Return what the outbox holds about an assignment, oldest first: kind, cycle, ordinal, state."""
    found = Message.objects.filter(subject_uuid=row.pk).order_by("created", "kind", "ordinal")
    return list(found.values_list("kind", "cycle", "ordinal", "state"))


def fan_out():
    """Let a worker turn the message of every chunk into one for each person, and go no further."""
    return services.fan_out(
        [claim for claim in claim_due(1000, worker="steps", now=clock.now() + DAY) if claim.topic == TOPIC_FAN_OUT]
    )


def kinds(row):
    return [kind for kind, *_ in messages(row)]


def actions(row):
    """Return the timeline of an assignment: type and error of each action, oldest first."""
    return list(row.actions.order_by("created", "action_type").values_list("action_type", "error_reason"))


def history(row):
    """Return the history of an assignment, oldest first: type, reason, user, state."""
    found = row.history.order_by("history_id")
    return list(found.values_list("history_type", "history_change_reason", "history_user_id", "state"))


def last_reason(row):
    _, reason, user, _ = history(row)[-1]
    return reason, user


def ledger(budget):
    """Return the ledger of the budget's fund: kind and amount, in order."""
    return list(
        LedgerEntry.objects.filter(fund=budget.fund_id).order_by("sequence").values_list("kind", "amount_cents")
    )


def transactions(row):
    return list(Transaction.objects.filter(assignment_uuid=row.pk).order_by("created"))


def everything():
    """Return every row of every table of ours, to show that nothing at all was written."""
    tables = [name for name in connection.introspection.table_names() if not name.startswith(BOOKKEEPING)]
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            found[table] = sorted(map(repr, cursor.fetchall()))
    return found


@contextmanager
def nothing_written():
    """Assert that the block leaves every table as it was."""
    before = everything()
    assert before["content_assignments_assignmentconfiguration"], "looked at the wrong database"
    yield
    assert everything() == before


def refusal_of(function, *args, **kwargs):
    """Return the error with which `function` refuses, having written nothing."""
    with nothing_written():
        try:
            function(*args, **kwargs)
        except Refused as error:
            return error
    raise AssertionError("it was not refused")


def code_of(function, *args, **kwargs):
    return refusal_of(function, *args, **kwargs).code


def codes(outcome):
    """Return the codes of the refusals of a bulk answer, by key."""
    return {key: why.code for key, why in outcome.refused.items()}


def emails(placed):
    return [item.email for item in placed]


def statements(function, *args, **kwargs):
    """Return how many statements `function` takes, without those that open and close savepoints."""
    with CaptureQueriesContext(connection) as found:
        function(*args, **kwargs)
    return len([query for query in found if "SAVEPOINT" not in query["sql"]])


def tick():
    return jobs.tick()
