"""Why an assignment expires when it does: every date that could end it, with the winner marked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bursar.assignments import expiry
from bursar.assignments.expiry import Due, Reason, Terms
from bursar.kernel.spelling import date_text


@dataclass(frozen=True, slots=True)
class Explained:
    """When something expires and every date that was weighed; with a personal deadline, that one wins."""

    at: datetime
    reason: str
    candidates: list[dict[str, Any]]


def explain(terms: Terms) -> Explained:
    """Return when an assignment on these terms expires, and why."""
    due = expiry.due(terms)
    weighed = expiry.candidates(terms)
    earliest = min(weighed, key=lambda candidate: candidate.at)
    found = [
        _candidate(item, _words(item, terms), wins=item is earliest and terms.personal is None) for item in weighed
    ]
    if terms.personal is not None:
        personal = Due(terms.personal, due.reason)
        found.insert(0, _candidate(personal, "a personal deadline, in place of the others", wins=True))
    return Explained(due.at, str(due.reason), found)


def _candidate(due: Due, why: str, *, wins: bool) -> dict[str, Any]:
    return {"at": due.at, "reason": str(due.reason), "why": why, "wins": wins}


def _words(item: Due, terms: Terms) -> str:
    if item.reason is Reason.ENROLLMENT_DATE_PASSED:
        return "the last day to enrol in the course"
    if item.reason is Reason.SUBSIDY_EXPIRED:
        return "the end of the fund"
    told = terms.notified_at is not None and terms.notified_at >= (terms.allocated_at or terms.created)
    since = terms.notified_at if told else terms.allocated_at or terms.created
    return f"{expiry.DAYS_BEFORE_EXPIRATION} days after {'the learner was told' if told else 'the allocation'} on {date_text(since)}"
