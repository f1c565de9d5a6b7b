"""The class of our own API: strict about parameters and bodies, and every failure a problem."""

import json
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from bursar.api.base import Api
from bursar.api.parsing import BoundedParser
from bursar.api.v1 import etags, once, problems
from bursar.api.v1.errors import UnsupportedMedia
from bursar.kernel.errors import BadInput

Run = Callable[..., Any]

SHOWN: Final = 80
NEEDED: Final = {once.HEADER: once.key_of, etags.HEADER: etags.wanted}


class StrictParser(BoundedParser):
    """Reads JSON that says it is JSON, and tells where it cannot be read."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body; raises `UnsupportedMedia`, or `BadInput` (`malformed_body`) with where it cannot be read."""
        if request.content_type != "application/json":
            raise UnsupportedMedia("Send JSON, with Content-Type: application/json.")
        try:
            return super().parse_body(request)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise BadInput(f"The body is no JSON: {error.msg} ({place}).", code="malformed_body") from None
        except ValueError as error:
            raise BadInput(f"The body cannot be taken: it {error}.", code="malformed_body") from None


class OwnApi(Api):
    """Bursar's own API."""

    def __init__(self, **options: Any) -> None:
        super().__init__(errors=problems.DOCUMENTED, parser=StrictParser(), **options)
        self.add_decorator(only_known_parameters, mode="operation")

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Name an operation after its view: `list_funds`."""
        return operation.view_func.__name__

    def describe(self, **options: Any) -> OpenAPISchema:
        """Make the schema, with the form of every error once."""
        schema = super().describe(**options)
        schema["components"]["schemas"]["Problem"] = problems.SCHEMA
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
        return schema

    def refuse_method(self, _: HttpRequest, allowed: Sequence[str]) -> HttpResponse:
        """Name the methods that the address takes."""
        return problems.problem(405, "method_not_allowed", f"This address takes {', '.join(allowed)}.")


def only_known_parameters(view: Run) -> Run:
    """Refuse a parameter that the operation does not have, and one left out that it needs.

    A filter misspelled must not answer with everything. Comes when the caller is known and before anything is looked up.
    """
    operation: Operation = view._ninja_operation  # type: ignore[attr-defined]  # noqa: SLF001  how ninja remembers it
    known = {
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }
    extra = (operation.openapi_extra or {}).get("parameters", ())
    named = {parameter["name"] for parameter in extra if parameter["required"]}
    needed = [NEEDED[name] for name in NEEDED if name in named]

    @wraps(view)
    def checked(request: HttpRequest, **values: Any) -> Any:
        for name, given in request.GET.lists():
            if name not in known:
                message = f"There is no parameter {name[:SHOWN]!r} here."
                raise BadInput(message, code="unknown_parameter", known=sorted(known))
            if len(given) > 1:
                raise BadInput(f"The parameter {name} is given more than once.", code="repeated_parameter")
        for check in needed:
            check(request)
        return view(request, **values)

    return checked
