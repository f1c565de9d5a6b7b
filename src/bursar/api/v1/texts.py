"""A customer's own message texts over our own API: which there are, keeping one, and going back to the one built in."""

from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.rendering import answer
from bursar.api.v1.paging import Paging, page
from bursar.api.v1.schemas import In, Line, Moment, Out, PageOf, Text
from bursar.api.v1.scope import found, require
from bursar.assignments import services
from bursar.assignments.models import MessageText
from bursar.assignments.texts import KINDS, LONGEST_BODY, LONGEST_SUBJECT
from bursar.kernel.errors import NotFound
from bursar.people.access import Permission
from bursar.people.models import Customer

router: Final = Router(tags=["policies"])
NAMES: Final = ("uuid", "kind", "language", "subject", "body", "created", "modified")


class TextOut(Out):
    """A text of a customer's for one kind of mail in one language."""

    uuid: UUID
    customer: UUID
    kind: str
    language: str
    subject: str
    body: str
    created: Moment
    modified: Moment


class TextPage(PageOf[TextOut]):
    """A page of texts."""


class TextIn(In):
    """A text for one kind of mail in one language; what may stand in it is told by what is refused."""

    kind: Annotated[str, Field(json_schema_extra={"enum": list(KINDS)})]
    language: Annotated[Line, Field(min_length=2, max_length=16, examples=["en"])]
    subject: Annotated[Line, Field(min_length=1, max_length=LONGEST_SUBJECT, examples=["For you: {{ course_title }}"])]
    body: Annotated[Text, Field(min_length=1, max_length=LONGEST_BODY, examples=["Begin here: {{ link }}"])]


class TextFilters(Paging):
    """How many texts, and from where."""


@router.get("/customers/{uuid:customer}/texts", response=TextPage)
def list_texts(request: HttpRequest, customer: UUID, filters: Query[TextFilters]) -> HttpResponse:
    """Name a customer's own texts; every other mail has the text that is built in. Takes `assignments.manage`."""
    owner = _customer(request, customer, Permission.MANAGE)
    return page(request, MessageText.objects.filter(customer_uuid=owner.pk), filters, ("uuid",), text_shape)


@router.post("/customers/{uuid:customer}/texts", response=TextOut)
def keep_text(request: HttpRequest, customer: UUID, payload: TextIn) -> HttpResponse:
    """Keep a text in place of the one of its kind and language before; again changes nothing. Takes `notifications.write`."""
    owner = _customer(request, customer, Permission.NOTIFY)
    row = services.set_text(owner.pk, **payload.model_dump(), actor=actor_of(request))
    return answer(text_shape(row))


@router.delete("/customers/{uuid:customer}/texts/{uuid:text}", response={204: None})
def remove_text(request: HttpRequest, customer: UUID, text: UUID) -> HttpResponse:
    """Go back to the text that is built in. Takes `notifications.write`."""
    owner = _customer(request, customer, Permission.NOTIFY)
    row = MessageText.objects.filter(pk=text, customer_uuid=owner.pk).first()
    if row is None:
        raise NotFound("There is no such thing here.")
    services.remove_text(owner.pk, row.kind, row.language, actor=actor_of(request))
    return HttpResponse(status=204)


def text_shape(row: MessageText) -> dict[str, Any]:
    """Return a text as JSON."""
    return {"customer": row.customer_uuid} | {name: getattr(row, name) for name in NAMES}


def _customer(request: HttpRequest, key: UUID, permission: Permission) -> Customer:
    row = found(request, Customer.objects.all(), key, customer_field="pk")
    require(request, permission, row.pk)
    return row
