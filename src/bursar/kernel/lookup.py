"""How people name a row: by its uuid, or by a name when only one row has it."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from bursar.kernel.errors import NotFound, Refused

M = TypeVar("M", bound=Model)


def find_one(rows: QuerySet[M], reference: str | UUID, *, name: str) -> M:
    """Return the row whose key is `reference`, else the only one whose field `name` is exactly that.

    Raises `NotFound` when there is none, `Refused` (`ambiguous_name`) when there are several.
    """
    noun = rows.model._meta.verbose_name
    key = as_uuid(reference)
    found = list((rows.filter(pk=key) if key else rows.filter(**{name: str(reference)}))[:2])
    if not found:
        raise NotFound(f"There is no such {noun}.")
    if len(found) > 1:
        raise Refused(f"Several are called that; give the uuid of the {noun}.", code="ambiguous_name")
    return found[0]


def as_uuid(text: str | UUID) -> UUID | None:
    """Return `text` as a UUID, or None when it is none."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text)
    except ValueError:
        return None
