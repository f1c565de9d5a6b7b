"""Audit: who did what, when and to what; by kind of actor, by somebody's address, by day."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from bursar.admin_portal.settings.places import show
from bursar.admin_portal.settings.roles import key_by
from bursar.admin_portal.settings.words import ACTORS, ACTS, KINDS, REASONS, ROLES, SAID_BY_THE_ACT, worded
from bursar.pages.guards import admin_page
from bursar.pages.listing import Filter, Listing
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission
from bursar.people.auditing import Acts, Names, Wanted, acts_at, names_in
from bursar.people.models import AuditEntry

PAGE: Final = "settings_audit"
LONGEST_NUMBER: Final = 18
YEARS: Final = range(2000, 2200)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was done, in words."""

    at: datetime
    who: str = field(repr=False)
    what: str
    about: str = field(repr=False)
    why: str


@require_safe
@admin_page(Permission.ADMINISTER)
def audit(request: PageRequest) -> HttpResponse:
    """Show what was done here, the latest first."""
    listing = Listing(request, sorts={"when": ("id",)}, default="-when", filters=("by", "from", "to"))
    kinds = listing.chosen("by", list(ACTORS))
    begin, end = _day(request, "from"), _day(request, "to")
    key = key_by(listing.search) if listing.search else None
    wanted = Wanted(kinds, key, _midnight(begin), _midnight(end, days=1))
    found = acts_at(request.viewer.customer.pk, wanted=wanted, before=_number(request))
    facts = {
        "listing": listing,
        "lines": _lines(found),
        "filters": _filters(listing, kinds),
        "begin": begin,
        "end": end,
        "kinds": ",".join(kinds),
        "asked": bool(kinds or begin or end or listing.search),
        "first": listing.url() if "before" in request.GET else "",
        "older": listing.url(before=found.entries[-1].pk) if found.more else "",
    }
    return show(request, PAGE, "audit.html", facts)


def _filters(listing: Listing, kinds: Iterable[str]) -> list[Filter]:
    every = list(ACTORS)
    return [Filter(str(words), listing.toggle("by", kind, every), kind in kinds) for kind, words in ACTORS.items()]


def _number(request: PageRequest) -> int | None:
    asked = request.GET.get("before", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= LONGEST_NUMBER else None


def _day(request: PageRequest, name: str) -> date | None:
    try:
        found = date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return None
    return found if found.year in YEARS else None


def _midnight(day: date | None, *, days: int = 0) -> datetime | None:
    """Return when a day of the reader's begins, so many days on."""
    return datetime.combine(day + timedelta(days=days), time.min, timezone.get_current_timezone()) if day else None


def _lines(found: Acts) -> list[Line]:
    names = names_in(found.entries)
    return [
        Line(row.created, _who(row, names), worded(ACTS, row.act), _about(row, names), _why(row))
        for row in found.entries
    ]


def _why(row: AuditEntry) -> str:
    """Return why it was done, "" where that is what was done."""
    return "" if row.reason in SAID_BY_THE_ACT else worded(REASONS, row.reason)


def _who(row: AuditEntry, names: Names) -> str:
    if row.actor_kind == "client":
        token = next((name for key, name in names.tokens.items() if str(key) == row.actor_name), "")
        return gettext("the token %(name)s") % {"name": token or row.actor_name[:8]}
    if row.user_id is None:
        return worded(ACTORS, row.actor_kind)
    return names.users.get(row.user_id) or gettext("user %(number)s") % {"number": row.user_id}


def _people(count: int) -> str:
    return ngettext("%(count)d person", "%(count)d people", count) % {"count": count}


def _about(row: AuditEntry, names: Names) -> str:
    """Return to whom or what it was done, as far as that is still known."""
    facts: dict[str, Any] = row.facts
    known = [
        names.persons.get(row.subject_uuid) if row.subject_uuid else None,
        names.users.get(row.subject_user_id) if row.subject_user_id is not None else None,
        names.tokens.get(row.subject_uuid) if row.subject_uuid else None,
        str(KINDS[facts["kind"]]) if facts.get("kind") in KINDS else None,
        facts.get("language"),
        str(ROLES[facts["role"]]) if facts.get("role") in ROLES else None,
        facts.get("host"),
        facts.get("content"),
        ", ".join(facts["fields"]) if facts.get("fields") else None,
        _people(facts["count"]) if facts.get("count") else None,
    ]
    return " · ".join(str(part) for part in known if part)
