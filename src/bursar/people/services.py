"""The verbs about customers, the people known to them and users' profiles."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.utils.text import slugify

from bursar.kernel import clock
from bursar.kernel.actor import SYSTEM, Actor
from bursar.kernel.bulk import insert_rows, update_records
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.kernel.history import save_fields
from bursar.kernel.staff_log import forget_reasons
from bursar.kernel.text import storable
from bursar.kernel.transactions import require_transaction, writes
from bursar.people.addresses import display_form, normal_form
from bursar.people.auditing import About, Act, record_act
from bursar.people.files import read_details, read_language, read_time_zone
from bursar.people.keys import key_of
from bursar.people.models import Customer, LearnerNumber, Membership, Person, Profile, Role
from bursar.people.models.members import FIRST_OWN_NUMBER, LARGEST_LMS_USER_ID
from bursar.people.selectors import Account, accounts_of, address_of
from bursar.people.suppression import forget_mailboxes

DETAILS: Final = ("name", "department", "language", "time_zone", "manager_email")
NOBODY: Final = Account()
SLUG: Final = re.compile(r"[a-z0-9]+(?:[-_]+[a-z0-9]+)*")
LONGEST_SLUG: Final = 80
COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
RETIRED_ADDRESS: Final = "retired_user{}@retired.invalid"


@dataclass(frozen=True, slots=True)
class Known:
    """What a caller knows of somebody: the address as written, its key, and details (blank: not known)."""

    email: str
    key: str
    name: str = ""
    department: str = ""
    language: str = ""
    time_zone: str = ""
    manager_email: str = ""


@writes
def create_customer(name: str, *, slug: str = "", contact_email: str = "", **details: Any) -> Customer:
    """Make a customer; `slug` defaults to one made of the name, `uuid` to a random one.

    Refuses a slug (`slug_taken`) or uuid (`uuid_taken`) that is taken.

    Raises `BadInput` (`missing_name`, `invalid_slug`, `invalid_language`, `invalid_time_zone`, `invalid_color`), and
    Django's ValidationError for what else the fields do not take.
    """
    _check_name(name)
    wanted = slug or slugify(name)[:LONGEST_SLUG].strip("-_") or uuid4().hex[:8]
    _check_slug(wanted)
    if details.get("uuid") and Customer.objects.filter(pk=details["uuid"]).exists():
        raise Refused("There is a customer with this uuid already.", code="uuid_taken")
    customer = Customer(name=name.strip(), slug=wanted, contact_email=contact_email, **_clean(details))
    customer.clean_fields(exclude=["slug"])
    customer.save(force_insert=True)
    return customer


@writes
def change_customer(customer: UUID, changes: Mapping[str, Any], *, actor: Actor = SYSTEM) -> Customer:
    """Change any field of a customer but its key; raises `NotFound`, and all that `create_customer` does.

    "" takes the contact address or the logo away; nothing else can be blank.
    """
    row = Customer.objects.select_for_update().filter(pk=customer).first()
    if row is None:
        raise NotFound("There is no such customer.")
    if "name" in changes:
        _check_name(changes["name"])
    if changes.get("slug", row.slug) != row.slug:
        _check_slug(changes["slug"])
    for name, value in {**changes, **_clean(changes)}.items():
        setattr(row, name, value)
    row.clean_fields(exclude=["slug"])
    save_fields(row, [*changes], user_id=actor.user_id)
    record_act(actor, Act.CUSTOMER_CHANGED, row.pk, fields=sorted(changes))
    return row


def _check_name(name: str) -> None:
    if not name.strip():
        raise BadInput("A customer needs a name.", code="missing_name")


def _check_slug(slug: str) -> None:
    if len(slug) > LONGEST_SLUG or not SLUG.fullmatch(slug):
        raise BadInput("A slug is lower-case letters and digits, joined by hyphens.", code="invalid_slug")
    if Customer.objects.filter(slug=slug).exists():
        raise Refused(f"There is a customer with the slug {slug!r} already.", code="slug_taken")


def _clean(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details of a customer as mails need them: a language, a zone and a colour that there are."""
    readers = {"language": read_language, "time_zone": read_time_zone, "brand_color": _color}
    return {name: readers[name](value) if name in readers else value for name, value in details.items() if value != ""}


def _color(given: str) -> str:
    if not COLOR.fullmatch(given):
        raise BadInput("A colour is # and six hexadecimal digits, such as #1f5f5b.", code="invalid_color")
    return given


def next_learner_number() -> int:
    """Return an id for somebody without a learning platform, above 10^9 and never given out before."""
    return FIRST_OWN_NUMBER + LearnerNumber.objects.create().pk


def know_many(customer: UUID, people: Sequence[Known], accounts: Mapping[str, Account]) -> None:
    """Make or complete the person behind each address, and its membership as a learner; keys must be distinct.

    `accounts` is what `accounts_of` says of the keys: somebody with a user becomes a member at once, others pending.
    Blank details never overwrite what is known. Inside the caller's transaction; a fixed number of statements.
    """
    require_transaction()
    by_key = {known.key: known for known in people}
    there = {
        person.address_key: person for person in Person.objects.filter(customer_id=customer, address_key__in=by_key)
    }
    _complete([(there[key], by_key[key]) for key in sorted(there)])
    fresh = {key: uuid4() for key in sorted(by_key.keys() - there.keys())}
    now = clock.now()
    insert_rows(
        Person,
        ("uuid", "address_key", "email", "lms_user_id", *DETAILS),
        [
            (person, key, by_key[key].email, accounts.get(key, NOBODY).lms_user_id, *_details(by_key[key]))
            for key, person in fresh.items()
        ],
        {"customer_id": customer, "created": now, "modified": now},
    )
    users = {person: accounts.get(key, NOBODY).user_id for key, person in fresh.items()}
    users |= {person.uuid: accounts.get(key, NOBODY).user_id for key, person in there.items()}
    _enrol_as_learners(customer, users, known=[person.uuid for person in there.values()])


def _details(known: Known) -> tuple[str, ...]:
    return tuple(getattr(known, name) for name in DETAILS)


def _complete(pairs: Sequence[tuple[Person, Known]]) -> None:
    """Take over the details given, where they say something new."""
    changed = []
    for person, known in pairs:
        news = {name: value for name in DETAILS if (value := getattr(known, name)) and value != getattr(person, name)}
        if news:
            for name, value in news.items():
                setattr(person, name, value)
            person.modified = clock.now()
            changed.append(person)
    update_records(changed, [*DETAILS, "modified"])


def _enrol_as_learners(customer: UUID, users: Mapping[UUID, int | None], *, known: Sequence[UUID]) -> None:
    """Give each person (with the user behind it) the learner's role where it is missing; only `known` can have it."""
    learners = Membership.objects.filter(role=Role.LEARNER)
    have = set(learners.filter(person_id__in=known).values_list("person_id", flat=True)) if known else set()
    accounts = [user for user in users.values() if user is not None]
    members = learners.filter(customer_id=customer, user_id__in=accounts)
    taken = set(members.values_list("user_id", flat=True)) if accounts else set()
    now = clock.now()
    insert_rows(
        Membership,
        ("uuid", "person_id", "user_id"),
        [(uuid4(), person, None if user in taken else user) for person, user in users.items() if person not in have],
        {"customer_id": customer, "role": Role.LEARNER, "created": now, "modified": now},
    )


@writes
def create_user(
    email: str, *, password: str | None, lms_user_id: int | None = None, verified: bool = True, name: str = ""
) -> Any:
    """Make a user of the host project with a profile; the user name is the address in normal form.

    `verified` says that the address is proven to be theirs. Raises `BadAddress`, `BadInput` (`too_long`,
    `invalid_lms_user_id`), or `Refused` (`user_exists`, `lms_user_id_taken`). Without a password the user cannot log in
    by one.
    """
    users = get_user_model()
    normal = normal_form(email)
    longest = getattr(users._meta.get_field(users.USERNAME_FIELD), "max_length", None)
    if longest is not None and len(normal) > longest:
        raise BadInput("This address is too long for the name of a user.", code="too_long")
    if lms_user_id is not None and not 0 < lms_user_id <= LARGEST_LMS_USER_ID:
        raise BadInput(f"A learning platform id is 1 to {LARGEST_LMS_USER_ID}.", code="invalid_lms_user_id")
    if users.objects.filter(**{users.USERNAME_FIELD: normal}).exists():
        raise Refused("There is a user with this address already.", code="user_exists")
    if lms_user_id is not None and Profile.objects.filter(lms_user_id=lms_user_id).exists():
        raise Refused("This learning platform id belongs to another user.", code="lms_user_id_taken")
    user = users(**{users.USERNAME_FIELD: normal, users.get_email_field_name(): display_form(email)})
    if hasattr(user, "first_name"):
        user.first_name = storable(name)[:150]
    user.set_password(password)
    user.save()
    key = key_of(normal) if verified else ""
    number = _number_for(key) if lms_user_id is None else lms_user_id
    Profile.objects.create(user=user, lms_user_id=number, verified_key=key)
    return user


@writes
def mark_verified(user: Any) -> None:
    """Note that the address which the user has now is proven to be theirs."""
    key = key_of(normal_form(address_of(user)))
    if not Profile.objects.filter(user_id=user.pk).update(verified_key=key, modified=clock.now()):
        Profile.objects.create(user_id=user.pk, lms_user_id=_number_for(key), verified_key=key)


@writes
def grant(user_id: int, role: str, customer: UUID | None, *, actor: Actor = SYSTEM) -> Membership:
    """Give a user a role at a customer (operators: None for everywhere); asking again changes nothing."""
    if role not in Role.values:
        raise BadInput(f"A role is one of {', '.join(Role.values)}.", code="unknown_role")
    if customer is None and role != Role.OPERATOR:
        raise BadInput("Only operators have a role without a customer.", code="missing_customer")
    held = Membership.objects.filter(user_id=user_id, role=role)
    found = (held.filter(customer=None) if customer is None else held.filter(customer_id=customer)).first()
    return found or _noted(Membership.objects.create(user_id=user_id, customer_id=customer, role=role), actor)


@writes
def set_staff(user: Any, *, staff: bool) -> None:
    """Let a user reach the staff pages and do there what operators may, or no longer.

    Raises `Refused` (`no_staff_here`) where the host's users cannot be staff.
    """
    if not (hasattr(user, "is_staff") and hasattr(user, "is_superuser")):
        raise Refused("The users of this project cannot be staff.", code="no_staff_here")
    user.is_staff = user.is_superuser = staff
    user.save(update_fields=["is_staff", "is_superuser"])


@writes
def add_member(customer: UUID, email: str, role: str, *, actor: Actor = SYSTEM) -> Membership:
    """Give a role at a customer to whoever has an address; pending until they have an account. Raises `BadAddress`.

    Asking again changes nothing. Whoever is not known yet becomes a person known to the customer, and so a learner.
    """
    if role not in Role.values:
        raise BadInput(f"A role is one of {', '.join(Role.values)}.", code="unknown_role")
    key = key_of(normal_form(email))
    accounts = accounts_of(customer, [key])
    account = accounts.get(key, NOBODY)
    if account.user_id is None:
        know_many(customer, [Known(display_form(email), key)], accounts)
        person = Person.objects.get(customer_id=customer, address_key=key)
        row, is_new = Membership.objects.get_or_create(customer_id=customer, person=person, role=role)
    else:
        row, is_new = Membership.objects.get_or_create(customer_id=customer, user_id=account.user_id, role=role)
    return _noted(row, actor) if is_new else row


@writes
def remove_member(membership: UUID, *, actor: Actor = SYSTEM) -> None:
    """Take a role away at once; what somebody was assigned stays theirs. Raises `NotFound`."""
    row = Membership.objects.select_for_update().filter(pk=membership).first()
    if row is None:
        raise NotFound("There is no such member.")
    row.delete()
    _noted(row, actor, Act.MEMBER_REMOVED)


@writes
def take_role(membership: UUID, role: str = "", *, actor: Actor) -> Membership | None:
    """Take a role away, and give the same person another one (""; none) in its place; returns the role they have instead.

    Refused (`last_admin`) where nobody who has an account would be left to administer the customer. Raises `NotFound`,
    `BadInput` (`unknown_role`).
    """
    row = Membership.objects.select_for_update().filter(pk=membership, customer__isnull=False).first()
    if row is None:
        raise NotFound("There is no such member.")
    if role and role not in Role.values:
        raise BadInput(f"A role is one of {', '.join(Role.values)}.", code="unknown_role")
    if role == row.role:
        return row
    if role != Role.ADMIN and is_last_admin(row):
        raise Refused("Nobody would be left to administer the organisation.", code="last_admin")
    instead = None
    if role:
        whose = {"customer_id": row.customer_id, "person_id": row.person_id, "user_id": row.user_id}
        instead, is_new = _hold(role, **whose)
        if is_new:
            _noted(instead, actor)
    row.delete()
    _noted(row, actor, Act.MEMBER_REMOVED)
    return instead


def _hold(role: str, **whose: Any) -> tuple[Membership, bool]:
    """Return the membership of somebody in a role, and whether it has just been made."""
    by_user = Membership.objects.filter(customer=whose["customer_id"], user=whose["user_id"], role=role)
    by_person = Membership.objects.filter(person=whose["person_id"], role=role)
    found = (by_user if whose["user_id"] is not None else by_person).first() or (
        by_person.first() if whose["person_id"] is not None else None
    )
    return (found, False) if found else (Membership.objects.create(role=role, **whose), True)


def is_last_admin(row: Membership) -> bool:
    """Tell whether this is the only role of an admin at its customer behind which there is an account; locks the others."""
    if row.role != Role.ADMIN or row.user_id is None:
        return False
    admins = Membership.objects.filter(customer=row.customer_id, role=Role.ADMIN, user__isnull=False)
    return admins.select_for_update().exclude(pk=row.pk).first() is None


def _noted(row: Membership, actor: Actor, act: Act = Act.MEMBER_ADDED) -> Membership:
    record_act(actor, act, row.customer_id, About(row.person_id, row.user_id), role=row.role)
    return row


@dataclass(frozen=True, slots=True)
class UserLink:
    """A user whose verified address customers may know: what assignments need to find theirs."""

    user_id: int
    lms_user_id: int
    address_key: str


def link_user(user: Any) -> UserLink:
    """Join the persons with a user's (verified, the caller has checked) address to the user, at every customer.

    Pending memberships become real. Inside the caller's transaction.
    """
    require_transaction()
    key = key_of(address_of(user))
    profile, _ = Profile.objects.get_or_create(
        user_id=user.pk,
        defaults={"lms_user_id": partial(_number_for, key)},  # type: ignore[misc]  # called only to make one
    )
    if profile.verified_key != key:  # so that what is assigned later finds the user, whoever found the address verified
        Profile.objects.filter(user_id=user.pk).update(verified_key=key, modified=clock.now())
    persons = Person.objects.filter(address_key=key, erased_at=None)
    persons.exclude(lms_user_id=profile.lms_user_id).update(lms_user_id=profile.lms_user_id, modified=clock.now())
    pending = Membership.objects.filter(person__address_key=key, person__erased_at=None, user=None)
    held = set(Membership.objects.filter(user_id=user.pk).values_list("customer_id", "role"))
    real = [row.pk for row in pending if (row.customer_id, row.role) not in held]
    Membership.objects.filter(pk__in=real).update(user_id=user.pk, modified=clock.now())
    return UserLink(user.pk, profile.lms_user_id, key)


def _number_for(key: str) -> int:
    """Return the id that a person with this address was given when they accepted without an account, or a new one."""
    known = Person.objects.filter(address_key=key, lms_user_id__gt=FIRST_OWN_NUMBER).values_list(
        "lms_user_id", flat=True
    )
    taken = set(Profile.objects.filter(lms_user_id__in=known).values_list("lms_user_id", flat=True))
    return (
        next((number for number in known if number is not None and number not in taken), None) or next_learner_number()
    )


def number_persons(customer: UUID, keys: Sequence[str]) -> dict[str, int]:
    """Return the learning platform ids of persons by address key, giving one of our own to those without.

    Unknown keys are left out. Inside the caller's transaction; a fixed number of statements.
    """
    require_transaction()
    persons = list(Person.objects.select_for_update().filter(customer=customer, address_key__in=keys).order_by("uuid"))
    without = [person for person in persons if person.lms_user_id is None]
    numbers = LearnerNumber.objects.bulk_create(LearnerNumber() for _ in without)
    for person, number in zip(without, numbers, strict=True):
        person.lms_user_id = FIRST_OWN_NUMBER + number.pk
        person.modified = clock.now()
    update_records(without, ["lms_user_id", "modified"])
    return {person.address_key: person.lms_user_id for person in persons if person.lms_user_id is not None}


@writes
def change_person(person: UUID, changes: Mapping[str, str]) -> Person:
    """Change details of a person, "" for not known; raises `NotFound` for nobody, or somebody who was erased.

    Raises `BadInput` for what a file of people would refuse: `invalid_name`, `invalid_language` and so on.
    """
    row = Person.objects.select_for_update().filter(pk=person, erased_at=None).first()
    if row is None:
        raise NotFound("There is no such person here.")
    for name, value in read_details(changes).items():
        setattr(row, name, value)
    row.save(update_fields=[*changes, "modified"])
    return row


def erase_persons(persons: Sequence[UUID]) -> int:
    """Remove everything personal about these persons at once; the rows stay, unreadable. Returns how many were left."""
    require_transaction()
    rows = list(Person.objects.filter(uuid__in=persons, erased_at=None).order_by("uuid"))
    keys = [person.address_key for person in rows]
    for person in rows:
        person.email = RETIRED_ADDRESS.format(uuid4().hex[:16])
        person.address_key = key_of(person.email)
        person.erased_at = person.modified = clock.now()
        person.mail_suppressed_reason = ""
        for name in DETAILS:
            setattr(person, name, "")
    fields = ["email", "address_key", *DETAILS, "mail_suppressed_reason", "erased_at", "modified"]
    update_records(rows, fields)
    forget_mailboxes(keys)
    forget_reasons(person.pk for person in rows)
    return len(rows)


def forget_manager(customer: UUID, key: str) -> int:
    """Take the address with this key off the people whose manager it is said to be; inside the caller's transaction."""
    require_transaction()
    rows = Person.objects.filter(customer=customer, erased_at=None).exclude(manager_email="")
    spelled = rows.order_by().values_list("manager_email", flat=True).distinct()
    mine = [address for address in spelled if key_of(address) == key]
    return rows.filter(manager_email__in=mine).update(manager_email="", modified=clock.now()) if mine else 0
