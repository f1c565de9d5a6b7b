"""How a JSON body is read: strictly UTF-8, numbers that are ones, and no deeper than needed."""

from typing import Any, Final

import orjson
from django.http import HttpRequest
from ninja.parser import Parser

DEEPEST: Final = 32


class BoundedParser(Parser):
    """Raises ValueError for what is no JSON, or is nested too deeply; the caller answers 400."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body."""
        body = request.body
        found = orjson.loads(body)
        if body.count(b"[") + body.count(b"{") > DEEPEST and _is_deeper(found, DEEPEST):
            raise ValueError(f"is nested deeper than {DEEPEST} levels")
        return found


def _is_deeper(value: Any, levels: int) -> bool:
    """Tell whether lists and objects are nested deeper than `levels`; looks at one level after the other."""
    level = [value]
    for _ in range(levels):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, list | dict)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
