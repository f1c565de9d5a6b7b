"""What bodies and parameters are made of: strict types with bounds, so that nothing a database refuses gets past here."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from bursar.budgets.services import LARGEST_AMOUNT

T = TypeVar("T")

UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MOMENT_TEXT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)")
# Other years are slips of the keyboard, and those at the ends of the calendar overflow when a term is added.
YEARS: Final = range(1900, 9000)
YEAR_PATTERN: Final = "^(19|[2-8][0-9])[0-9][0-9]-"
EXACT: Final = 2**53  # up to here a float that is whole is the number that was meant
NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f]*$"
NO_NUL: Final = r"^[^\x00]*$"
SAME_WORDS: Final = {"true": True, "false": False}


class In(BaseModel):
    """A body: exactly these fields, of exactly these types."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Out(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="forbid")


class PageOf(Out, Generic[T]):
    """A page of a list; each list has a class of its own, for its name in the description."""

    items: list[T]
    next: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")


def _uuid(value: Any) -> Any:
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str) or not UUID_TEXT.fullmatch(value):
        raise PydanticCustomError("invalid_uuid", "A UUID, such as 6f0e3c9e-6d7a-4c55-9d52-0f3a3c3a7a10")
    return UUID(value)


def _moment(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not MOMENT_TEXT.fullmatch(value):
        raise PydanticCustomError("invalid_moment", "A date and time with its zone, such as 2027-01-31T00:00:00Z")
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError:
        raise PydanticCustomError("invalid_moment", "A date that the calendar has") from None
    if moment.year not in YEARS:
        raise PydanticCustomError("invalid_moment", "A year from 1900 to 8999")
    return moment.astimezone(UTC)


def _whole(value: Any) -> Any:
    """Take 5.0 for 5, which JSON does not tell apart."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT else value


def _flag(value: Any) -> Any:
    if value not in SAME_WORDS:
        raise PydanticCustomError("invalid_flag", "true or false")
    return SAME_WORDS[value]


def _count(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,10}", value):
        raise PydanticCustomError("invalid_number", "A whole number")
    return int(value)


Id = Annotated[UUID, BeforeValidator(_uuid)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": YEAR_PATTERN}),
]
QueryFlag = Annotated[bool, BeforeValidator(_flag)]
Counted = BeforeValidator(_count)
QueryCount = Annotated[int, Counted]
Line = Annotated[str, StringConstraints(pattern=NO_CONTROLS)]
Text = Annotated[str, StringConstraints(pattern=NO_NUL)]
Whole = BeforeValidator(_whole)
Cents = Annotated[int, Field(ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT), Whole]
PositiveCents = Annotated[int, Field(gt=0, le=LARGEST_AMOUNT, examples=[250_000]), Whole]
LimitCents = Annotated[int, Field(ge=0, le=LARGEST_AMOUNT, examples=[100_000]), Whole]
