"""Who is behind an address, and how customers and users are found."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from bursar.kernel.lookup import find_one
from bursar.people.addresses import BadAddress, domain_of, normal_form
from bursar.people.keys import key_of
from bursar.people.models import Customer, Membership, Person, Profile, Role

SAMPLE: Final = 500


@dataclass(frozen=True, slots=True)
class Account:
    """What goes with an address: the person known to the customer, the user with that verified address, their id."""

    person: UUID | None = None
    user_id: int | None = None
    lms_user_id: int | None = None


def accounts_of(customer: UUID, keys: Sequence[str]) -> dict[str, Account]:
    """Return what goes with each of these address keys, at this customer; two statements, nothing for unknown ones."""
    persons = Person.objects.filter(customer=customer, address_key__in=keys)
    known = {key: (uuid, number) for key, uuid, number in persons.values_list("address_key", "uuid", "lms_user_id")}
    profiles = Profile.objects.filter(verified_key__in=keys).values_list("verified_key", "user_id", "lms_user_id")
    users = {key: (user, number) for key, user, number in profiles}
    found = {}
    for key in known.keys() | users.keys():
        person, number = known.get(key, (None, None))
        user, user_number = users.get(key, (None, None))
        found[key] = Account(person, user, user_number if user_number is not None else number)
    return found


def address_of(user: Any) -> str:
    """Return the e-mail address of a user of the host project, whatever its model calls the field; "" for none."""
    return str(getattr(user, type(user).get_email_field_name(), "") or "")


def user_with(address: str) -> Any | None:
    """Return the user who signs in by this address, which may be spelled in any way; None for none.

    Whatever the database thinks of case and accents, it is the same address only if its normal form is the same.
    """
    try:
        normal = normal_form(address)
    except BadAddress:
        return None
    users: Any = get_user_model()
    found = users._default_manager.filter(**{users.USERNAME_FIELD: normal})
    return next((user for user in found if user.get_username() == normal), None)


def users_proven(keys: QuerySet[Any]) -> list[Any]:
    """Return the users who have one of these address keys, as proven and still theirs, in the order of their ids."""
    profiles = Profile.objects.filter(verified_key__in=keys).select_related("user").order_by("user_id")
    return [row.user for row in profiles if row.verified_key == key_of(address_of(row.user))]


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody whom a learner can ask; without an id it is the customer's contact."""

    email: str = field(repr=False)
    lms_user_id: int | None = None


def administrators_of(customer: UUID) -> list[Administrator]:
    """Return whom people of a customer can ask: its contact alone, else those who have the role of an admin there.

    Two statements. Pending admins, who have no account yet, are left out.
    """
    found = Customer.objects.only("contact_email").filter(pk=customer).first()
    return administrators_at(found) if found else []


def administrators_at(customer: Customer) -> list[Administrator]:
    """Return the same of a customer that is loaded; at most one statement."""
    if customer.contact_email:
        return [Administrator(customer.contact_email)]
    admins = Membership.objects.filter(customer=customer, role=Role.ADMIN, user__isnull=False)
    users = [row.user for row in admins.select_related("user__bursar_profile").order_by("created", "uuid")]
    found = [(address_of(user), getattr(user, "bursar_profile", None)) for user in users]
    return [Administrator(email, profile and profile.lms_user_id) for email, profile in found if email]


def find_customer(reference: str | UUID, customers: frozenset[UUID] | None) -> Customer:
    """Return the customer with this uuid or slug, among those given (None: all); raises `NotFound`."""
    rows = Customer.objects.all()
    return find_one(rows if customers is None else rows.filter(pk__in=customers), reference, name="slug")


def belongs(customer: UUID, lms_user_id: int) -> bool:
    """Tell whether a customer knows the person with this id in the learning platform, as a member or by address."""
    person = Person.objects.filter(customer=OuterRef("pk"), lms_user_id=lms_user_id, erased_at=None)
    member = Membership.objects.filter(customer=OuterRef("pk"), user__bursar_profile__lms_user_id=lms_user_id)
    return Customer.objects.filter(Q(Exists(person)) | Q(Exists(member)), pk=customer).exists()


@dataclass(frozen=True, slots=True)
class Reader:
    """How a user is known: the id in the learning platform, and language and time zone that a customer noted, or ""."""

    lms_user_id: int | None = None
    language: str = ""
    time_zone: str = ""


def reader_of(user_id: int, customer: UUID) -> Reader:
    """Return how a user is known, by the address that is proven to be theirs; one statement."""
    noted = Person.objects.filter(customer=customer, address_key=OuterRef("verified_key"), erased_at=None)
    rows = Profile.objects.filter(user_id=user_id).annotate(
        language=Subquery(noted.values("language")[:1]), time_zone=Subquery(noted.values("time_zone")[:1])
    )
    found = rows.values_list("lms_user_id", "language", "time_zone").first()
    return Reader(found[0], found[1] or "", found[2] or "") if found else Reader()


@dataclass(frozen=True, slots=True)
class Known:
    """What a customer has noted of somebody; "" where nothing is."""

    name: str = field(default="", repr=False)
    department: str = ""
    manager: str = field(default="", repr=False)


def known_by_key(customer: UUID, keys: Sequence[str]) -> dict[str, Known]:
    """Return what is noted of the people behind these address keys; one statement, none for nobody."""
    if not keys:
        return {}
    rows = Person.objects.filter(customer=customer, address_key__in=keys)
    return {
        key: Known(*facts) for key, *facts in rows.values_list("address_key", "name", "department", "manager_email")
    }


def departments_of(customer: UUID, limit: int) -> list[str]:
    """Return the departments that are noted of people of a customer, by name, `limit` of them at most; one statement."""
    rows = Person.objects.filter(customer=customer).exclude(department="").order_by("department")
    return list(rows.values_list("department", flat=True).distinct()[:limit])


def domains_at(customer: UUID) -> Counter[str]:
    """Return how often each domain stands in the addresses of some hundreds of a customer's people; one statement.

    Keys of addresses are hashes, so that whose come first is left to chance.
    """
    rows = Person.objects.filter(customer=customer, erased_at=None).order_by("address_key")
    emails = rows.values_list("email", flat=True)[:SAMPLE]
    return Counter(map(domain_of, emails))
