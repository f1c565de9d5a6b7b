"""Telling the people who assign, each thing once: the notice and its messages are one commit, found again by its slot."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from bursar.assignments import digests, slots
from bursar.assignments.events import TOPIC_NOTICE
from bursar.assignments.models import Notice, NoticeKind, NoticePolicy
from bursar.assignments.services.deliver import Told
from bursar.assignments.slots import BUDGET_PERCENT, FUND_DAYS, STALE_AFTER, Frequency
from bursar.budgets.models import Budget, Fund
from bursar.kernel import clock
from bursar.kernel.batching import chunks
from bursar.kernel.errors import BadInput, NotFound
from bursar.kernel.transactions import require_transaction, writes
from bursar.outbox.services import Item, enqueue_many, settle_many
from bursar.people.models import Customer
from bursar.webhooks.selectors import given_up

PRIORITY: Final = 45
ONE_MANAGER: Final = 1
COPIES_KEPT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell of a budget, a fund, a customer or a team; `told` are the slots that would say as much."""

    kind: NoticeKind
    about: UUID
    customer: UUID
    slot: str
    told: Sequence[str]
    facts: Mapping[str, Any] = field(default_factory=dict)


def warn_of_budgets() -> int:
    """Queue a warning for every budget that has reached a threshold and was not told so; returns how many messages."""
    return sum(_tell(part) for part in chunks(_budget_news()))


def warn_of_funds() -> int:
    """Queue a warning for every fund with money in it that has passed a threshold before its end, the newest alone."""
    return sum(_tell(part) for part in chunks(_fund_news()))


def warn_of_endpoints() -> int:
    """Queue a warning for every receiver of webhooks that was given up, once each; returns how many messages."""
    return sum(_tell(part) for part in chunks(_endpoint_news()))


def _endpoint_news() -> Iterator[News]:
    rows = {row.uuid: row for row in given_up()}
    told = set(
        Notice.objects.filter(about_uuid__in=rows, kind=NoticeKind.ENDPOINT_DISABLED).values_list("about_uuid", "slot")
    )
    for key, row in rows.items():
        slot = slots.endpoint_slot(row.disabled_at) if row.disabled_at else ""
        if slot and (key, slot) not in told:
            yield News(NoticeKind.ENDPOINT_DISABLED, key, row.customer_uuid, slot, [slot], {"endpoint": row.pk})


def _budget_news() -> Iterator[News]:
    for percent in BUDGET_PERCENT:
        for row in _used(percent).order_by("pk"):
            facts = {name: getattr(row, name) for name in ("limit_cents", "held_cents", "spent_cents")}
            yield News(
                NoticeKind.BUDGET_USED, row.pk, row.customer_id, slots.budget_slot(percent, row.limit_cents),
                slots.budget_slots_from(percent, row.limit_cents), facts | {"percent": percent},
            )  # fmt: skip


def _used(percent: int) -> "QuerySet[Budget]":
    """Return budgets in use of which `percent`, and no higher threshold, is used and not told with their limit."""
    higher = [one for one in BUDGET_PERCENT if one > percent]
    told = Notice.objects.filter(
        about_uuid=OuterRef("pk"), kind=NoticeKind.BUDGET_USED,
        slot__in=[
            Concat(Value(f"{one}:"), Cast(OuterRef("limit_cents"), CharField(max_length=20))) for one in (percent, *higher)
        ],
    )  # fmt: skip
    rows = Budget.objects.filter(active=True, retired=False, customer__active=True, limit_cents__gt=0)
    rows = rows.alias(used=(F("held_cents") + F("spent_cents")) * 100).filter(used__gte=F("limit_cents") * percent)
    for one in higher:
        rows = rows.filter(used__lt=F("limit_cents") * one)
    return rows.filter(~Exists(told))


def _fund_news() -> Iterator[News]:
    now = clock.now()
    rows = Fund.objects.filter(
        expires_at__gt=now - STALE_AFTER, expires_at__lte=now + timedelta(days=max(FUND_DAYS)),
        balance_cents__gt=0, customer__active=True,
    )  # fmt: skip
    funds = {row.pk: row for row in rows.order_by("pk")}
    told = defaultdict(set)
    for about, slot in Notice.objects.filter(about_uuid__in=funds, kind=NoticeKind.FUND_ENDING).values_list(
        "about_uuid", "slot"
    ):
        told[about].add(slot)
    for key, row in funds.items():
        days = None if row.expires_at is None else slots.days_passed(row.expires_at, now)
        if days is None or row.expires_at is None:
            continue
        same = slots.fund_slots_from(days, row.expires_at)
        if told[key].isdisjoint(same):
            facts = {"days": days, "ends_at": row.expires_at.isoformat(), "balance_cents": row.balance_cents}
            slot = slots.fund_slot(days, row.expires_at)
            yield News(NoticeKind.FUND_ENDING, key, row.customer_id, slot, same, facts)


@writes
def _tell(found: Sequence[News]) -> int:
    """Write the notices that nobody has written meanwhile, with a message to each recipient; returns how many messages.

    Whoever writes the same one at the same moment clashes on its unique key; the one who loses looks again.
    """
    kinds = {news.kind for news in found}
    known = Notice.objects.filter(about_uuid__in={news.about for news in found}, kind__in=kinds)
    told = set(known.values_list("kind", "about_uuid", "slot"))
    fresh = [news for news in found if not any((news.kind, news.about, slot) in told for slot in news.told)]
    customers = Customer.objects.in_bulk({news.customer for news in fresh})
    to = {key: list(digests.recipients(customer)) for key, customer in customers.items()}
    return _write([(news, to.get(news.customer, ())) for news in fresh])


def _write(notices: Sequence[tuple[News, Sequence[int]]]) -> int:
    """Insert notices and a message for each recipient, named by a number; inside the caller's transaction."""
    require_transaction()
    now = clock.now()
    rows = [
        Notice(
            customer_uuid=news.customer, kind=news.kind, about_uuid=news.about, slot=news.slot, facts=dict(news.facts),
            copies_until=now + COPIES_KEPT if numbers else None, created=now,
        )
        for news, numbers in notices
    ]  # fmt: skip
    Notice.objects.bulk_create(rows)
    owed: defaultdict[tuple[UUID, str], list[Item]] = defaultdict(list)
    for row, (news, numbers) in zip(rows, notices, strict=True):
        owed[news.customer, news.kind].extend(Item(row.pk, 1, number) for number in numbers)
    for (customer, kind), items in owed.items():
        if items:
            enqueue_many(TOPIC_NOTICE, str(kind), items, customer=customer, priority=PRIORITY, due_at=now)
    return sum(len(items) for items in owed.values())


def open_digests() -> int:
    """Queue the digests that are due, of each customer the newest alone; returns how many messages.

    A transaction per customer, under the lock of its policy: two sweeps at once tell it once.
    """
    _meet_customers()
    now = clock.now()
    due = NoticePolicy.objects.filter(Q(admin_due_at__lte=now) | Q(manager_due_at__lte=now))
    queued = 0
    for key in list(due.order_by("pk").values_list("pk", flat=True)):
        customer = Customer.objects.filter(pk=key).first()
        policy = NoticePolicy.objects.get(pk=key)
        wanted = customer is not None and policy.manager_due_at is not None and policy.manager_due_at <= now
        queued += _open(key, digests.people_of_managers(key) if wanted else [])
    return queued


def _meet_customers() -> None:
    """Give each customer that has none a policy; its first digest is due at the next time for one, not at once."""
    known = NoticePolicy.objects.filter(customer_uuid=OuterRef("pk"))
    strangers = Customer.objects.filter(~Exists(known), active=True).order_by("pk")
    for part in chunks(strangers):
        _meet(part)


@writes
def _meet(customers: Sequence[Customer]) -> None:
    known = set(NoticePolicy.objects.filter(pk__in=[row.pk for row in customers]).values_list("pk", flat=True))
    NoticePolicy.objects.bulk_create(_policy_for(row) for row in customers if row.pk not in known)


def _policy_for(customer: Customer) -> NoticePolicy:
    policy = NoticePolicy(customer_uuid=customer.pk)
    policy.admin_due_at = slots.next_digest(policy.admin_digest, customer.time_zone, clock.now())
    policy.manager_due_at = slots.next_digest(policy.manager_digest, customer.time_zone, clock.now())
    return policy


@writes
def _open(key: UUID, teams: Sequence[Sequence[UUID]]) -> int:
    now = clock.now()
    policy = NoticePolicy.objects.select_for_update().get(pk=key)
    customer = Customer.objects.filter(pk=key).first()
    told: list[tuple[News, Sequence[int]]] = []
    zone = customer.time_zone if customer else "UTC"
    if policy.admin_due_at is not None and policy.admin_due_at <= now:
        if customer is not None and customer.active:
            told += _admin_news(customer, _slot(policy.admin_digest, zone))
        policy.admin_due_at = slots.next_digest(policy.admin_digest, zone, now)
    if policy.manager_due_at is not None and policy.manager_due_at <= now:
        if customer is not None and customer.active:
            told += _manager_news(customer, _slot(policy.manager_digest, zone), teams)
        policy.manager_due_at = slots.next_digest(policy.manager_digest, zone, now)
    policy.save(update_fields=["admin_due_at", "manager_due_at", "modified"])
    known = Notice.objects.filter(about_uuid__in=[news.about for news, _ in told])
    before = set(known.values_list("kind", "about_uuid", "slot"))
    return _write([(news, to) for news, to in told if (news.kind, news.about, news.slot) not in before])


def _slot(frequency: str, zone: str) -> str:
    return slots.digest_slot(frequency, slots.digest_day(frequency, zone, clock.now()))


def _admin_news(customer: Customer, slot: str) -> list[tuple[News, Sequence[int]]]:
    amounts = digests.amounts_to_say(customer.pk)
    if not any(amounts.values()):
        return []
    news = News(NoticeKind.ADMIN_DIGEST, customer.pk, customer.pk, slot, [slot], amounts)
    return [(news, list(digests.recipients(customer)))]


def _manager_news(customer: Customer, slot: str, teams: Sequence[Sequence[UUID]]) -> list[tuple[News, Sequence[int]]]:
    return [
        (
            News(
                NoticeKind.MANAGER_DIGEST, people[0], customer.pk, slot, [slot],
                {"people": [str(person) for person in people]},
            ),
            [ONE_MANAGER],
        )
        for people in teams
    ]  # fmt: skip


@writes
def set_notice_policy(
    customer: UUID, *, admin_digest: str | None = None, manager_digest: str | None = None
) -> NoticePolicy:
    """Set how often admins and managers of a customer get a digest (off, daily, weekly; None: as it is).

    The next one is due at the next time for one. Raises `NotFound`, or `BadInput` (`unknown_frequency`).
    """
    row = Customer.objects.filter(pk=customer).first()
    if row is None:
        raise NotFound("There is no such customer.")
    known = NoticePolicy.objects.select_for_update().filter(pk=customer).first()
    policy = known or _policy_for(row)
    if admin_digest is not None:
        policy.admin_digest = _frequency(admin_digest)
        policy.admin_due_at = slots.next_digest(admin_digest, row.time_zone, clock.now())
    if manager_digest is not None:
        policy.manager_digest = _frequency(manager_digest)
        policy.manager_due_at = slots.next_digest(manager_digest, row.time_zone, clock.now())
    policy.save(force_insert=known is None)
    return policy


def _frequency(given: str) -> str:
    if given not in set(Frequency):
        raise BadInput(f"A digest is sent {', '.join(Frequency)}.", code="unknown_frequency")
    return given


@writes
def record_notices(told: Sequence[Told]) -> None:
    """Settle the messages of notices; nothing else is written about them."""
    settle_many([item.settlement for item in told])


@writes
def note_copies_forgotten(notices: Sequence[UUID]) -> None:
    """Note that no copy of the mails of these notices is kept any more, and that none of them may leave."""
    Notice.objects.filter(pk__in=notices).update(copies_until=None)
