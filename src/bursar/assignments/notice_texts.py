"""What the people who assign read: subject, text and HTML of warnings and digests; rendered when sent, never stored."""

import math
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import timezone, translation

from bursar.assignments.digests import Digest, Money
from bursar.assignments.mail_words import Amount
from bursar.assignments.messages import Rendered, spoken
from bursar.assignments.models import NoticeKind
from bursar.people.models import Customer
from bursar.webhooks.models import Endpoint
from bursar.webhooks.services import GONE

PLACE: Final = "content_assignments/notices"
DAY: Final = timedelta(days=1)


def budget_text(customer: Customer, money: Money) -> Rendered:
    """Return the warning that a budget is nearly or wholly used, with the figures of now."""
    used = money.held_cents + money.spent_cents
    facts = {
        "budget": _shown(money),
        "percent": used * 100 // money.limit_cents,
        "is_used_up": used >= money.limit_cents,
    }
    return _render(NoticeKind.BUDGET_USED, customer, facts)


def fund_text(customer: Customer, title: str, ends_at: datetime, now: datetime, money: dict[str, Amount]) -> Rendered:
    """Return the warning that a fund ends soon or has ended; `money` are its amounts."""
    facts = {"title": title, "ends_at": ends_at, "days": max(0, math.ceil((ends_at - now) / DAY)), **money}
    return _render(NoticeKind.FUND_ENDING, customer, facts | {"has_ended": ends_at <= now})


def endpoint_text(customer: Customer, endpoint: Endpoint) -> Rendered:
    """Return the warning that a receiver of webhooks was given up; it names the host alone, for a path may be secret."""
    facts = {
        "key": endpoint.uuid,
        "host": endpoint.host,
        "disabled_at": endpoint.disabled_at,
        "since": endpoint.failing_since or endpoint.disabled_at,
        "is_gone": endpoint.disabled_reason == GONE,
    }
    return _render(NoticeKind.ENDPOINT_DISABLED, customer, facts)


def admin_text(customer: Customer, digest: Digest) -> Rendered:
    """Return the digest for the admins of a customer."""
    return _render(NoticeKind.ADMIN_DIGEST, customer, _facts(digest, show_price=True))


def manager_text(customer: Customer, digest: Digest) -> Rendered:
    """Return the digest for a manager; it names money only where learners see prices."""
    return _render(NoticeKind.MANAGER_DIGEST, customer, _facts(digest, show_price=customer.show_price))


def _facts(digest: Digest, *, show_price: bool) -> dict[str, Any]:
    def named(rows: Any) -> list[dict[str, Any]]:
        return [
            {
                "who": row.who,
                "title": row.title,
                "deadline": row.deadline,
                "price": Amount(row.cents, row.currency) if show_price else "",
            }
            for row in rows
        ]

    return {
        "digest": digest,
        "waiting": named(digest.waiting),
        "more_waiting": digest.waiting_count - len(digest.waiting),
        "trouble": named(digest.trouble),
        "more_trouble": digest.trouble_count - len(digest.trouble),
        "returning": [Amount(*amount) for amount in digest.returning] if show_price else [],
        "budgets": [_shown(money) for money in digest.budgets],
    }


def _shown(money: Money) -> dict[str, str | Amount]:
    amounts = {name: getattr(money, f"{name}_cents") for name in ("limit", "held", "spent", "available")}
    return {"name": money.name} | {name: Amount(cents, money.currency) for name, cents in amounts.items()}


def _render(kind: str, customer: Customer, facts: dict[str, Any]) -> Rendered:
    with translation.override(spoken(customer.language)), timezone.override(ZoneInfo(customer.time_zone)):
        context = {"customer": customer, **facts}
        subject = " ".join(render_to_string(f"{PLACE}/{kind}.subject.txt", context).split())
        context["subject"] = subject
        text = render_to_string(f"{PLACE}/{kind}.txt", context)
        return Rendered(subject, text, render_to_string(f"{PLACE}/{kind}.html", context))
