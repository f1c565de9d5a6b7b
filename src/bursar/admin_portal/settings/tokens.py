"""API tokens: which programs speak for the organisation, making a token (shown once) and taking it back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from bursar.admin_portal.settings.places import NOT_READ, address, go, show
from bursar.admin_portal.settings.roles import choose_role
from bursar.admin_portal.settings.words import PERMISSIONS, REFUSALS, ROLES, said, worded
from bursar.kernel import clock
from bursar.kernel.errors import BadInput, NotFound
from bursar.pages.guards import admin_page, readable_or_sent
from bursar.pages.shapes import Chip, Tone
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission, handed, lacked
from bursar.people.models import ApiToken, Role
from bursar.people.tokens import LONGEST_NAME, NewToken, create_token, revoke_token, tokens_at

PAGE: Final = "settings_tokens"
LISTED: Final = 100
FIELD_OF: Final = {"missing_name": "name", "too_long": "name", "invalid_dates": "until"}


class TokenForm(forms.Form):
    """A token for a role here; of roles and permissions, those that the viewer has."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=LONGEST_NAME,
        help_text=gettext_lazy("What it is for, such as: Nightly import."),
    )  # fmt: skip
    role = forms.ChoiceField(label=gettext_lazy("It speaks as"), widget=forms.RadioSelect)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Only for (none: everything the role may)"),
        required=False, widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    until = forms.DateField(
        label=gettext_lazy("Until (optional)"),
        help_text=gettext_lazy("The last day on which it works; without a day it works until it is revoked."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )

    def __init__(self, request: PageRequest, data: Any = None) -> None:
        super().__init__(data)
        choose_role(self, request, Role.ADMIN)
        own = [(str(code), words) for code, words in PERMISSIONS.items() if code in request.viewer.permissions]
        self.fields["scopes"].choices = own  # type: ignore[attr-defined]  # a choice

    @property
    def end(self) -> datetime | None:
        """The last minute of the day that was chosen, in the reader's zone."""
        day = self.cleaned_data["until"]
        return clock.last_minute(day, timezone.get_current_timezone()) if day else None


@dataclass(frozen=True, slots=True)
class Token:
    """One token as the list shows it."""

    row: ApiToken
    now: datetime
    revoke_url: str
    may_revoke: bool

    @property
    def key(self) -> str:
        """By what its dialog is found."""
        return str(self.row.pk)

    @property
    def role(self) -> str:
        """What it speaks as."""
        return worded(ROLES, self.row.role)

    @property
    def scopes(self) -> list[str]:
        """To what it is confined."""
        return [worded(PERMISSIONS, scope) for scope in self.row.scopes]

    @property
    def is_live(self) -> bool:
        """Whether it works."""
        return self.row.is_live(self.now)

    @property
    def chip(self) -> Chip:
        """How it stands, in a word."""
        if self.is_live:
            return Chip(gettext("Works"), Tone.GOOD)
        return Chip(gettext("Revoked") if self.row.revoked_at else gettext("Over"))


@readable_or_sent
@admin_page(Permission.ADMINISTER)
def tokens(request: PageRequest) -> HttpResponse:
    """Show the tokens of the organisation; on POST make one, and show its text in this answer and nowhere else."""
    sent = request.method == "POST"
    form = TokenForm(request, request.POST if sent else None)
    made = _make(request, form) if sent and form.is_valid() else None
    facts = _list(request) | {"form": TokenForm(request) if made else form, "made": made}
    return show(request, PAGE, "tokens.html", facts, status=NOT_READ if sent and made is None else None)


def _list(request: PageRequest) -> dict[str, Any]:
    now, viewer = clock.now(), request.viewer
    rows = tokens_at(viewer.customer.pk, limit=LISTED + 1)
    shown = [
        Token(
            row, now, address(request, "settings_token_revoke", token=row.pk),
            handed(row.role, row.scopes) <= viewer.permissions,
        )
        for row in rows[:LISTED]
    ]  # fmt: skip
    return {"tokens": shown, "more": len(rows) > LISTED}


def _make(request: PageRequest, form: TokenForm) -> NewToken | None:
    """Make the token, or say at its place what stands against it."""
    viewer, given = request.viewer, form.cleaned_data
    customer = viewer.customer.pk
    if lacked(viewer.actor, given["role"], given["scopes"], customer):
        form.add_error("role", str(REFUSALS["beyond_own_permissions"]))
        return None
    try:
        return create_token(
            given["name"], customer=customer, role=given["role"], scopes=given["scopes"], expires_at=form.end,
            actor=viewer.actor,
        )  # fmt: skip
    except BadInput as error:
        form.add_error(FIELD_OF.get(error.code), said(error))
        return None


@require_POST
@admin_page(Permission.ADMINISTER)
def revoke(request: PageRequest, token: UUID) -> HttpResponse:
    """Take a token back, at once and for good; again changes nothing."""
    viewer = request.viewer
    row = ApiToken.objects.filter(pk=token, customer=viewer.customer).first()
    if row is None:
        raise NotFound("There is no such token.")
    if lacked(viewer.actor, row.role, row.scopes, viewer.customer.pk):
        messages.error(request, str(REFUSALS["beyond_own_permissions"]))
    else:
        revoke_token(row.pk, actor=viewer.actor)
        messages.success(request, gettext("The token is revoked. Nothing that it asks for is done any more."))
    return go(request, PAGE)
