"""A forecast of reminders as a page shows it: by days of the reader's, the first so many of each, with the reasons in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

from django.utils.text import get_text_list
from django.utils.translation import gettext, gettext_lazy, ngettext

from bursar.admin_portal.settings.words import HOLDS, worded
from bursar.assignments.flows.deliveries import CLOSED
from bursar.assignments.policy import HAS_UNSUBSCRIBED, SUPPRESSED
from bursar.assignments.reminders import Hold, Step
from bursar.assignments.simulations import NOT_TOLD, Forecast, Foretold, Held

LISTED: Final = 50
WHYS: Final = {
    NOT_TOLD: gettext_lazy("the invitation has not left"),
    HAS_UNSUBSCRIBED: gettext_lazy("they have unsubscribed"),
    SUPPRESSED: gettext_lazy("mail to them is stopped"),
    CLOSED: gettext_lazy("nobody can enrol in the course any more"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One mail, or something held back, in words."""

    at: datetime | None
    email: str = field(repr=False)
    titles: Sequence[str]
    why: str
    held: str = ""
    not_sent: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A forecast in words: the mails of each day, what is held back, and how many of each there are in all."""

    begin: datetime
    end: datetime
    days: Sequence[tuple[datetime, Sequence[Line]]]
    held: Sequence[Line]
    mails: int
    dropped: int
    held_back: int
    recipients: int
    people: int
    complete: bool

    @property
    def unlisted(self) -> int:
        """How many mails are counted and not listed."""
        return max(0, self.mails + self.dropped - LISTED)

    @property
    def held_unlisted(self) -> int:
        """How many that are held back are counted and not listed."""
        return max(0, self.held_back - LISTED)


def shown(found: Forecast, zone: tzinfo) -> Shown:
    """Return a forecast in words, its days those of a zone."""
    sent = found.sent
    by_day: dict[object, list[Foretold]] = {}
    for mail in found.mails[:LISTED]:
        by_day.setdefault(mail.at.astimezone(zone).date(), []).append(mail)
    return Shown(
        found.begin, found.end,
        days=[(mails[0].at, [_mail(mail) for mail in mails]) for mails in by_day.values()],
        held=[_held(item) for item in found.held[:LISTED]],
        mails=len(sent), dropped=len(found.mails) - len(sent), held_back=len(found.held),
        recipients=len({mail.email for mail in sent}), people=found.people, complete=found.complete,
    )  # fmt: skip


def _mail(mail: Foretold) -> Line:
    whys = list(dict.fromkeys(_step(one.step) for one in mail.about))
    return Line(
        mail.at, mail.email, [one.title for one in mail.about], get_text_list(whys, gettext("and")),
        _holds(mail.holds), worded(WHYS, mail.why_not) if mail.why_not else "",
    )  # fmt: skip


def _held(item: Held) -> Line:
    about = item.about
    return Line(
        item.until, about.email, [about.title], _step(about.step), _holds(item.holds),
        worded(WHYS, item.why) if item.why else "",
    )  # fmt: skip


def _step(step: Step) -> str:
    kind, _, days = step.code.partition(":")
    number = int(days)
    if kind == "after":
        return ngettext("%(days)d day after being told", "%(days)d days after being told", number) % {"days": number}
    return ngettext("%(days)d day before the deadline", "%(days)d days before the deadline", number) % {"days": number}


def _holds(holds: Iterable[Hold]) -> str:
    return ", ".join(str(HOLDS[hold]) for hold in holds)
