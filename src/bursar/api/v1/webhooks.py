"""Webhooks over our own API: endpoints, their secrets (shown once), tests, replays, and what became of each delivery."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.rendering import answer
from bursar.api.v1.etags import EDITED, edit, single
from bursar.api.v1.messages import MessagePage, message_shape
from bursar.api.v1.paging import Paging, filled, page, page_by
from bursar.api.v1.schemas import Id, In, Line, Moment, Out, PageOf, Whole
from bursar.api.v1.scope import require_at
from bursar.kernel import clock
from bursar.people.access import Permission
from bursar.webhooks import flows, selectors, services
from bursar.webhooks.answers import judge
from bursar.webhooks.egress import LONGEST_URL
from bursar.webhooks.models import Endpoint
from bursar.webhooks.services import NewSecret

router: Final = Router(tags=["webhooks"])
ORDER: Final = ("created", "id")
MOST_EVENTS: Final = 1000
CHOSEN: Final = ("types",)

EventTypes = Annotated[list[Annotated[Line, Field(max_length=40)]], Field(max_length=100)]


class EndpointOut(Out):
    """An address that is told of events; of all, where `types` is empty."""

    uuid: UUID
    customer: UUID
    url: str
    types: list[str]
    disabled_at: Moment | None
    disabled_reason: str
    failing_since: Moment | None
    failures: int = Field(description="In a row.")
    last_fault: str
    paused_until: Moment | None
    previous_secret_until: Moment | None
    created: Moment


class EndpointPage(PageOf[EndpointOut]):
    """A page of endpoints."""


class NewEndpointOut(EndpointOut):
    """The same with the secret, which is shown this once."""

    secret: str = Field(examples=["whsec_…"])


class EndpointIn(In):
    """A new endpoint."""

    customer: Id
    url: Annotated[Line, Field(min_length=1, max_length=LONGEST_URL, examples=["https://hooks.example.org/bursar"])]
    types: EventTypes = []


class EndpointChange(In):
    """Of which events an endpoint is told from now on; of all, where `types` is empty."""

    types: EventTypes


class RotateIn(In):
    """How long the previous secret signs too."""

    keep_previous_hours: Annotated[int, Field(ge=0, le=720), Whole] = 24


class EventsIn(In):
    """Which events are told again: of a time, or these."""

    begin: Moment | None = None
    end: Moment | None = None
    events: Annotated[list[Id], Field(max_length=MOST_EVENTS)] | None = None


class TestOut(Out):
    """What the receiver answered."""

    delivered: bool
    status: int | None
    fault: str


class QueuedOut(Out):
    """How many events are due to be told again."""

    replayed: int


class EndpointFilters(Paging):
    """Which endpoints."""

    customer: UUID | None = None


class DeliveryFilters(Paging):
    """How many deliveries, and from where."""


@router.get("/webhooks", response=EndpointPage)
def list_webhooks(request: HttpRequest, filters: Query[EndpointFilters]) -> HttpResponse:
    """Name the endpoints, oldest first. Takes `notifications.write`."""
    rows = selectors.endpoints(actor_of(request)).filter(**filled({"customer_uuid": filters.customer}))
    return page(request, rows, filters, ORDER, endpoint_shape)


@router.post("/webhooks", response={201: NewEndpointOut})
def create_webhook(request: HttpRequest, payload: EndpointIn) -> HttpResponse:
    """Have events posted to an address from now on. Takes `notifications.write`."""
    require_at(request, Permission.NOTIFY, payload.customer)
    made = services.add_endpoint(payload.customer, payload.url, types=payload.types, actor=actor_of(request))
    return _secret(made, status=201)


@router.get("/webhooks/{uuid:endpoint}", response=EndpointOut)
def get_webhook(request: HttpRequest, endpoint: UUID) -> HttpResponse:
    """Tell how an endpoint fares."""
    row = selectors.find_endpoint(endpoint, actor=actor_of(request))
    return single(endpoint_shape(row), row, CHOSEN)


@router.patch("/webhooks/{uuid:endpoint}", response=EndpointOut, openapi_extra=EDITED)
def edit_webhook(request: HttpRequest, endpoint: UUID, payload: EndpointChange) -> HttpResponse:
    """Choose anew of which events an endpoint is told; what waits for it already still goes."""
    actor = actor_of(request)
    row = selectors.find_endpoint(endpoint, actor=actor)
    done = edit(request, row, CHOSEN, lambda: services.choose_events(row.uuid, payload.types, actor=actor))
    return single(endpoint_shape(done), done, CHOSEN)


@router.delete("/webhooks/{uuid:endpoint}", response={204: None})
def delete_webhook(request: HttpRequest, endpoint: UUID) -> HttpResponse:
    """Forget an endpoint; what waits for it is dropped."""
    services.remove_endpoint(endpoint, actor=actor_of(request))
    return HttpResponse(status=204)


@router.post("/webhooks/{uuid:endpoint}/secret", response=NewEndpointOut)
def rotate_webhook_secret(request: HttpRequest, endpoint: UUID, payload: RotateIn) -> HttpResponse:
    """Give an endpoint a new secret; the previous one signs beside it for a while."""
    kept = timedelta(hours=payload.keep_previous_hours)
    return _secret(services.rotate_secret(endpoint, keep_previous=kept, actor=actor_of(request)), status=200)


@router.post("/webhooks/{uuid:endpoint}/disable", response=EndpointOut)
def disable_webhook(request: HttpRequest, endpoint: UUID) -> HttpResponse:
    """Tell an endpoint of nothing more until it is enabled."""
    return _one(services.disable_endpoint(endpoint, actor=actor_of(request)))


@router.post("/webhooks/{uuid:endpoint}/enable", response=EndpointOut)
def enable_webhook(request: HttpRequest, endpoint: UUID) -> HttpResponse:
    """Tell an endpoint of events again, from now on."""
    return _one(services.enable_endpoint(endpoint, actor=actor_of(request)))


@router.post("/webhooks/{uuid:endpoint}/test", response=TestOut)
def test_webhook(request: HttpRequest, endpoint: UUID) -> HttpResponse:
    """Post a test now, signed like an event, and tell the answer."""
    found = flows.post_test(endpoint, actor=actor_of(request))
    delivered = judge(found.status, fault=found.fault, now=clock.now()).outcome == "sent"
    body = {"delivered": delivered, "status": found.status, "fault": found.fault}
    return answer(body)


@router.post("/webhooks/{uuid:endpoint}/replay", response={202: QueuedOut})
def replay_webhook_events(request: HttpRequest, endpoint: UUID, payload: EventsIn) -> HttpResponse:
    """Tell an endpoint of events again, under the ids that they had."""
    number = services.replay_events(
        endpoint, begin=payload.begin, end=payload.end, events=payload.events, actor=actor_of(request)
    )
    return answer({"replayed": number}, 202)


@router.get("/webhooks/{uuid:endpoint}/deliveries", response=MessagePage)
def list_webhook_deliveries(request: HttpRequest, endpoint: UUID, paging: Query[DeliveryFilters]) -> HttpResponse:
    """Name what became of the deliveries to an endpoint, the latest event first; `about` is the event."""
    row = selectors.find_endpoint(endpoint, actor=actor_of(request))

    def fetch(place: Sequence[Any] | None, limit: int) -> list[selectors.Delivery]:
        return selectors.deliveries(row, before=int(place[0]) if place else None, limit=limit)

    return page_by(request, paging, fetch, lambda item: [item.position], lambda item: message_shape(item.message))


def endpoint_shape(row: Endpoint) -> dict[str, Any]:
    """Return an endpoint as JSON, without the secret."""
    names = ("uuid", "url", "types", "disabled_at", "disabled_reason", "failing_since", "failures", "last_fault")
    shape = {name: getattr(row, name) for name in (*names, "paused_until", "created")}
    return shape | {"customer": row.customer_uuid, "previous_secret_until": row.previous_until}


def _one(row: Endpoint) -> HttpResponse:
    return answer(endpoint_shape(row))


def _secret(made: NewSecret, *, status: int) -> HttpResponse:
    shape = endpoint_shape(made.endpoint) | {"secret": made.secret}
    response = answer(shape, status)
    if status == 201:  # noqa: PLR2004  HTTP's own number
        response["Location"] = reverse("v1:get_webhook", kwargs={"endpoint": made.endpoint.uuid})
    return response
