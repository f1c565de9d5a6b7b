"""Webhooks: which systems are told of what, how that fares, a test, secrets shown once, and telling again."""

import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from bursar.admin_portal.settings.places import NOT_READ, address, go, show
from bursar.admin_portal.settings.words import FAULTS, said, worded
from bursar.kernel import clock
from bursar.kernel.errors import BadInput, BursarError, NotFound
from bursar.kernel.lookup import as_uuid
from bursar.outbox.models import State
from bursar.pages.guards import admin_page, readable_or_sent
from bursar.pages.shapes import Chip, Tone
from bursar.pages.viewer import PageRequest
from bursar.people.access import Permission
from bursar.webhooks import flows, registry, selectors, services
from bursar.webhooks.answers import judge
from bursar.webhooks.egress import LONGEST_URL
from bursar.webhooks.models import Endpoint
from bursar.webhooks.services import NewSecret
from bursar.webhooks.services.endpoints import BY_HAND

PAGE: Final = "settings_webhooks"
ONE: Final = "settings_webhook"
RECENT: Final = 20
FATES: Final = {
    State.PENDING: (gettext_lazy("Waits"), Tone.INFO, "clock"),
    State.CLAIMED: (gettext_lazy("Under way"), Tone.INFO, "clock"),
    State.COMMITTING: (gettext_lazy("Under way"), Tone.INFO, "clock"),
    State.SENT: (gettext_lazy("Delivered"), Tone.GOOD, "check"),
    State.DROPPED: (gettext_lazy("Not sent"), Tone.NEUTRAL, "dot"),
    State.FAILED: (gettext_lazy("Given up"), Tone.BAD, "error"),
    State.UNKNOWN: (gettext_lazy("May have arrived"), Tone.WARN, "warning"),
    State.BOUNCED: (gettext_lazy("Came back"), Tone.BAD, "error"),
}
DISABLED: Final = {
    BY_HAND: gettext_lazy("switched off by hand"),
    services.GONE: gettext_lazy("the receiver said that it wants nothing more"),
    services.FAILING: gettext_lazy("it failed for too long"),
}


class EventsForm(forms.Form):
    """Of which events an endpoint is told; of all, where none is chosen."""

    types = forms.MultipleChoiceField(
        label=gettext_lazy("Told of (none: of everything)"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["types"].choices = [(name, name) for name in registry.known()]  # type: ignore[attr-defined]  # a choice


class EndpointForm(EventsForm):
    """A new endpoint."""

    url = forms.CharField(
        label=gettext_lazy("Address"), max_length=LONGEST_URL,
        help_text=gettext_lazy("It starts with https:// and is public. What happens is posted there, signed."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )  # fmt: skip
    field_order = ("url", "types")


@dataclass(frozen=True, slots=True)
class Webhook:
    """One endpoint as pages show it."""

    row: Endpoint
    url: str

    @property
    def chip(self) -> Chip:
        """How it fares, in a word."""
        if self.row.disabled_at:
            return Chip(gettext("Off"), Tone.BAD)
        return Chip(gettext("Failing"), Tone.WARN) if self.row.failing_since else Chip(gettext("Works"), Tone.GOOD)

    @property
    def why_off(self) -> str:
        """Why it is off."""
        return worded(DISABLED, self.row.disabled_reason)

    @property
    def fault(self) -> str:
        """What it answered when it failed last."""
        return fault_words(self.row.last_fault)

    @property
    def paused_until(self) -> Any:
        """Until when it is left alone, None if it is not."""
        return self.row.paused_until if self.row.is_paused(clock.now()) else None


def fault_words(code: str) -> str:
    """Return what a fixed word about an answer means."""
    status = code.removeprefix("http_")
    return gettext("it answered %(status)s") % {"status": status} if status != code else worded(FAULTS, code)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one event, as the page shows it."""

    event: UUID
    kind: str
    chip: Chip
    at: Any
    why: str


@readable_or_sent
@admin_page(Permission.NOTIFY)
def webhooks(request: PageRequest) -> HttpResponse:
    """Show the endpoints; on POST add one, and show its secret in this answer and nowhere else."""
    sent = request.method == "POST"
    form = EndpointForm(request.POST if sent else None)
    made = _add(request, form) if sent and form.is_valid() else None
    if made is not None:
        return _with_secret(request, made)
    rows = selectors.endpoints(request.viewer.actor, customer=request.viewer.customer.pk)
    facts = {"webhooks": [_webhook(request, row) for row in rows], "form": form}
    return show(request, PAGE, "webhooks.html", facts, status=NOT_READ if sent else None)


def _webhook(request: PageRequest, row: Endpoint) -> Webhook:
    return Webhook(row, address(request, ONE, endpoint=row.uuid))


def _add(request: PageRequest, form: EndpointForm) -> NewSecret | None:
    viewer = request.viewer
    url, types = form.cleaned_data["url"], form.cleaned_data["types"]
    try:
        return services.add_endpoint(viewer.customer.pk, url, types=types, actor=viewer.actor)
    except BursarError as error:
        form.add_error("types" if error.code == "unknown_event_type" else "url", said(error))
        return None


def _with_secret(request: PageRequest, made: NewSecret) -> HttpResponse:
    facts = {"webhook": _webhook(request, made.endpoint), "secret": made.secret}
    return show(request, PAGE, "webhook_secret.html", facts)


def _find(request: PageRequest, endpoint: UUID) -> Endpoint:
    row = selectors.find_endpoint(endpoint, actor=request.viewer.actor)
    if row.customer_uuid != request.viewer.customer.pk:
        raise NotFound("There is no such endpoint here.")
    return row


@require_safe
@admin_page(Permission.NOTIFY)
def webhook(request: PageRequest, endpoint: UUID) -> HttpResponse:
    """Show one endpoint: how it fares, what it is told of, and what became of the latest events."""
    row = _find(request, endpoint)
    names = ("test", "events", "secret", "enable", "disable", "remove", "replay")
    facts = {
        "webhook": _webhook(request, row),
        "owed": selectors.owed_to(row),
        "deliveries": [_delivery(item) for item in selectors.deliveries(row, limit=RECENT, looks=1)],
        "form": EventsForm(initial={"types": row.types}),
        **{f"{name}_url": address(request, f"settings_webhook_{name}", endpoint=row.uuid) for name in names},
    }
    return show(request, PAGE, "webhook.html", facts)


def _delivery(item: selectors.Delivery) -> Delivery:
    message = item.message
    text, tone, icon = FATES[State(message.state)]
    why = fault_words(message.error_code) if message.error_code else message.reason
    at = message.settled_at or message.due_at
    return Delivery(message.subject_uuid, message.kind, Chip(str(text), tone, icon), at, why)


@require_POST
@admin_page(Permission.NOTIFY)
def test(request: PageRequest, endpoint: UUID) -> HttpResponse:
    """Post a test now, and say what was answered and how long that took."""
    row = _find(request, endpoint)
    begun = time.monotonic()
    answer = flows.post_test(row.uuid, actor=request.viewer.actor)
    facts = {"seconds": f"{time.monotonic() - begun:.1f}", "status": answer.status, "why": fault_words(answer.fault)}
    if judge(answer.status, fault=answer.fault, now=clock.now()).outcome == "sent":
        messages.success(request, gettext("The test arrived: it answered %(status)s after %(seconds)s s.") % facts)
    elif answer.status is not None:
        messages.error(
            request, gettext("The test was not taken: it answered %(status)s after %(seconds)s s.") % facts
        )  # fmt: skip
    else:
        messages.error(request, gettext("The test did not arrive: %(why)s (after %(seconds)s s).") % facts)
    return go(request, ONE, endpoint=endpoint)


@require_POST
@admin_page(Permission.NOTIFY)
def events(request: PageRequest, endpoint: UUID) -> HttpResponse:
    """Choose of which events an endpoint is told from now on."""
    row = _find(request, endpoint)
    try:
        services.choose_events(row.uuid, request.POST.getlist("types"), actor=request.viewer.actor)
    except BadInput as error:
        messages.error(request, said(error))
    else:
        messages.success(request, gettext("It is told of these events from now on."))
    return go(request, ONE, endpoint=endpoint)


@require_POST
@admin_page(Permission.NOTIFY)
def secret(request: PageRequest, endpoint: UUID) -> HttpResponse:
    """Give an endpoint a new secret, and show it in this answer and nowhere else; the one before signs for a day too."""
    row = _find(request, endpoint)
    return _with_secret(request, services.rotate_secret(row.uuid, actor=request.viewer.actor))


@require_POST
@admin_page(Permission.NOTIFY)
def enable(request: PageRequest, endpoint: UUID) -> HttpResponse:
    """Tell an endpoint of events again."""
    services.enable_endpoint(_find(request, endpoint).uuid, actor=request.viewer.actor)
    messages.success(
        request, gettext("It is told of everything that happens from now on. What it missed can be told again.")
    )
    return go(request, ONE, endpoint=endpoint)


@require_POST
@admin_page(Permission.NOTIFY)
def disable(request: PageRequest, endpoint: UUID) -> HttpResponse:
    """Tell an endpoint of nothing more."""
    services.disable_endpoint(_find(request, endpoint).uuid, actor=request.viewer.actor)
    messages.success(request, gettext("It is told of nothing until it is switched on again."))
    return go(request, ONE, endpoint=endpoint)


@require_POST
@admin_page(Permission.NOTIFY)
def remove(request: PageRequest, endpoint: UUID) -> HttpResponse:
    """Forget an endpoint."""
    services.remove_endpoint(_find(request, endpoint).uuid, actor=request.viewer.actor)
    messages.success(request, gettext("The webhook is removed."))
    return go(request, PAGE)


@require_POST
@admin_page(Permission.NOTIFY)
def replay(request: PageRequest, endpoint: UUID) -> HttpResponse:
    """Tell an endpoint of one event again."""
    row, event = _find(request, endpoint), as_uuid(request.POST.get("event", ""))
    try:
        told = services.replay_events(row.uuid, events=[event], actor=request.viewer.actor) if event else 0
    except BursarError as error:
        messages.error(request, said(error))
        return go(request, ONE, endpoint=endpoint)
    if told:
        messages.success(request, gettext("It is told of the event again, under the id that it had."))
    else:
        messages.error(request, gettext("The event is no longer kept, or not one that this webhook is told of."))
    return go(request, ONE, endpoint=endpoint)
