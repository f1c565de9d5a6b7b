"""What is told of an event: one JSON body, the same bytes at every try, and the same facts in the feed."""

import json
from datetime import UTC, datetime
from typing import Any

from bursar.webhooks.models import Event


def body(event: Event) -> bytes:
    """Return what is posted for a published event, as Standard Webhooks lays it out: type, timestamp and data."""
    return compact({"type": event.type, "timestamp": moment(event.created), "data": data(event)})


def data(event: Event) -> dict[str, Any]:
    """Return the facts of an event with its number among those about the same subject."""
    return {**event.data, "sequence": event.sequence}


def entry(event: Event) -> dict[str, Any]:
    """Return an event as the feed shows it; `id` is what a delivery calls webhook-id."""
    return {
        "id": str(event.uuid),
        "position": event.position,
        "type": event.type,
        "timestamp": moment(event.created),
        "data": data(event),
    }


def compact(value: Any) -> bytes:
    """Return a value as JSON without blanks, its keys in order."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def moment(value: datetime) -> str:
    """Return a moment as ISO 8601 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
