"""Allocating from the command line: every row of the file gets an answer, and a plan writes nothing."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from bursar.assignments import flows, services
from bursar.assignments.expiry import Terms
from bursar.assignments.explanations import Explained, explain
from bursar.assignments.flows import AllocationRequest
from bursar.assignments.flows.allocations import make_offer
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import Allocation, Offer, Placed
from bursar.assignments.states import State
from bursar.budgets.models import Budget
from bursar.budgets.selectors import balance, find_budget
from bursar.cli.failures import BAD_INPUT, DONE, REFUSED, amounts_in
from bursar.cli.handlers.catalogs import refused_shapes, refused_table
from bursar.cli.handlers.expiries import explanation_table
from bursar.cli.output import Answer, Part, facts, heading, progress, table
from bursar.cli.values import cents, date_text, money, uuid_of
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import Refused
from bursar.kernel.results import Refusal
from bursar.kernel.tables import RowFault
from bursar.people.files import PeopleFile, people_from_addresses, read_people

STDIN: Final = "-"
LISTED: Final = 25
NAMES: Final = {"created": "new", "updated": "renewed or filled in", "unchanged": "unchanged"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed: people as a file or as addresses, the budget, the course, perhaps a run and a price."""

    file: str | None
    emails: Sequence[str]
    encoding: str | None
    budget: str
    content: str
    run: str | None
    price: str | None


def allocate(wanted: Wanted) -> Answer:
    """Assign a course to people; refused as a whole or done, with every row answered."""
    request, people = _read(wanted)
    with amounts_in(request.budget.fund.currency), progress("Allocating", len(people.people)) as advance:
        done = flows.allocate(request, people.people, actor=CONSOLE, progress=advance)
    budget = find_budget(request.budget.pk, None)
    refused = _refused(people, done)
    data = {"batch": done.batch, **_lists(people, done), "refused": refused_shapes(refused), **_amounts(budget, done)}
    return Answer(data, _in_words(request, budget, people, done, refused), code=_exit_code(people, done))


def plan(wanted: Wanted) -> Answer:
    """Tell, person by person, what `allocate` would do and cost now, and whether it would be refused; writes nothing."""
    request, people = _read(wanted)
    offer: Offer | None = None
    try:
        offer = make_offer(request, actor=CONSOLE)
        planned, refusal = flows.plan(request, people.people, actor=CONSOLE)
    except Refused as error:
        planned, refusal = Allocation(), Refusal.of(error)
    refused = _refused(people, planned)
    before = balance(request.budget).available_cents
    after = before if refusal else before - planned.charged_cents
    due = _expiry(offer) if offer else None
    data = {
        "plan": True,
        "batch": None,
        **_lists(people, planned),
        "refused": refused_shapes(refused),
        "charged_cents": planned.charged_cents,
        "available_cents": after,
        "refusal": refusal and {"code": refusal.code, "message": refusal.message, **refusal.facts},
        "expires_at": due and due.at,
        "expires_reason": due and due.reason,
    }
    parts: list[Part] = [_person_by_person(people, planned, refused, offer)]
    parts += [heading("What it would cost"), _cost(request.budget, planned, before, after)]
    parts += [heading(f"It would expire on {date_text(due.at)}, because"), explanation_table(due)] if due else []
    return Answer(data, parts, _verdict(refusal, request.budget))


def _expiry(offer: Offer) -> Explained:
    now = clock.now()
    return explain(Terms(now, now, None, offer.enroll_by, offer.fund_ends_at))


def undo(batch: str) -> Answer:
    """Take a whole allocation back."""
    done = services.undo_batch(uuid_of(batch, "an allocation"), actor=CONSOLE).done
    said = f"Undone: {len(done)} assignments are cancelled, and the money is free. Who was told of theirs is told of its end."
    return Answer({"batch": batch, "cancelled": [str(key) for key in done]}, (said,))


def _read(wanted: Wanted) -> tuple[AllocationRequest, PeopleFile]:
    price = None if wanted.price is None else cents(wanted.price, code="invalid_price")
    budget = find_budget(wanted.budget, None)
    request = AllocationRequest(budget, wanted.content, wanted.run, price)
    if wanted.file is None:
        return request, people_from_addresses(wanted.emails)
    source = sys.stdin.buffer if wanted.file == STDIN else wanted.file
    return request, read_people(source, encoding=wanted.encoding)


def _lists(people: PeopleFile, done: Allocation) -> dict[str, list[dict[str, Any]]]:
    """Return who was placed how, by line; a twin has the assignment of the row that it repeats."""
    placed = {
        name: [_placed(item.position, item.email, item.assignment) for item in getattr(done, name)] for name in NAMES
    }
    by_line = _by_line(done)
    twins = [_placed(twin.line, twin.email, by_line.get(twin.of_line)) for twin in people.twins]
    return {**placed, "twins": twins}


def _placed(line: int, email: str, assignment: UUID | None) -> dict[str, Any]:
    return {"line": line, "email": email, "assignment": assignment}


def _by_line(done: Allocation) -> dict[int, UUID | None]:
    return {item.position: item.assignment for item in (*done.created, *done.updated, *done.unchanged)}


def _refused(people: PeopleFile, done: Allocation) -> list[RowFault]:
    """Return every refused row by line: those that name nobody, and people whom the call left out."""
    left_out = [RowFault(who.position, who.email, why.code, why.message) for who, why in done.refused]
    return sorted([*people.refused, *left_out], key=lambda row: row.line)


def _exit_code(people: PeopleFile, done: Allocation) -> int:
    """Return the exit code: where no row was taken, that of what refused them, as for the other verbs."""
    if done.created or done.updated or done.unchanged:
        return DONE
    return REFUSED if people.people else BAD_INPUT


def _amounts(budget: Budget, done: Allocation) -> dict[str, int]:
    return {"charged_cents": done.charged_cents, "available_cents": balance(budget).available_cents}


def _in_words(
    request: AllocationRequest, budget: Budget, people: PeopleFile, done: Allocation, refused: Sequence[RowFault]
) -> list[Part]:
    counts = [(words, len(getattr(done, name))) for name, words in NAMES.items()]
    counts += [("twins", len(people.twins)), ("refused", len(refused))]
    currency = budget.fund.currency
    parts: list[Part] = [
        f"{request.content_key} from the budget {budget.display_name}",
        facts([
            *((name, number) for name, number in counts),
            ("charged", money(done.charged_cents, currency)),
            ("still available", money(balance(budget).available_cents, currency)),
        ]),
    ]  # fmt: skip
    fresh = [*done.created, *done.updated]
    parts += [heading("Assigned"), _assigned(fresh)] if 0 < len(fresh) <= LISTED else []
    parts += [heading("Twins: named again, counted once"), _twins(people)] if people.twins else []
    parts += [heading("Refused rows"), refused_table(refused)] if refused else []
    if _has_begun(done):
        parts.append(
            f"\nThe mails wait: `bursar tick` or a running `bursar run` sends them.\nTo take it all back: bursar undo {done.batch}"
        )
    return parts


def _has_begun(done: Allocation) -> bool:
    """Tell whether the call assigned anything: who was only filled in is told nothing, and stays when it is undone."""
    return done.batch is not None and LearnerContentAssignment.objects.filter(allocation_batch_id=done.batch).exists()


def _assigned(fresh: Sequence[Placed]) -> Part:
    rows = [(item.position, item.email, item.assignment) for item in fresh]
    return table(("Line", "Address", "Assignment"), rows, right=("Line",))


def _twins(people: PeopleFile) -> Part:
    rows = [(twin.line, twin.email, twin.of_line) for twin in people.twins]
    return table(("Line", "Address", "Repeats line"), rows, right=("Line", "Repeats line"))


def _person_by_person(
    people: PeopleFile, planned: Allocation, refused: Sequence[RowFault], offer: Offer | None
) -> Part:
    """Return what would happen to each row, in the order of the file."""
    price = money(offer.price_cents) if offer else ""
    states = _states(planned)
    rows: dict[int, tuple[object, ...]] = {}
    for name, words in (("created", "new"), ("unchanged", "has it already, unchanged")):
        for item in getattr(planned, name):
            rows[item.position] = (item.position, item.email, words, price if name == "created" else "")
    for item in planned.updated:
        renewed = states.get(item.assignment) != State.ALLOCATED
        words = f"renewed, was {states.get(item.assignment)}" if renewed else "has it already, filled in"
        rows[item.position] = (item.position, item.email, words, price if renewed else "")
    for twin in people.twins:
        rows[twin.line] = (twin.line, twin.email, f"twin of line {twin.of_line}", "")
    for fault in refused:
        rows[fault.line] = (fault.line, fault.input, f"refused: {fault.message} ({fault.code})", "")
    ordered = [rows[line] for line in sorted(rows)]
    return table(("Line", "Address", "What would happen", "Cost"), ordered, right=("Line", "Cost"))


def _states(planned: Allocation) -> Mapping[UUID | None, str]:
    keys = [item.assignment for item in planned.updated if item.assignment]
    return dict(LearnerContentAssignment.objects.filter(pk__in=keys).values_list("pk", "state"))


def _cost(budget: Budget, planned: Allocation, before: int, after: int) -> Part:
    currency = budget.fund.currency
    return facts((
        ("Charged", money(planned.charged_cents, currency)),
        ("Available now", money(before, currency)),
        ("Available after", money(after, currency)),
    ))  # fmt: skip


def _verdict(refusal: Refusal | None, budget: Budget) -> tuple[str, ...]:
    if refusal is None:
        return ("This is a plan: nothing was written.",)
    missing = refusal.facts.get("missing_cents")
    short = f" Missing: {money(missing, budget.fund.currency)}." if missing else ""
    return (
        f"It would be refused as a whole: {refusal.message}{short} ({refusal.code})",
        "This is a plan: nothing was written.",
    )
