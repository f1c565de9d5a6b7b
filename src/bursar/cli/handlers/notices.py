"""Notices from the command line: what was told, how often, and what a digest would say now."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from bursar.assignments import digests, flows
from bursar.assignments.events import TOPIC_NOTICE
from bursar.assignments.models import Notice, NoticeKind, NoticePolicy
from bursar.assignments.services import set_notice_policy
from bursar.assignments.timelines import fate
from bursar.budgets.models import Budget, Fund
from bursar.cli.output import Answer, Part, facts, table
from bursar.cli.values import date_text
from bursar.outbox.models import Message
from bursar.people.addresses import normal_form
from bursar.people.models import Customer
from bursar.people.selectors import find_customer


def list_told(*, customer: str | None, limit: int) -> Answer:
    """Name what was told, newest first."""
    rows = Notice.objects.order_by("-created", "uuid")
    if customer:
        rows = rows.filter(customer_uuid=find_customer(customer, None).pk)
    found = list(rows[:limit])
    messages: defaultdict[UUID, list[Message]] = defaultdict(list)
    for message in Message.objects.filter(topic=TOPIC_NOTICE, subject_uuid__in=[row.pk for row in found]):
        messages[message.subject_uuid].append(message)
    names = _names(found)
    data = [
        {
            "uuid": row.pk, "customer": row.customer_uuid, "kind": row.kind, "about": row.about_uuid, "slot": row.slot,
            "facts": row.facts, "created": row.created,
            "messages": [{"uuid": item.pk, "state": item.state, "reason": item.reason} for item in messages[row.pk]],
        }
        for row in found
    ]  # fmt: skip
    cells = [
        (
            date_text(row.created),
            NoticeKind(row.kind).label,
            names.get(row.about_uuid, row.about_uuid),
            row.slot,
            "\n".join(map(fate, messages[row.pk])) or "nobody to tell",
        )
        for row in found
    ]
    shown = table(("When", "What", "Of", "Slot", "What became of it"), cells)
    return Answer({"notices": data}, (shown if found else "Nothing was told yet.",))


def _names(rows: list[Notice]) -> dict[UUID, str]:
    """Return what budgets, funds and customers among those that notices are about are called."""
    keys = {row.about_uuid for row in rows}
    return {
        **dict(Budget.objects.filter(pk__in=keys).values_list("pk", "display_name")),
        **dict(Fund.objects.filter(pk__in=keys).values_list("pk", "title")),
        **dict(Customer.objects.filter(pk__in=keys).values_list("pk", "name")),
    }


def show(reference: str) -> Answer:
    """Tell how often a customer's people hear, and who they are."""
    return _shown(find_customer(reference, None))


def change(reference: str, *, admin_digest: str | None, manager_digest: str | None) -> Answer:
    """Set how often."""
    customer = find_customer(reference, None)
    set_notice_policy(
        customer.pk,
        admin_digest=None if admin_digest is None else str(admin_digest),
        manager_digest=None if manager_digest is None else str(manager_digest),
    )
    return _shown(customer)


def _shown(customer: Customer) -> Answer:
    policy = NoticePolicy.objects.filter(pk=customer.pk).first() or NoticePolicy(customer_uuid=customer.pk)
    told = digests.recipients(customer)
    data: dict[str, Any] = {
        "customer": customer.pk,
        "admin_digest": policy.admin_digest,
        "admin_due_at": policy.admin_due_at,
        "manager_digest": policy.manager_digest,
        "manager_due_at": policy.manager_due_at,
        "recipients": list(told.values()),
    }
    pairs = [
        ("Customer", customer.slug),
        ("Digest for admins", _how_often(policy.admin_digest, policy.admin_due_at)),
        ("Digest for managers", _how_often(policy.manager_digest, policy.manager_due_at)),
        ("Notices go to", ", ".join(told.values()) or "nobody: there is no admin with an address and no contact"),
    ]
    return Answer(data, (facts(pairs),))


def _how_often(frequency: str, due_at: Any) -> str:
    return f"{frequency}, next on {date_text(due_at)}" if due_at else frequency


def preview(reference: str, manager: str | None) -> Answer:
    """Show what a digest would say now."""
    customer = find_customer(reference, None)
    if manager is None:
        text = flows.preview_admin_digest(customer)
    else:
        normal_form(manager)  # says what is wrong with it, if it is no address
        text = flows.preview_manager_digest(customer, manager)
    if text is None:
        return Answer({"subject": None, "text": None}, ("There is nothing to say, so nothing would be sent.",))
    parts: list[Part] = [f"Subject: {text.subject}", "", text.text]
    return Answer({"subject": text.subject, "text": text.text, "html": text.html}, parts)
