"""Configurations as large as they get, made by the database itself: what lists are measured on. PostgreSQL only."""

from typing import Final
from uuid import UUID

from django.db import connection

from bench.house import COURSE, PRICE_CENTS
from bursar.assignments import flows
from bursar.assignments.models import AssignmentCounts, LearnerContentAssignment
from bursar.budgets.models import Budget
from bursar.people.keys import key_of

TITLES: Final = ("Measuring what it costs", "Reading a balance sheet", "Welding for beginners", "First aid at work")
ADDRESS: Final = "learner.{}@staff.example.org"
# Of every twenty: how many, in which state, told (0: not yet, 1: told, 2: telling failed).
MIX: Final = (("allocated", 1, 13), ("allocated", 0, 2), ("allocated", 2, 1), ("errored", 1, 1), ("accepted", 1, 3))
ROWS: Final = """
INSERT INTO content_assignments_learnercontentassignment (
    uuid, assignment_configuration_id, learner_email, learner_email_key, content_key, content_title, content_quantity,
    is_assigned_course_run, state, allocated_at, accepted_at, errored_at, created, modified, cycle, notified_at,
    notification_failed_at, expires_at, expires_reason, next_reminder_at
)
SELECT gen_random_uuid(), %(cfg)s, 'learner.' || n || '@staff.example.org', md5(%(cfg)s || n) || md5(n || 'x'), %(course)s,
    (%(titles)s::text[])[1 + n %% 4], -%(price)s - n %% 100, false, %(state)s, at,
    CASE WHEN %(state)s = 'accepted' THEN at END, CASE WHEN %(state)s = 'errored' THEN at END, at, at, 1,
    CASE WHEN %(told)s = 1 THEN at + interval '1 minute' END, CASE WHEN %(told)s = 2 THEN at + interval '1 minute' END,
    at + interval '90 days', 'NINETY_DAYS_PASSED', NULL
FROM (
    SELECT n, now() - interval '80 days' + n * interval '5 seconds' AS at FROM generate_series(%(first)s, %(last)s) n
) people
"""
ACTIONS: Final = """
INSERT INTO content_assignments_learnercontentassignmentaction (
    uuid, assignment_id, action_type, completed_at, error_reason, created, modified
)
SELECT gen_random_uuid(), uuid, kind, CASE WHEN kind = 'learner_linked' OR notified_at IS NOT NULL THEN created END,
    CASE WHEN kind = 'notified' AND notification_failed_at IS NOT NULL THEN 'email_error' END, created, created
FROM content_assignments_learnercontentassignment, (VALUES ('learner_linked'), ('notified')) kinds (kind)
WHERE assignment_configuration_id = %s AND (kind = 'learner_linked' OR COALESCE(notified_at, notification_failed_at) IS NOT NULL)
"""


def crowd(name: str, shares: dict[tuple[str, int], int]) -> Budget:
    """Make a budget whose configuration has so many assignments by state and whether they were told; counts are kept right."""
    fund = Budget.objects.earliest("created").fund_id
    budget = flows.create_assignable_budget(fund, display_name=name, limit_cents=10**12)
    configuration = budget.assignment_configuration_id
    assert configuration is not None  # it was made to assign
    first = 1
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")  # a million rows are more than any request of ours
        for (state, told), amount in shares.items():
            cursor.execute(ROWS, {
                "cfg": str(configuration), "course": COURSE, "titles": list(TITLES), "price": PRICE_CENTS,
                "state": state, "told": told, "first": first, "last": first + amount - 1,
            })  # fmt: skip
            first += amount
        cursor.execute(ACTIONS, [str(configuration)])
        cursor.execute("RESET statement_timeout")
    _keep_counts(configuration, shares)
    _give_keys(configuration, [1, first // 2])
    return budget


def mixed(size: int) -> dict[tuple[str, int], int]:
    """Return the shares of a configuration in the middle of its life."""
    whole = sum(part for _, _, part in MIX)
    return {(state, told): size * part // whole for state, told, part in MIX}


def _keep_counts(configuration: UUID, shares: dict[tuple[str, int], int]) -> None:
    learner = {1: "waiting", 0: "notifying", 2: "failed"}
    columns = {
        f"allocated_{learner[told]}" if state == "allocated" else state: n for (state, told), n in shares.items()
    }
    AssignmentCounts.objects.update_or_create(configuration_id=configuration, defaults=columns)


def _give_keys(configuration: UUID, numbers: list[int]) -> None:
    """Let these people be found by their address, as everybody is whom we assign to."""
    for number in numbers:
        address = ADDRESS.format(number)
        rows = LearnerContentAssignment.objects.filter(assignment_configuration=configuration, learner_email=address)
        rows.update(learner_email_key=key_of(address))
