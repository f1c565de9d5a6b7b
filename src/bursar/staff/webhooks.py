"""Staff pages: events, and the endpoints that are told of them. Deliveries are messages of the outbox."""

from django.contrib.admin import register

from bursar.outbox.models import Message
from bursar.staff.columns import told
from bursar.staff.deeds import Deed
from bursar.staff.records import Lead, Record
from bursar.staff.searching import Found
from bursar.staff.site import site
from bursar.webhooks.models import Endpoint, Event
from bursar.webhooks.services import disable_endpoint, enable_endpoint


@register(Event, site=site)
class EventRecord(Record):
    """What happened, as other systems are told of it; the newest first."""

    list_display = ("type", "customer_uuid", "subject_uuid", "position", "created")
    ordering = ("-id",)
    found = Found(uuids=("uuid",), numbers=("pk",))
    leads = (Lead("Deliveries", Message, "subject_uuid", "uuid"),)


@register(Endpoint, site=site)
class EndpointRecord(Record):
    """Receivers. Of their addresses the host alone is shown: the rest may hold a secret."""

    list_display = (
        told("host"),
        "customer_uuid",
        "failures",
        "last_fault",
        "paused_until",
        "disabled_at",
        "disabled_reason",
    )
    ordering = ("-id",)
    found = Found(uuids=("uuid", "customer_uuid"))
    hidden = ("url", "seed", "previous_seed")
    more = (told("host"),)
    deeds = (
        Deed(
            "disable", "Disable", "It is told nothing until it is enabled; what waits for it is dropped.", each=True,
            do=lambda actor, rows, _: disable_endpoint(rows[0].uuid, actor=actor), fits=lambda row: row.disabled_at is None,
        ),
        Deed(
            "enable", "Enable", "It is told of events again, from now on.", each=True,
            do=lambda actor, rows, _: enable_endpoint(rows[0].uuid, actor=actor),
            fits=lambda row: row.disabled_at is not None,
        ),
    )  # fmt: skip
    leads = (Lead("Events of the customer", Event, "customer_uuid", "customer_uuid"),)
