"""Why an assignment ends when it does: every date that was weighed, and the one that wins, in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from bursar.assignments import expiry
from bursar.assignments.expiry import Reason, Terms
from bursar.assignments.explanations import explain
from bursar.pages.moments import day_text

WORDS: Final[dict[str, Promise]] = {
    Reason.ENROLLMENT_DATE_PASSED: gettext_lazy("The last day to enrol in the course"),
    Reason.SUBSIDY_EXPIRED: gettext_lazy("The end of the fund that pays for it"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A date that could end an assignment."""

    at: datetime
    why: str
    wins: bool


def dates(terms: Terms) -> list[Candidate]:
    """Return every date that could end an assignment on these terms, a personal one first."""
    found = explain(terms).candidates
    personal = terms.personal is not None
    return [
        Candidate(one["at"], _personal() if personal and not place else _words(one["reason"], terms), bool(one["wins"]))
        for place, one in enumerate(found)
    ]


def _personal() -> str:
    return gettext("A deadline set for this person, in place of the others")


def _words(reason: str, terms: Terms) -> str:
    if reason in WORDS:
        return str(WORDS[reason])
    start = terms.allocated_at or terms.created
    days = expiry.DAYS_BEFORE_EXPIRATION
    if terms.notified_at is not None and terms.notified_at >= start:
        return gettext("%(days)s days after the learner was told on %(day)s") % {
            "days": days,
            "day": day_text(terms.notified_at),
        }
    return gettext("%(days)s days after the course was assigned on %(day)s") % {"days": days, "day": day_text(start)}
