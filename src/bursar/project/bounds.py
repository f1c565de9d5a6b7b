"""What is refused before anything reads it: bodies larger than the settings allow, and bodies of unknown length."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from bursar.kernel.conf import setting
from bursar.project.errors import LENGTH_REQUIRED, TOO_LARGE, answer

FILES: Final = frozenset(
    {
        "multipart/form-data",
        "text/csv",
        "application/jsonl",
        "application/x-jsonlines",
        "application/x-ndjson",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
)
WRAPPING_BYTES: Final = 65_536  # what a form puts around a file
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Bounds:
    """Answers 413 or 411 without reading the body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        if _length(request) > _limit(request):
            return answer(request, TOO_LARGE)
        if _is_unmeasured(request):
            return answer(request, LENGTH_REQUIRED)
        return self.get_response(request)


def _is_unmeasured(request: HttpRequest) -> bool:
    """Tell whether a request that may change something has a body that would be taken for an empty one, and passed over."""
    is_sent = "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH")
    return is_sent and request.method not in READING


def _length(request: HttpRequest) -> int:
    """Return the length that is announced; a body without one is not read at all."""
    given = request.META.get("CONTENT_LENGTH") or "0"
    return int(given) if given.isascii() and given.isdigit() and len(given) < len(str(2**63)) else 2**63


def _limit(request: HttpRequest) -> int:
    limit: int = setting("request_limit_bytes")
    if (request.content_type or "") in FILES:
        limit = max(limit, setting("file_limit_bytes") + WRAPPING_BYTES)
    return limit
