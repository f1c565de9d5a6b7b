"""Staff pages: answers kept for idempotency keys, and what staff did here."""

from django.contrib.admin import register
from django.contrib.admin.models import LogEntry

from bursar.api.models import IdempotencyKey
from bursar.staff.columns import told
from bursar.staff.records import Record
from bursar.staff.searching import Found
from bursar.staff.site import site


@register(IdempotencyKey, site=site)
class KeyRecord(Record):
    """Requests that were done once; who asked, with which key and for what are hashes, and not shown."""

    list_display = ("route", "tenant", "status", "created")
    ordering = ("-id",)
    found = Found(texts=("route",))
    hidden = ("principal", "key", "fingerprint", "kept", "location")


@register(LogEntry, site=site)
class LogRecord(Record):
    """Who did what on these pages, and why."""

    list_display = ("action_time", told("user.username", "who"), "content_type", "object_id", "change_message")
    ordering = ("-id",)
    list_select_related = ("user", "content_type")
    found = Found(texts=("object_id",))
