"""The feed of events over our own API: every one once, in the order of their commits, from a cursor on."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from bursar.api.auth import actor_of
from bursar.api.rendering import answer
from bursar.api.v1.schemas import Line, Moment, Out, QueryCount
from bursar.webhooks import selectors
from bursar.webhooks.payloads import entry

router: Final = Router(tags=["events"])
LARGEST_PAGE: Final = 1000
LARGEST_CURSOR: Final = 2**63 - 1


class EventOut(Out):
    """Something that happened: ids, cents, dates and fixed words. A webhook about it has `id` as its webhook-id."""

    id: UUID
    position: int
    type: str = Field(examples=["assignment.accepted"])
    timestamp: Moment
    data: dict[str, Any]


class FeedOut(Out):
    """Events from a cursor on."""

    items: list[EventOut]
    cursor: int = Field(description="Give it as `after` next time; keep it once these are dealt with.")
    more: bool = Field(description="More follow at once.")
    complete: bool = Field(description="False: events before these are no longer kept.")


class FeedOptions(BaseModel):
    """Whose events, from where on."""

    customer: UUID
    after: int = Field(
        0, ge=0, le=LARGEST_CURSOR, description="The `cursor` of the last answer; 0 for all that is kept."
    )
    types: Line | None = Field(None, max_length=1000, description="Only these types, separated by commas.")
    limit: QueryCount = Field(100, ge=1, le=LARGEST_PAGE, validate_default=False)


@router.get("/events", response=FeedOut)
def list_events(request: HttpRequest, feed: Query[FeedOptions]) -> HttpResponse:
    """Read a customer's events, oldest first. Takes `assignments.manage`."""
    types = [word.strip() for word in (feed.types or "").split(",") if word.strip()]
    page = selectors.feed(feed.customer, after=feed.after, types=types, limit=feed.limit, actor=actor_of(request))
    body = {
        "items": [entry(event) for event in page.events],
        "cursor": page.cursor,
        "more": page.more,
        "complete": page.complete,
    }
    return answer(body)
