"""The admin list of the Open edX wire against the raw queries that fetch the same facts, at several sizes.

In the process, without a network: from the request to the bytes of the answer, who is asking and counts included.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.test import Client

from bench import house
from bench.crowds import ADDRESS, crowd, mixed
from bench.measure import say
from bench.rounds import settle_down, timed
from bursar.budgets.models import Budget
from bursar.people.keys import key_of
from bursar.people.tokens import create_token

PAGE: Final = 25
TURNS: Final = 15
OPEN: Final = 100
DEFAULT: Final = {"state__in": "allocated,errored"}
COLUMNS: Final = """uuid, assignment_configuration_id, learner_email, lms_user_id, content_key, parent_content_key,
is_assigned_course_run, content_title, content_quantity, state, transaction_uuid, expires_at, expires_reason, created,
allocated_at, recent_action, recent_action_time, learner_state"""
ACTIONS: Final = """SELECT assignment_id, created, modified, uuid, action_type, completed_at, error_reason
FROM content_assignments_learnercontentassignmentaction WHERE assignment_id = ANY(%s) ORDER BY created, uuid"""
COUNTS: Final = "SELECT * FROM content_assignments_assignmentcounts WHERE configuration_id = %s"
TALLY: Final = (
    "SELECT state, learner_state, count(*) FROM content_assignments_learnercontentassignment WHERE {} GROUP BY 1, 2"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One list: what the client asks, and by hand the condition and the order; counted where no count is kept."""

    name: str
    asked: dict[str, str]
    where: str = "listed = 1"
    order: str = "recent_action_time DESC, uuid DESC"
    values: Sequence[Any] = ()
    counted: bool = False
    last: bool = False


CASES: Final = (
    Case("default order", DEFAULT),
    Case("by learner state", DEFAULT | {"ordering": "learner_state_sort_order"},
         order="learner_state_sort_order, recent_action_time, uuid"),
    Case("waiting only", DEFAULT | {"learner_state__in": "waiting"}, where="listed = 1 AND learner_state_sort_order = 1"),
    Case("last page", DEFAULT, order="recent_action_time, uuid", last=True),
    Case("a whole address", DEFAULT | {"search": ADDRESS.format(1)}, where="listed = 1 AND learner_email_key = %s",
         values=(ADDRESS.format(1),), counted=True),
    Case("part of a title", DEFAULT | {"search": "welding"},
         where="listed = 1 AND (content_title ILIKE '%%welding%%' OR learner_email ILIKE '%%welding%%')", counted=True),
)  # fmt: skip


def measure(*sizes: int) -> dict[str, Any]:
    """Return by size and list the seconds of either side, how many statements ours takes, and the same of few open among many."""
    if not connection.introspection.table_names():  # nobody has measured the verbs before
        house.build()
    found: dict[str, Any] = {}
    for size in sizes:
        say(f"lists: {size:,} assignments are put there")
        budget = crowd(f"{size:,} assignments", mixed(size))
        settle_down(analyze=True)
        found[str(size)] = {case.name: _race(budget, case, size) for case in CASES}
    many = max(sizes)
    say(f"lists: {many:,} accepted and {OPEN} open")
    budget = crowd("Few open", {("accepted", 1): many, ("allocated", 1): OPEN})
    settle_down(analyze=True)
    found["few open"] = {CASES[0].name: _race(budget, CASES[0], OPEN)}
    return found


def _race(budget: Budget, case: Case, size: int) -> dict[str, Any]:
    client = Client(HTTP_HOST="localhost", headers={"Authorization": f"Bearer {_token(budget)}"})
    address = f"/api/v1/assignment-configurations/{budget.assignment_configuration_id}/admin/assignments/"
    page = {"page": "last"} if case.last else {}
    url = f"{address}?{urlencode({'page_size': str(PAGE), **case.asked, **page})}"
    ours = _ours(client, url)
    raw = _raw(budget, case)
    ours(), raw()
    seen: list[str] = []
    with connection.execute_wrapper(partial(note, seen)):
        shown = ours()
    if shown != (by_hand := raw()):
        raise SystemExit(f"bench: {case.name} of {size} shows {shown} rows, by hand {by_hand}")
    turns = [(timed(ours), timed(raw)) for _ in range(TURNS)]
    return {"ours": [turn[0] for turn in turns], "raw": [turn[1] for turn in turns], "statements": len(seen)}


def note(seen: list[str], execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    """Keep what is sent to the database, as Django's `execute_wrapper` has it, and send it."""
    seen.append(sql)
    return execute(sql, *rest)


def _token(budget: Budget) -> str:
    return create_token("bench", customer=budget.customer_id, role="admin").text


def _ours(client: Client, url: str) -> Callable[[], int]:
    def ask() -> int:
        response = client.get(url)
        if response.status_code != 200:
            raise SystemExit(f"bench: {url} answers {response.status_code}")
        return len(response.json()["results"])

    return ask


def _raw(budget: Budget, case: Case) -> Callable[[], int]:
    """Return what a careful programmer sends by hand: the counts, the page, and the actions of its rows."""
    configuration: UUID | None = budget.assignment_configuration_id
    values = [key_of(value) for value in case.values]
    condition = f"assignment_configuration_id = %s AND {case.where}"
    rows = f"SELECT {COLUMNS} FROM content_assignments_learnercontentassignment WHERE {condition} ORDER BY {case.order} LIMIT {PAGE}"

    def fetch() -> int:
        with connection.cursor() as cursor:
            if case.counted:
                cursor.execute(TALLY.format(condition), [configuration, *values])
            else:
                cursor.execute(COUNTS, [configuration])
            total = cursor.fetchall()
            cursor.execute(rows, [configuration, *values])
            page = cursor.fetchall()
            cursor.execute(ACTIONS, [[row[0] for row in page]])
            cursor.fetchall()
        return len(page) if total else 0

    return fetch
