"""What callers send, read leniently (ruling 30): unknown keys do not count, and amounts are rounded to the cent.

A view reads the body after it has asked for permission, so that whoever may not do something learns nothing else.
"""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any, Final, TypeVar

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from ninja.errors import HttpError, ValidationError
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic import ValidationError as Invalid
from pydantic_core import PydanticCustomError

from bursar.assignments.flows.allocations import LARGEST_PRICE_CENTS
from bursar.kernel.conf import setting
from bursar.people.addresses import BadAddress, normal_form

B = TypeVar("B", bound=BaseModel)
LARGEST_NUMBER: Final = 2**31 - 1
WRITTEN_NUMBER: Final = 40


def read_body(request: HttpRequest, model: type[B]) -> B:
    """Return the body of a request as a model; answers 400, field by field, for what cannot be read as one."""
    try:
        return model.model_validate(_json(request))
    except Invalid as error:
        faults = error.errors(include_url=False)
        raise ValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from None


def _json(request: HttpRequest) -> Any:
    try:
        return orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        raise HttpError(400, "JSON parse error.") from None
    except RequestDataTooBig:
        raise HttpError(413, "The body is too large.") from None


def documents(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """Return what OpenAPI says of an operation that reads its body with `read_body`."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": required, "content": content}}


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("int_parsing", "A valid integer is required.")
    return value


def _cents(value: Any) -> int:
    """Return the whole cents nearest to an amount: clients reckon it in binary dollars, times 100."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > WRITTEN_NUMBER:
        raise PydanticCustomError("int_type", "A valid integer is required.")
    try:
        return int(Decimal(str(value)).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    except (InvalidOperation, ValueError, OverflowError):
        raise PydanticCustomError("int_parsing", "A valid integer is required.") from None


def _address(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("string_too_short", "This field may not be blank.")
    try:
        normal_form(text)
    except BadAddress:
        raise PydanticCustomError("bad_address", "Enter a valid email address.") from None
    return text


def _few_enough(value: Any) -> Any:
    """Refuse too many before each is looked at."""
    most = setting("api_address_limit")
    if isinstance(value, list) and len(value) > most:
        words = "Ensure this field has no more than {max_length} elements."
        raise PydanticCustomError("too_long", words, {"max_length": most})
    return value


Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER), BeforeValidator(_no_bool)]
PRICE: Final = {"type": "number", "minimum": 0, "maximum": LARGEST_PRICE_CENTS}
Cents = Annotated[int, Field(ge=0, le=LARGEST_PRICE_CENTS), BeforeValidator(_cents), WithJsonSchema(PRICE)]

Address = Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string", "format": "email"})]
Addresses = Annotated[list[Address], Field(min_length=1), BeforeValidator(_few_enough)]
