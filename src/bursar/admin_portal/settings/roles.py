"""Roles: who has which, giving one to somebody by address, changing it and taking it away."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from bursar.admin_portal.settings.places import NOT_READ, address, go, show
from bursar.admin_portal.settings.words import PERMISSIONS, REFUSALS, ROLES, ROLES_MEAN, said
from bursar.kernel.errors import BursarError, Refused
from bursar.kernel.lookup import as_uuid
from bursar.pages.guards import admin_page, readable_or_sent
from bursar.pages.listing import Filter, Listing
from bursar.pages.shapes import Chip, Tone
from bursar.pages.viewer import PageRequest
from bursar.people import services
from bursar.people.access import Permission, handed, lacked
from bursar.people.addresses import LONGEST_ADDRESS, BadAddress, normal_form
from bursar.people.keys import key_of
from bursar.people.members import WHO_ASSIGNS, member_at, members_at
from bursar.people.models import Membership, Role
from bursar.people.selectors import address_of

PAGE: Final = "settings_roles"
TONES: Final = {Role.ADMIN: Tone.GOOD, Role.OPERATOR: Tone.INFO}
SHOWN: Final = (
    ("assigning", gettext_lazy("Who assigns"), WHO_ASSIGNS),
    ("learning", gettext_lazy("Learners"), (Role.LEARNER,)),
)


@dataclass(frozen=True, slots=True)
class Member:
    """One member as the list shows it."""

    row: Membership
    email: str = field(repr=False)
    mine: bool
    url: str
    may_change: bool

    @property
    def chip(self) -> Chip:
        """The role in a word."""
        return Chip(str(ROLES[self.row.role]), TONES.get(Role(self.row.role), Tone.NEUTRAL))


class MemberForm(forms.Form):
    """Somebody by address, and what they are to be; of the roles, those that the viewer may give."""

    email = forms.CharField(
        label=gettext_lazy("E-mail address"), max_length=LONGEST_ADDRESS,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )  # fmt: skip
    role = forms.ChoiceField(label=gettext_lazy("Role"), widget=forms.RadioSelect)

    def __init__(self, request: PageRequest, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        choose_role(self, request, Role.ADMIN)


class RoleForm(forms.Form):
    """Another role for somebody who has one."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), widget=forms.RadioSelect)

    def __init__(self, request: PageRequest, data: Any = None, *, now: str) -> None:
        super().__init__(data)
        choose_role(self, request, now)


def choose_role(form: forms.Form, request: PageRequest, chosen: str) -> None:
    """Offer the roles that the viewer may give, each with what it means."""
    offered = [role for role in Role if handed(role) <= request.viewer.permissions]
    form.fields["role"].choices = [(str(role), f"{ROLES[role]}: {ROLES_MEAN[role]}") for role in offered]  # type: ignore[attr-defined]  # a choice
    form.fields["role"].initial = chosen


@readable_or_sent
@admin_page(Permission.ADMINISTER)
def roles(request: PageRequest) -> HttpResponse:
    """Show who has which role, and give one on POST."""
    sent = request.method == "POST"
    form = MemberForm(request, request.POST if sent else None)
    if sent and form.is_valid() and _add(request, form):
        return go(request, PAGE)
    facts = _list(request) | {"form": form, "means": [(ROLES[role], _meaning(role)) for role in Role]}
    return show(request, PAGE, "roles.html", facts, status=NOT_READ if sent else None)


def _meaning(role: str) -> list[str]:
    granted = handed(role)
    return [str(words) for code, words in PERMISSIONS.items() if code in granted]


def _list(request: PageRequest) -> dict[str, Any]:
    listing = Listing(request, sorts={"who": ("uuid",)}, default="who", filters=("show",))
    chosen = (listing.chosen("show", [name for name, _, _ in SHOWN]) or ("assigning",))[0]
    asked_for = next(found for name, _, found in SHOWN if name == chosen)
    key = key_by(listing.search) if listing.search else None
    found = members_at(
        request.viewer.customer.pk, () if listing.search else asked_for, address_key=key,
        after=as_uuid(request.GET.get("after", "")),
    )  # fmt: skip
    return {
        "listing": listing,
        "members": _members(request, found.rows),
        "filters": [
            Filter(str(label), listing.url(show=name, q=None), name == chosen and not listing.search)
            for name, label, _ in SHOWN
        ],
        "first": listing.url() if "after" in request.GET else "",
        "older": listing.url(after=str(found.rows[-1].pk)) if found.more else "",
    }


def key_by(text: str) -> str:
    """Return the key of an address that is searched for; "" (which nothing has) for what is none."""
    try:
        return key_of(normal_form(text))
    except BadAddress:
        return ""


def _members(request: PageRequest, rows: Iterable[Membership]) -> list[Member]:
    return [_member(request, row) for row in rows]


def _member(request: PageRequest, row: Membership) -> Member:
    viewer = request.viewer
    email = row.person.email if row.person else address_of(row.user)
    url = address(request, "settings_role", member=row.pk)
    return Member(row, email, row.user_id == viewer.actor.user_id, url, handed(row.role) <= viewer.permissions)


def _add(request: PageRequest, form: MemberForm) -> bool:
    viewer, role = request.viewer, form.cleaned_data["role"]
    if lacked(viewer.actor, role, (), viewer.customer.pk):
        form.add_error("role", str(REFUSALS["beyond_own_permissions"]))
        return False
    try:
        services.add_member(viewer.customer.pk, form.cleaned_data["email"], role, actor=viewer.actor)
    except BadAddress as error:
        form.add_error("email", f"{REFUSALS['invalid_address']} {error.message}")
        return False
    messages.success(request, gettext("They have the role, at once or as soon as they have an account."))
    return True


@readable_or_sent
@admin_page(Permission.ADMINISTER)
def role(request: PageRequest, member: UUID) -> HttpResponse:
    """Show one member, and give them another role on POST."""
    row = member_at(request.viewer.customer.pk, member)
    sent = request.method == "POST"
    form = RoleForm(request, request.POST if sent else None, now=row.role)
    if sent and form.is_valid() and _change(request, row, form.cleaned_data["role"], form):
        return go(request, PAGE)
    facts = {
        "member": _member(request, row),
        "form": form,
        "remove_url": address(request, "settings_role_remove", member=row.pk),
    }
    return show(request, PAGE, "role.html", facts, status=NOT_READ if sent else None)


def _change(request: PageRequest, row: Membership, role: str, form: forms.Form) -> bool:
    """Give another role, or say why not: a role is given and taken by those who may do what it may."""
    viewer = request.viewer
    if any(lacked(viewer.actor, one, (), viewer.customer.pk) for one in (row.role, role)):
        form.add_error("role", str(REFUSALS["beyond_own_permissions"]))
        return False
    try:
        services.take_role(row.pk, role, actor=viewer.actor)
    except Refused as error:
        form.add_error("role", said(error))
        return False
    messages.success(request, gettext("They have the other role now."))
    return True


@require_POST
@admin_page(Permission.ADMINISTER)
def remove(request: PageRequest, member: UUID) -> HttpResponse:
    """Take a role away, at once."""
    viewer = request.viewer
    row = member_at(viewer.customer.pk, member)
    try:
        if lacked(viewer.actor, row.role, (), viewer.customer.pk):
            raise Refused("Beyond the actor's own.", code="beyond_own_permissions")
        services.take_role(row.pk, actor=viewer.actor)
    except BursarError as error:
        messages.error(request, said(error))
        return go(request, "settings_role", member=member)
    messages.success(request, gettext("The role is taken away. What was assigned stays theirs."))
    return go(request, PAGE)
