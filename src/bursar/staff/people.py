"""Staff pages: customers, the people they know, users' profiles, roles, tokens, providers and stopped mail."""

from django.contrib.admin import register

from bursar.assignments import flows
from bursar.assignments.models import AssignmentConfiguration
from bursar.budgets.models import Budget, Fund
from bursar.kernel.actor import Actor
from bursar.people.models import (
    ApiToken,
    AuditEntry,
    Customer,
    IdentityProvider,
    Mailbox,
    Membership,
    Person,
    Profile,
    Role,
    Unsubscription,
)
from bursar.people.providers import remove_provider
from bursar.people.selectors import find_customer
from bursar.people.services import DETAILS, add_member, change_customer, change_person, create_customer, remove_member
from bursar.people.suppression import allow_mail
from bursar.people.tokens import revoke_token
from bursar.staff.columns import linked, told, yes
from bursar.staff.deeds import Deed, Given, Reasoned, Rows, as_shown, changed, choice, switch, text
from bursar.staff.records import Lead, Record
from bursar.staff.searching import Found
from bursar.staff.site import site

NEW_CUSTOMER = ("name", "slug", "contact_email", "language", "time_zone")
OF_CUSTOMER = (*NEW_CUSTOMER, "brand_color", "logo_url", "show_price", "active")


class NewCustomer(Reasoned):
    """What a customer begins with."""

    name = text(required=True)
    slug = text(longest=80, help_text="Part of the addresses of its pages; without one it is made of the name.")
    contact_email = text("Contact", longest=254, help_text="Whom its people can ask.")
    language = text(longest=16, help_text="A code such as en, de or es.")
    time_zone = text(longest=64, help_text="Such as Europe/Madrid.")


class CustomerForm(NewCustomer):
    """Everything that can be changed of a customer."""

    brand_color = text("Colour", longest=7, help_text="Of its mails, such as #1f5f5b.")
    logo_url = text("Logo", longest=200)
    show_price = switch("Mails to learners name the price")
    active = switch("Active")


class PersonForm(Reasoned):
    """What is known of somebody; blank is not known."""

    name = text()
    department = text()
    language = text(longest=16)
    time_zone = text(longest=64)
    manager_email = text("Address of the manager", longest=254)


class MemberForm(Reasoned):
    """A role at a customer for whoever has an address."""

    customer = text("Customer", required=True, longest=80, help_text="Its slug or uuid.")
    email = text("E-mail address", required=True, longest=254)
    role = choice(Role.choices)


def _create_customer(_: Actor, __: Rows, given: Given) -> Customer:
    details = {name: given[name] for name in ("language", "time_zone") if given[name]}
    return create_customer(given["name"], slug=given["slug"], contact_email=given["contact_email"], **details)


def _change_customer(actor: Actor, rows: Rows, given: Given) -> Customer:
    return change_customer(rows[0].pk, changed(given, rows[0], OF_CUSTOMER), actor=actor)


def _change_person(_: Actor, rows: Rows, given: Given) -> Person:
    return change_person(rows[0].pk, changed(given, rows[0], DETAILS))


def _add_member(actor: Actor, __: Rows, given: Given) -> Membership:
    return add_member(find_customer(given["customer"], None).pk, given["email"], given["role"], actor=actor)


@register(Customer, site=site)
class CustomerRecord(Record):
    """Organisations."""

    list_display = ("name", "slug", "language", "time_zone", "active", "created")
    list_filter = ("active",)
    ordering = ("name", "uuid")
    found = Found(uuids=("pk",), texts=("slug",), words=("name",))
    deeds = (
        Deed("add", "Add a customer", "An organisation that assigns courses.", _create_customer, NewCustomer, new=True),
        Deed(
            "change", "Change details", "How it is called, how its mails look, and whether it is active.",
            _change_customer, CustomerForm, shown=as_shown(*OF_CUSTOMER),
        ),
    )  # fmt: skip
    leads = (
        Lead("Budgets", Budget, "customer"),
        Lead("Funds", Fund, "customer"),
        Lead("Configurations", AssignmentConfiguration, "enterprise_customer_uuid"),
        Lead("People", Person, "customer"),
        Lead("Members", Membership, "customer"),
    )


@register(Person, site=site)
class PersonRecord(Record):
    """People known to customers, found by their address."""

    list_display = ("email", "name", linked("customer"), "department", "lms_user_id", "erased_at")
    list_select_related = ("customer",)
    found = Found(uuids=("pk", "customer_id"), addresses=("address_key",), numbers=("lms_user_id",))
    hidden = ("address_key",)
    deeds = (
        Deed(
            "change", "Change details", "What mails and reports say of them.", _change_person, PersonForm,
            shown=as_shown(*DETAILS), fits=lambda row: row.erased_at is None,
        ),
        Deed(
            "erase", "Erase this person",
            "Name, address and all that was written about them go at once, from everywhere, for good. Ids, money and dates stay.",
            lambda actor, rows, _: flows.erase_person(rows[0], actor=actor), fits=lambda row: row.erased_at is None,
        ),
    )  # fmt: skip
    leads = (Lead("Roles", Membership, "person"),)


@register(Profile, site=site)
class ProfileRecord(Record):
    """Users and their ids in the learning platform."""

    list_display = (told("user.email", "address"), "lms_user_id", yes("verified_key", "address proven"), "created")
    list_select_related = ("user",)
    found = Found(addresses=("verified_key",), numbers=("lms_user_id", "pk"))
    hidden = ("verified_key",)
    more = (yes("verified_key", "address proven"), told("user.email", "address"), told("user.last_login", "last login"))
    leads = (Lead("Roles", Membership, "user"), Lead("Tokens", ApiToken, "user"))


@register(Membership, site=site)
class MembershipRecord(Record):
    """Who is what, where."""

    list_display = ("role", linked("customer"), linked("user"), linked("person"), "created")
    list_select_related = ("customer", "user", "person")
    found = Found(
        uuids=("pk", "customer_id", "person_id"),
        addresses=("person__address_key", "user__bursar_profile__verified_key"),
    )
    deeds = (
        Deed("add", "Give a role", "Whoever has this address gets the role; pending until they have an account.", _add_member, MemberForm, new=True),
        Deed(
            "remove", "Take the role away", "At once. What somebody was assigned stays theirs.",
            lambda actor, rows, __: remove_member(rows[0].pk, actor=actor), many=True, each=True,
        ),
    )  # fmt: skip


@register(ApiToken, site=site)
class TokenRecord(Record):
    """By which programs speak for whom. Nothing here is secret: the text was shown once, when it was made."""

    list_display = ("name", "prefix", linked("user"), linked("customer"), "role", "expires_at", "revoked_at")
    list_filter = ("role",)
    list_select_related = ("customer", "user")
    ordering = ("-created", "uuid")
    found = Found(uuids=("pk",), texts=("prefix",), words=("name",))
    hidden = ("digest",)
    deeds = (
        Deed(
            "revoke", "Revoke", "The token is good for nothing from now on, for good.",
            lambda actor, rows, __: revoke_token(rows[0].pk, actor=actor), many=True, each=True, fits=lambda row: row.revoked_at is None,
        ),
    )  # fmt: skip


@register(IdentityProvider, site=site)
class ProviderRecord(Record):
    """Where the people of a customer sign in with accounts of their organisation."""

    list_display = ("name", "slug", linked("customer"), "issuer", "created")
    list_select_related = ("customer",)
    ordering = ("slug",)
    found = Found(uuids=("pk",), texts=("slug",), words=("name", "issuer"))
    hidden = ("sealed_secret",)
    deeds = (
        Deed(
            "remove", "Remove", "Nobody signs in by it any more; its users stay.",
            lambda _, rows, __: remove_provider(rows[0].slug), each=True,
        ),
    )  # fmt: skip


@register(AuditEntry, site=site)
class AuditRecord(Record):
    """Who did what at a customer, as the customer's own page of it shows it; found by the customer."""

    list_display = ("created", "act", "actor_kind", "actor_name", "user_id", "subject_uuid", "reason")
    ordering = ("-id",)
    found = Found(uuids=("customer_uuid",))


@register(Mailbox, site=site)
class MailboxRecord(Record):
    """Addresses of which there is bad news, under their keys; found by the address."""

    list_display = ("address_key", "suppressed_at", "suppressed_reason", "soft_bounces")
    list_filter = ("suppressed_reason",)
    found = Found(addresses=("pk",), texts=("pk",))
    deeds = (
        Deed(
            "allow", "Let mail through again", "The address is written to again, at every customer.",
            lambda _, rows, __: allow_mail([row.pk for row in rows]), many=True,
        ),
    )  # fmt: skip


@register(Unsubscription, site=site)
class UnsubscriptionRecord(Record):
    """Who wants no reminders; to undo that is theirs alone."""

    list_display = ("address_key", linked("customer"), "created")
    list_select_related = ("customer",)
    found = Found(uuids=("pk", "customer_id"), addresses=("address_key",))
