"""Messages over our own API: what became of each, and sending again what was given up; ids and words, never an address."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.rendering import answer
from bursar.api.v1.paging import Paging, filled, page
from bursar.api.v1.schemas import Id, In, Line, Moment, Out, PageOf
from bursar.assignments import services
from bursar.assignments.timelines import fate
from bursar.outbox.models import Message
from bursar.people.access import Permission, visible

router: Final = Router(tags=["messages"])
MOST: Final = 1000
ORDER: Final = ("priority", "due_at", "uuid")  # the index of the outbox, within a state


Fate = Literal["pending", "claimed", "committing", "sent", "dropped", "failed", "unknown", "bounced"]


class MessageOut(Out):
    """One message to somebody, or one webhook: `about` is the assignment, person, event or allocation it is about."""

    uuid: UUID
    customer: UUID | None
    topic: str = Field(examples=["mail"])
    kind: str = Field(examples=["assigned"])
    about: UUID
    cycle: int
    ordinal: int
    state: Fate
    reason: str
    error_code: str
    attempts: int
    due_at: Moment
    settled_at: Moment | None
    resent_at: Moment | None = Field(
        description="When it was sent again though it may have left: it may be there twice."
    )
    created: Moment
    fate: str = Field(description="What became of it, in words.")


class MessagePage(PageOf[MessageOut]):
    """A page of messages."""


class MessageFilters(Paging):
    """Which messages: of one state, the most urgent first."""

    state: Fate = Field("failed", description="Where they stand.")
    customer: UUID | None = None
    topic: Line | None = Field(None, max_length=40)
    kind: Line | None = Field(None, max_length=40)
    about: UUID | None = None


class ReplayIn(In):
    """Some messages that were given up."""

    messages: Annotated[list[Id], Field(min_length=1, max_length=MOST)]


class ReplayedOut(Out):
    """A message that is due again."""

    message: UUID
    result: str


class NotReplayedOut(Out):
    """Why a message is left as it is."""

    message: UUID
    code: str
    message_text: str


class ManyReplayedOut(Out):
    """Every message of the call once."""

    done: list[ReplayedOut]
    refused: list[NotReplayedOut]


@router.get("/messages", response=MessagePage)
def list_messages(request: HttpRequest, filters: Query[MessageFilters]) -> HttpResponse:
    """Name messages in one state; without one, those that were given up. Takes `assignments.manage`."""
    rows = visible(Message.objects.all(), actor_of(request), Permission.MANAGE, customer_field="customer_uuid")
    wanted = {
        "state": filters.state,
        "customer_uuid": filters.customer,
        "topic": filters.topic,
        "kind": filters.kind,
        "subject_uuid": filters.about,
    }
    return page(request, rows.filter(**filled(wanted)), filters, ORDER, message_shape)


@router.post("/messages/replay", response=ManyReplayedOut)
def replay_messages(request: HttpRequest, payload: ReplayIn) -> HttpResponse:
    """Make messages that were given up, or may have left, due now, with all their attempts before them."""
    outcome = services.replay_messages(payload.messages, actor=actor_of(request))
    done = [{"message": key, "result": result} for key, result in outcome.done.items()]
    refused = [{"message": key, "code": why.code, "message_text": why.message} for key, why in outcome.refused.items()]
    return answer({"done": done, "refused": refused})


def message_shape(row: Message) -> dict[str, Any]:
    """Return a message as JSON."""
    names = (
        *("uuid", "topic", "kind", "cycle", "ordinal", "state", "reason", "error_code", "attempts", "due_at"),
        *("settled_at", "resent_at", "created"),
    )
    shape = {name: getattr(row, name) for name in names}
    return shape | {"customer": row.customer_uuid, "about": row.subject_uuid, "fate": fate(row)}
