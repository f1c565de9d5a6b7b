"""The verbs on assignments from the command line: each answers for every assignment it was given."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from bursar.assignments import flows, jobs, services
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services.chunked import Progress
from bursar.assignments.states import Verb
from bursar.cli.failures import DONE, REFUSED
from bursar.cli.handlers.selection import Selection, select
from bursar.cli.handlers.shapes import transaction_shape
from bursar.cli.output import Answer, Part, heading, progress, table
from bursar.cli.values import deadline
from bursar.kernel.actor import CONSOLE
from bursar.kernel.batching import chunks
from bursar.kernel.results import BulkResult

LISTED: Final = 25

Outcome = BulkResult[UUID, str]
Act = Callable[[Sequence[UUID], Progress], Outcome]


def cancel(selection: Selection) -> Answer:
    """Cancel."""
    keys = select(selection, Verb.CANCEL)
    return _run("Cancelling", keys, lambda part, told: services.cancel_many(part, actor=CONSOLE, progress=told))


def remind(selection: Selection) -> Answer:
    """Queue reminders."""
    keys = select(selection, Verb.REMIND)
    return _run("Reminding", keys, lambda part, told: services.remind_many(part, actor=CONSOLE, progress=told))


def reverse(selection: Selection, *, why: str) -> Answer:
    """Reverse."""
    keys = select(selection, Verb.REVERSE)
    return _run(
        "Reversing", keys, lambda part, told: services.reverse_many(part, why=why, actor=CONSOLE, progress=told)
    )


def extend(selection: Selection, *, until: str | None, why: str, tell: bool) -> Answer:
    """Give a personal deadline, or take it away."""
    keys = select(selection, Verb.EXPIRE)
    last = None if until is None else deadline(until, "--until")
    return _run(
        "Extending",
        keys,
        lambda part, _: services.extend_many(part, until=last, why=why, actor=CONSOLE, tell=tell),
    )


def acknowledge(selection: Selection) -> Answer:
    """Note that learners have seen the end of their assignments."""
    keys = select(selection)
    return _run("Acknowledging", keys, lambda part, told: services.acknowledge_each(part, actor=CONSOLE, progress=told))


def accept(selection: Selection, *, run: str | None) -> Answer:
    """Accept for the learners: each is enrolled and paid, pending, or refused."""
    keys = select(selection, Verb.REDEEM)
    with progress("Accepting", len(keys)) as advance:
        answered = flows.accept_many(keys, run_key=run, actor=CONSOLE, progress=advance)
    outcome = Outcome({key: found.result for key, found in answered.done.items()}, answered.refused)
    paid = {key: {"transaction": transaction_shape(found.transaction)} for key, found in answered.done.items()}
    return _answer(outcome, keys, paid)


def expire() -> Answer:
    """Expire everything whose date has come."""
    with progress("Expiring") as advance:
        number = jobs.expire_due(progress=advance)
    return Answer({"expired": number}, (f"{number} {_assignments(number)} expired.",))


def nudge(days: int) -> Answer:
    """Nudge everybody whose accepted course starts on the day that many days ahead."""
    with progress("Nudging") as advance:
        outcome = flows.nudge_exactly(days, actor=CONSOLE, progress=advance)
    return _answer(outcome, [*outcome.done, *outcome.refused], nothing="No accepted course starts on that day.")


def scrub() -> Answer:
    """Remove the personal data whose time has come."""
    with progress("Scrubbing") as advance:
        number = flows.scrub_due(actor=CONSOLE, progress=advance)
    return Answer({"scrubbed": number}, (f"The address was removed from {number} {_assignments(number)}.",))


def _run(what: str, keys: Sequence[UUID], act: Act) -> Answer:
    with progress(what, len(keys)) as advance:
        outcome = act(keys, advance)
    return _answer(outcome, keys)


def _answer(
    outcome: Outcome,
    keys: Sequence[UUID],
    more: Mapping[UUID, dict[str, Any]] | None = None,
    *,
    nothing: str = "There was nothing to do: no assignment fits.",
) -> Answer:
    """Return the answer for every key; exit 3 when every one of them was refused."""
    emails = _emails(keys)
    done = [
        {"assignment": key, "email": emails.get(key), "result": outcome.done[key], **(more or {}).get(key, {})}
        for key in keys
        if key in outcome.done
    ]
    refused = [
        {"assignment": key, "email": emails.get(key), "code": why.code, "message": why.message, **why.facts}
        for key in keys
        if (why := outcome.refused.get(key))
    ]
    parts = _in_words(done, refused) if done or refused else [nothing]
    return Answer({"done": done, "refused": refused}, parts, code=REFUSED if refused and not done else DONE)


def _in_words(done: Sequence[dict[str, Any]], refused: Sequence[dict[str, Any]]) -> list[Part]:
    counts: defaultdict[str, int] = defaultdict(int)
    for item in done:
        counts[item["result"]] += 1
    said = [f"{number} {result}" for result, number in counts.items()]
    parts: list[Part] = [", ".join([*said, *([f"{len(refused)} refused"] if refused else [])])]
    if 0 < len(done) <= LISTED:
        parts.append(
            table(("Assignment", "Address", ""), [(item["assignment"], item["email"], item["result"]) for item in done])
        )
    if refused:
        rows = [(item["assignment"], item["email"], _because(item)) for item in refused]
        parts += [heading("Refused"), table(("Assignment", "Address", "Because"), rows)]
    return parts


def _because(item: dict[str, Any]) -> str:
    state = f" It is {item['state']}." if "state" in item else ""
    return f"{item['message']}{state} ({item['code']})"


def _emails(keys: Sequence[UUID]) -> dict[UUID, str]:
    rows = LearnerContentAssignment.objects.order_by()
    return {
        key: email
        for part in chunks(keys)
        for key, email in rows.filter(pk__in=part).values_list("pk", "learner_email")
    }  # fmt: skip


def _assignments(number: int) -> str:
    return "assignment" if number == 1 else "assignments"
