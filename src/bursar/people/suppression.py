"""To whom mail is stopped and why, and the verbs that stop it and let it through again. All of it goes by address keys."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf

from bursar.kernel import clock
from bursar.kernel.batching import chunks
from bursar.kernel.transactions import require_transaction, writes
from bursar.people.keys import key_of
from bursar.people.models import Customer, Mailbox, Membership, Person, Role, StopReason, Unsubscription
from bursar.people.selectors import address_of

Whose = tuple[UUID, str]  # a customer, and the key of an address there

SOFT_BOUNCES_AT_MOST: Final = 5
SOFT_BOUNCES_COUNT_FOR: Final = timedelta(days=30)
NOTHING: Final[frozenset[str]] = frozenset()
STOPPED: Final = ("stopped_by_customer", "stopped_by_mailbox", "stopped_by_owner")


def stops_of(customer: UUID, keys: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Return why mail of a customer to these addresses is stopped, by address key; others are left out. One statement."""
    first, *others = (rows.filter(address_key__in=keys).values_list("address_key", "why") for rows in _stops(customer))
    found: dict[str, frozenset[str]] = {}
    for key, why in first.union(*others):
        found[key] = found.get(key, NOTHING) | {why}
    return found


def stops_to(customer: UUID, key: str) -> dict[str, Subquery]:
    """Return expressions that give why mail of a customer is stopped, for rows that have the address key in the field `key`.

    They are named `STOPPED`; their values are reasons or None.
    """
    return {
        name: Subquery(rows.filter(address_key=OuterRef(key)).values("why")[:1])
        for name, rows in zip(STOPPED, _stops(customer), strict=True)
    }


def _stops(customer: UUID) -> "list[QuerySet[Any]]":
    """Return everything that stops mail of a customer, each with `address_key` and `why`."""
    reason = Coalesce(NullIf("mail_suppressed_reason", Value("")), Value(StopReason.SUPPRESSED.value))
    return [
        Person.objects.filter(customer=customer, mail_suppressed_at__isnull=False).annotate(why=reason),
        Mailbox.objects.filter(suppressed_at__isnull=False).annotate(why=F("suppressed_reason")),
        Unsubscription.objects.filter(customer=customer).annotate(why=Value(StopReason.UNSUBSCRIBED.value)),
    ]


def has_unsubscribed(customer: UUID, key: str) -> bool:
    """Tell whether the owner of an address has unsubscribed at a customer."""
    return Unsubscription.objects.filter(customer=customer, address_key=key).exists()


def stopped_mailboxes(limit: int) -> list[Mailbox]:
    """Return the addresses to which all mail is stopped, the newest first."""
    return list(Mailbox.objects.exclude(suppressed_at=None).order_by("-suppressed_at", "address_key")[:limit])


@writes
def unsubscribe(customer: UUID, key: str) -> bool:
    """Stop what the owner of an address need not have from a customer, and tell whether that is news."""
    known = Customer.objects.filter(pk=customer).exists()
    if not known or Unsubscription.objects.filter(customer_id=customer, address_key=key).exists():
        return False
    Unsubscription.objects.create(customer_id=customer, address_key=key)
    return True


@writes
def resubscribe(customer: UUID, key: str) -> None:
    """Undo `unsubscribe`."""
    Unsubscription.objects.filter(customer_id=customer, address_key=key).delete()


@writes
def suppress_mail(keys: Collection[str], reason: StopReason) -> int:
    """Stop all mail to these addresses at every customer, and return how many of them it was not stopped to."""
    return suppress(keys, reason)


@writes
def allow_mail(keys: Collection[str]) -> int:
    """Let mail to these addresses through again, with all its soft bounces before it; returns how many were stopped.

    Who has unsubscribed stays so: that is theirs to undo.
    """
    known = Mailbox.objects.filter(address_key__in=keys)
    stopped = known.exclude(suppressed_at=None).count()
    known.delete()
    persons = Person.objects.filter(address_key__in=keys, mail_suppressed_at__isnull=False)
    held = persons.exclude(mail_suppressed_reason=StopReason.UNSUBSCRIBED)
    return stopped + held.update(mail_suppressed_at=None, mail_suppressed_reason="", modified=clock.now())


def suppress(keys: Collection[str], reason: StopReason) -> int:
    """Do what `suppress_mail` does, inside the caller's transaction."""
    _make_known(keys)
    open_ones = Mailbox.objects.filter(address_key__in=keys, suppressed_at=None)
    return open_ones.update(suppressed_at=clock.now(), suppressed_reason=reason, modified=clock.now())


def count_soft_bounce(key: str) -> None:
    """Count that an address did not take a mail; after `SOFT_BOUNCES_AT_MOST` in a row it is suppressed.

    Inside the caller's transaction. They are in a row unless mail arrived between them, or a month went by.
    """
    _make_known([key])
    now = clock.now()
    mine = Mailbox.objects.filter(address_key=key)
    mine.filter(soft_bounced_at__lt=now - SOFT_BOUNCES_COUNT_FOR).update(soft_bounces=0)
    mine.update(soft_bounces=F("soft_bounces") + 1, soft_bounced_at=now, modified=now)
    if mine.filter(soft_bounces__gte=SOFT_BOUNCES_AT_MOST).exists():
        suppress([key], StopReason.BOUNCED)


def note_arrival(key: str) -> bool:
    """Forget the soft bounces of an address that took a mail, and tell whether there were any.

    Inside the caller's transaction. What is suppressed stays so.
    """
    require_transaction()
    removed, _ = Mailbox.objects.filter(address_key=key, suppressed_at=None).delete()
    return removed > 0


def forget_mailboxes(keys: Collection[str]) -> None:
    """Remove what is known of addresses that no customer's person has any more; inside the caller's transaction.

    That somebody has unsubscribed stays known while they assign, or are named as a manager, there.
    """
    require_transaction()
    live = _persons_with(keys)
    Mailbox.objects.filter(address_key__in=set(keys) - {key for _, key in live}).delete()
    rows = Unsubscription.objects.filter(address_key__in=keys).values_list("pk", "customer_id", "address_key")
    gone = {pk: (customer, key) for pk, customer, key in rows if (customer, key) not in live}
    if gone:
        staff = _staff(Customer.objects.filter(pk__in={customer for customer, _ in gone.values()}))
        Unsubscription.objects.filter(pk__in=[pk for pk, whose in gone.items() if whose not in staff]).delete()


def forget_strangers(shown: Callable[[Collection[str]], set[Whose]], *, before: datetime) -> int:
    """Remove what was noted before a moment (aware UTC) of addresses that are nobody's any more; returns how many notes.

    `shown` says at which customers these keys are in use beyond what is known here. In short transactions.
    """
    dead = Mailbox.objects.filter(modified__lt=before)
    quiet = Unsubscription.objects.filter(created__lt=before)
    keys = {key for rows in (dead, quiet) for key in rows.order_by().values_list("address_key", flat=True)}
    staff = _staff(Customer.objects.all()) if keys else set()
    removed = 0
    for part in chunks(sorted(keys)):
        known = _persons_with(part) | staff | shown(part)
        removed += _forget(part, known, before)
    return removed


@writes
def _forget(keys: Collection[str], known: set[Whose], before: datetime) -> int:
    dead = Mailbox.objects.filter(address_key__in=set(keys) - {key for _, key in known}, modified__lt=before)
    rows = Unsubscription.objects.filter(address_key__in=keys, created__lt=before)
    columns = rows.values_list("pk", "customer_id", "address_key")
    quiet = rows.filter(pk__in=[pk for pk, customer, key in columns if (customer, key) not in known])
    return dead.delete()[0] + quiet.delete()[0]


def _persons_with(keys: Collection[str]) -> set[Whose]:
    return set(Person.objects.filter(address_key__in=keys, erased_at=None).values_list("customer_id", "address_key"))


def _staff(customers: QuerySet[Customer]) -> set[Whose]:
    """Return the addresses of those who assign at these customers, and of the managers of people there."""
    mine = list(customers)
    found = [(row.pk, row.contact_email) for row in mine]
    members = Membership.objects.filter(customer__in=mine, role=Role.ADMIN, user__isnull=False).select_related("user")
    found += [(row.customer_id, address_of(row.user)) for row in members if row.customer_id]
    managed = Person.objects.filter(customer__in=mine, erased_at=None).exclude(manager_email="").order_by()
    found += managed.values_list("customer_id", "manager_email").distinct()
    return {(customer, key_of(address)) for customer, address in found if address}


def _make_known(keys: Collection[str]) -> None:
    require_transaction()
    there = set(Mailbox.objects.filter(address_key__in=keys).values_list("address_key", flat=True))
    fresh = [Mailbox(address_key=key) for key in sorted(set(keys) - there)]
    Mailbox.objects.bulk_create(fresh, ignore_conflicts=True)
