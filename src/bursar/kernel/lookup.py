"""How people name a row: by its uuid, or by a name when only one row has it."""

from typing import Final, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from bursar.kernel.errors import NotFound, Refused

M = TypeVar("M", bound=Model)
NAMED: Final = 5


def find_one(rows: QuerySet[M], reference: str | UUID, *, name: str) -> M:
    """Return the row whose key is `reference`, else the only one whose field `name` is exactly that.

    Raises `NotFound` when there is none, `Refused` (`ambiguous_name`) when there are several; of these it names some.
    """
    noun = rows.model._meta.verbose_name
    key = as_uuid(reference)
    found = list((rows.filter(pk=key) if key else rows.filter(**{name: str(reference)}))[:NAMED])
    if not found:
        raise NotFound(f"There is no such {noun}.")
    if len(found) > 1:
        keys = [str(row.pk) for row in found]
        named = ", ".join(keys)
        raise Refused(
            f"Several are called that; give the uuid of the {noun}: {named}.", code="ambiguous_name", found=keys
        )
    return found[0]


def as_uuid(text: str | UUID) -> UUID | None:
    """Return `text` as a UUID, or None when it is none."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text)
    except ValueError:
        return None
