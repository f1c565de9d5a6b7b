"""What both APIs have in common: who may call, how JSON is written, HEAD wherever there is GET, documented errors."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import wraps
from http import HTTPMethod, HTTPStatus
from typing import Any, Final, TypeVar

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, Throttled
from ninja.openapi.schema import OpenAPISchema

from bursar.api.auth import CALLERS
from bursar.api.docs import Pages
from bursar.api.limits import PerCaller, stranger_may
from bursar.api.parsing import BoundedParser
from bursar.api.rendering import OrjsonRenderer, answer

E = TypeVar("E", bound=Exception)
Handler = Callable[[HttpRequest, E], HttpResponse]
METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})


class Api(NinjaAPI):
    """An API of ours: `errors` are the answers that any operation may give, as OpenAPI's `responses` has them."""

    def __init__(self, *, errors: Mapping[str, Any], **options: Any) -> None:
        super().__init__(
            auth=CALLERS,
            throttle=PerCaller(),
            renderer=OrjsonRenderer(),
            docs=Pages(),
            docs_url="docs",
            **{"parser": BoundedParser(), **options},
        )
        self.errors = errors
        self._schemas: dict[str, OpenAPISchema] = {}

    def answer(self, kind: type[E], handler: Handler[E]) -> None:
        """Let `handler` answer what fails with an error of this kind."""
        self.add_exception_handler(kind, handler)  # type: ignore[arg-type]  # ninja's type names the class too

    def on_exception(self, request: HttpRequest, exc: Exception | type[Exception]) -> HttpResponse:
        """Answer an error; who is nobody too often is told so."""
        if isinstance(exc, AuthenticationError) and not stranger_may(request):
            return super().on_exception(request, Throttled(wait=None))
        return super().on_exception(request, exc)

    def refuse_method(self, request: HttpRequest, allowed: Sequence[str]) -> HttpResponse:  # noqa: ARG002  for other APIs
        """Return the answer to a method that an address does not take; it takes those `allowed`."""
        return answer({"detail": f'Method "{request.method}" not allowed.'}, 405)

    def _get_urls(self) -> list[Any]:
        patterns: Iterable[Any] = super()._get_urls()
        return [self._guarded(pattern) for pattern in patterns]

    def _guarded(self, pattern: URLPattern) -> URLPattern:
        """Let a view answer HEAD as it answers GET, and a method that it does not take in this API's words; nobody keeps it."""
        view = pattern.callback

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            method = request.method
            if method == HTTPMethod.HEAD:
                request.method = HTTPMethod.GET.value
            response: HttpResponse = view(request, *args, **kwargs)
            request.method = method
            if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
                allowed = sorted(word.strip() for word in response["Allow"].split(","))
                response = self.refuse_method(request, allowed)
                response["Allow"] = ", ".join(allowed + (["HEAD"] if "GET" in allowed else []))
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        pattern.callback = guarded
        return pattern

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the schema, with the errors that every operation may answer with; made once for each place."""
        place = repr(sorted(options.items()))
        if place not in self._schemas:
            self._schemas[place] = self.describe(**options)
        return self._schemas[place]

    def describe(self, **options: Any) -> OpenAPISchema:
        """Make the schema."""
        schema = super().get_openapi_schema(**options)
        for operations in schema["paths"].values():
            for method, operation in operations.items():
                if method in METHODS:
                    self._document_errors(operation["responses"])
                    for parameter in operation["parameters"]:
                        _tidy(parameter)
        return schema

    def _document_errors(self, responses: dict[Any, Any]) -> None:
        for status, form in self.errors.items():
            if int(status) not in responses:
                responses[int(status)] = deepcopy(form)


def _tidy(parameter: dict[str, Any]) -> None:
    """Say of a parameter what OpenAPI has words for: it may be left out, but is never null, and has one example."""
    schema = parameter["schema"]
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        schema.update(choices[0])
    if isinstance(examples := parameter.pop("examples", None), list):
        parameter["example"] = examples[0]
