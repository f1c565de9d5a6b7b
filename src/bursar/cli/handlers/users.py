"""Users of the service from the command line: accounts, proof of an address, roles."""

import getpass
import secrets
import sys
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from bursar.assignments import flows
from bursar.cli.handlers.shapes import Shape
from bursar.cli.output import Answer, Part, facts, table
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.people.addresses import normal_form
from bursar.people.models import Customer, Membership, Profile, Role
from bursar.people.selectors import address_of, find_customer
from bursar.people.services import grant as give_role
from bursar.people.services import set_staff

PASSWORD_BYTES: Final = 15
LISTED: Final = 1000


def create(  # noqa: PLR0913  a user is these facts
    address: str,
    *,
    password: str | None,
    ask: bool,
    name: str,
    lms_user_id: int | None,
    verified: bool,
    role: str | None,
    customer: str | None,
) -> Answer:
    """Make a user, with a role if one is given; a password that nobody gave is made up and shown this once."""
    place = _place(role, customer)
    typed = _ask_password() if ask else password
    chosen = secrets.token_urlsafe(PASSWORD_BYTES) if typed is None else typed
    _check_password(chosen)
    user = flows.create_account(address, password=chosen, lms_user_id=lms_user_id, verified=verified, name=name)
    if role is not None:
        give_role(user.pk, role, place, actor=CONSOLE)
    shape = user_shape(user)
    shown: list[Part] = [_facts(shape)]
    if typed is None:
        shown.append(f"Password: {chosen}\nIt is shown this once and kept nowhere.")
    return Answer({"user": shape, "password": chosen if typed is None else None}, shown)


def verify(address: str) -> Answer:
    """Note that an address is proven, and link what is assigned to it."""
    user = find_user(address)
    linked = flows.verify_address(user)
    said = f"{linked} {'assignment belongs' if linked == 1 else 'assignments belong'} to this user now that did not before."
    return Answer({"user": user_shape(user), "linked": linked}, (_facts(user_shape(user)), said))


def grant(address: str, *, role: str, customer: str | None) -> Answer:
    """Give a user a role."""
    place = _place(role, customer)
    user = find_user(address)
    give_role(user.pk, role, place, actor=CONSOLE)
    return Answer({"user": user_shape(user)}, (_facts(user_shape(user)),))


def staff(address: str, *, staff: bool) -> Answer:
    """Let a user into the staff pages, or no longer."""
    user = find_user(address)
    set_staff(user, staff=staff)
    said = "They are staff now." if staff else "They are not staff any more."
    return Answer({"user": user_shape(user), "staff": staff}, (said,))


def reset_mfa(address: str) -> Answer:
    """Remove the authenticators of a user, who sets up new ones when they sign in next."""
    user = find_user(address)
    if not apps.is_installed("allauth.mfa"):
        raise Refused("This project's second factors are not ours to take away.", code="not_installed")
    removed, _ = apps.get_model("mfa", "Authenticator").objects.filter(user_id=user.pk).delete()
    said = "Their second factor is gone." if removed else "They had none."
    return Answer({"user": user_shape(user), "removed": removed > 0}, (said,))


def list_all(customer: str | None) -> Answer:
    """Name the users who have a profile here, of one customer or of all, at most a thousand."""
    profiles = Profile.objects.select_related("user").order_by("user_id")
    if customer:
        members = Membership.objects.filter(customer=find_customer(customer, None), user__isnull=False)
        profiles = profiles.filter(user__in=members.values("user"))
    shapes = [user_shape(profile.user) for profile in profiles[:LISTED]]
    rows = [(item["email"], _roles(item), item["lms_user_id"], "yes" if item["verified"] else "no") for item in shapes]
    shown = table(("Address", "Roles", "Learning platform id", "Verified"), rows, right=("Learning platform id",))
    return Answer({"users": shapes}, (shown if shapes else "There is no user yet: bursar user create ADDRESS",))


def find_user(address: str) -> Any:
    """Return the user with this address; raises `NotFound` (`unknown_user`) or `BadAddress`."""
    users = get_user_model()
    user = users.objects.filter(**{users.USERNAME_FIELD: normal_form(address)}).first()
    if user is None:
        raise NotFound("There is no user with this address.", code="unknown_user")
    return user


def user_shape(user: Any) -> Shape:
    """Return a user: the address, the id in the learning platform, whether the address is proven, the roles."""
    profile = Profile.objects.filter(user_id=user.pk).first()
    roles = (
        Membership.objects.filter(user_id=user.pk).order_by("role", "customer_id").values_list("role", "customer_id")
    )
    return {
        "id": user.pk,
        "email": address_of(user),
        "lms_user_id": profile.lms_user_id if profile else None,
        "verified": bool(profile and profile.verified_key),
        "roles": [{"role": role, "customer": customer} for role, customer in roles],
    }


def _place(role: str | None, customer: str | None) -> UUID | None:
    """Return the customer at which a role is to hold, before anything is made."""
    if customer is None:
        if role in (Role.LEARNER, Role.ADMIN):
            raise BadInput(f"The role {role} is one at a customer; name it with --customer.", code="missing_customer")
        return None
    if role is None:
        raise BadInput("--customer says where a role holds; name the role with --role.", code="missing_role")
    return find_customer(customer, None).pk


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise BadInput(
            "There is nobody to ask for a password; leave --ask-password out and one is made up.", code="no_terminal"
        )
    first, again = getpass.getpass("Password: "), getpass.getpass("Again: ")
    if first != again:
        raise Refused("The two are not the same.", code="password_mismatch")
    return first


def _check_password(password: str) -> None:
    try:
        validate_password(password)
    except ValidationError as error:
        raise BadInput(" ".join(error.messages), code="weak_password") from None


def _facts(shape: Shape) -> Part:
    return facts((
        ("User", shape["email"]),
        ("Learning platform id", shape["lms_user_id"]),
        ("Address verified", "yes" if shape["verified"] else "no"),
        ("Roles", _roles(shape) or "none"),
    ))  # fmt: skip


def _roles(shape: Shape) -> str:
    """Return the roles in words: `admin at lanternworks, operator everywhere`."""
    slugs = dict(
        Customer.objects.filter(pk__in=[item["customer"] for item in shape["roles"]]).values_list("pk", "slug")
    )
    places = ((item["role"], slugs.get(item["customer"])) for item in shape["roles"])
    return ", ".join(f"{role} at {slug}" if slug else f"{role} everywhere" for role, slug in places)
