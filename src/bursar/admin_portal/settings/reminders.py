"""Reminders: the policy as a form, and what it would send in the week to come, before it is kept and after."""

from datetime import time
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from bursar.admin_portal.settings.forecasts import Shown, shown
from bursar.admin_portal.settings.places import NOT_READ, address, go, show
from bursar.admin_portal.settings.words import said
from bursar.assignments import services
from bursar.assignments.events import MessageKind
from bursar.assignments.flows.forecasts import forecast
from bursar.assignments.models import ReminderPolicy
from bursar.assignments.services import PolicyChange, draft_policy
from bursar.assignments.services.policies import MOST_PER_WEEK
from bursar.kernel.errors import BadInput
from bursar.pages.guards import admin_page, readable_or_sent
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission

PAGE: Final = "settings_reminders"
FIELD_OF: Final = {"invalid_cap": "per_week", "invalid_quiet_hours": "quiet_from", "no_steps": "after_days"}
LONGEST_LIST: Final = 100


class Days(forms.CharField):
    """Whole numbers separated by commas; nothing for none."""

    def clean(self, value: Any) -> list[int]:
        """Return the numbers; how many and how large they may be is asked of the rules."""
        words = str(super().clean(value)).replace(",", " ").replace(";", " ").split()
        if not all(word.isascii() and word.isdigit() and len(word) < len("1000") for word in words):
            raise forms.ValidationError(gettext("At most ten whole numbers from 1 to 365, separated by commas."))
        return [int(word) for word in words]


def _clock(label: Any) -> forms.TimeField:
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, required=False, widget=widget)


class PolicyForm(forms.Form):
    """The rules of reminding."""

    after_days = Days(
        label=gettext_lazy("Days after somebody was told"),
        help_text=gettext_lazy("Such as 7, 30. Leave it empty for none."),
        required=False, max_length=LONGEST_LIST, widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip
    before_days = Days(
        label=gettext_lazy("Days before the deadline"),
        help_text=gettext_lazy("Such as 7, 1. Leave it empty for none."),
        required=False, max_length=LONGEST_LIST, widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip
    per_week = forms.IntegerField(
        label=gettext_lazy("At most so many to one person in seven days"),
        help_text=gettext_lazy("Over all budgets. From 1 to 7."),
        min_value=1, max_value=MOST_PER_WEEK,
    )  # fmt: skip
    quiet_from = _clock(gettext_lazy("Quiet from"))
    quiet_until = _clock(gettext_lazy("Quiet until"))
    working_days_only = forms.BooleanField(label=gettext_lazy("Not at weekends"), required=False)
    digest = forms.BooleanField(
        label=gettext_lazy("One mail for all that is due to somebody on one day"), required=False
    )

    def clean(self) -> dict[str, Any]:
        """Two ends make quiet hours, none makes none."""
        found = super().clean() or {}
        if (found.get("quiet_from") is None) != (found.get("quiet_until") is None) and not self.errors:
            missing = "quiet_until" if found.get("quiet_until") is None else "quiet_from"
            self.add_error(missing, gettext("Give both ends of the quiet hours, or neither."))
        return found

    @property
    def change(self) -> PolicyChange:
        """What was typed, as the verb takes it."""
        given = self.cleaned_data
        ends: tuple[time | None, time | None] = (given["quiet_from"], given["quiet_until"])
        return PolicyChange(
            given["after_days"], given["before_days"], given["per_week"],
            None if ends[0] is None or ends[1] is None else (ends[0], ends[1]),
            given["working_days_only"], given["digest"],
        )  # fmt: skip

    def refuse(self, error: BadInput) -> None:
        """Say at its place what the rules say against it."""
        self.add_error(FIELD_OF.get(error.code), said(error))


def _initial(row: ReminderPolicy) -> dict[str, Any]:
    names = ("per_week", "quiet_from", "quiet_until", "working_days_only", "digest")
    days = {name: ", ".join(map(str, getattr(row, name))) for name in ("after_days", "before_days")}
    return days | {name: getattr(row, name) for name in names}


@readable_or_sent
@admin_page(Permission.NOTIFY)
def reminders(request: PageRequest) -> HttpResponse:
    """Show by which rules learners are reminded, and keep other ones on POST, which switches reminders on."""
    row = services.policy_of(request.viewer.customer.pk)
    sent = request.method == "POST"
    form = PolicyForm(request.POST if sent else None, initial=_initial(row))
    if sent and form.is_valid() and _keep(request, form):
        messages.success(request, gettext("The rules are kept. They hold for everything that is open from now on."))
        return go(request, PAGE)
    return show(request, PAGE, "reminders.html", _facts(request, row, form), status=NOT_READ if sent else None)


def _keep(request: PageRequest, form: PolicyForm) -> bool:
    try:
        services.set_policy(request.viewer.customer.pk, form.change, actor=request.viewer.actor)
    except BadInput as error:
        form.refuse(error)
        return False
    return True


@require_POST
@admin_page(Permission.NOTIFY)
def off(request: PageRequest) -> HttpResponse:
    """Switch reminders off; the rules are kept."""
    services.switch_off(request.viewer.customer.pk, actor=request.viewer.actor)
    messages.success(request, gettext("Nobody is reminded automatically any more."))
    return go(request, PAGE)


@require_POST
@admin_page(Permission.NOTIFY)
def simulate(request: PageRequest) -> HttpResponse:
    """Show what would be sent in the seven days from now: under the rules in the form, or those that are kept."""
    row = services.policy_of(request.viewer.customer.pk)
    drafted = "per_week" in request.POST
    form = PolicyForm(request.POST if drafted else None, initial=_initial(row))
    found = _foretold(request, row, form if drafted else None)
    facts = _facts(request, row, form) | {"forecast": found, "drafted": drafted}
    if request.htmx:
        return render(request, "admin_portal/settings/reminders.html#forecast", facts)
    return show(request, PAGE, "reminders.html", facts, status=None if found else NOT_READ)


def _foretold(request: PageRequest, row: ReminderPolicy, form: PolicyForm | None) -> Shown | None:
    """Return the forecast, or None with what is wrong said in the form."""
    viewer, policy = request.viewer, row
    if form is not None:
        if not form.is_valid():
            return None
        try:
            policy = draft_policy(viewer.customer.pk, form.change)
        except BadInput as error:
            form.refuse(error)
            return None
    return shown(forecast(policy, actor=viewer.actor), viewer.zone)


def _facts(request: PageRequest, row: ReminderPolicy, form: PolicyForm) -> dict[str, Any]:
    return {
        "row": row,
        "form": form,
        "muted": MessageKind.REMINDED in row.muted,
        "uninvited": MessageKind.ASSIGNED in row.muted,
        "active": request.viewer.customer.active,
        "simulate_url": address(request, "settings_simulate"),
        "off_url": address(request, "settings_reminders_off"),
    }
