"""Keys of courses and runs as clients send them: of the form that Open edX gives them, or known to the catalog (wire 2.5)."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from bursar.api.openedx import scope
from bursar.assignments.flows import sights_of
from bursar.catalog.files import TEXT_LENGTH, is_key

FORM: Final = re.compile(r"[^\s+/]+(?:[+/][^\s+/]+){1,2}")


def _content_key(text: str) -> str:
    if is_key(text) and (FORM.fullmatch(text) or sights_of({(text, None)}, scope.CURRENCY)):
        return text
    raise PydanticCustomError("content_key", "Invalid content_key: {key}", {"key": text})


ContentKey = Annotated[
    str, AfterValidator(_content_key), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": TEXT_LENGTH})
]
