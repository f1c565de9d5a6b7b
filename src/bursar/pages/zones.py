"""Which time zone a reader lives in: the one noted of them, else their browser's, else their customer's, else UTC."""

from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest

COOKIE: Final = "bursar_zone"
LONGEST: Final = 64


def reader_zone(request: HttpRequest, noted: str = "", otherwise: str = "") -> tzinfo:
    """Return the zone of the reader; names that are none count as not given."""
    for name in (noted, request.COOKIES.get(COOKIE, ""), otherwise):
        zone = zone_named(name)
        if zone is not None:
            return zone
    return UTC


def zone_named(name: str) -> tzinfo | None:
    """Return the time zone of this name, or None; a name from a cookie never becomes a path."""
    if not name or len(name) > LONGEST:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # not a name; the name of a directory; no zone of that name
        return None
