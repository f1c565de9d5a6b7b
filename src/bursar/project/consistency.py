"""What a setting of ours must be beyond its own kind: addresses that are ones, and no moved clock in production."""

import re
import string
from collections.abc import Callable
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bursar.kernel.conf import BY_NAME
from bursar.kernel.errors import Misconfigured
from bursar.project.callers import check_callers

COURSE_URL_NAMES: Final = frozenset({"base_url", "content_key", "assignment"})
LINK_STARTS: Final = ("{base_url}", "http://", "https://")
UNSUBSCRIBE_URL_NAMES: Final = frozenset({"base_url", "token"})
BOUNCE_ADDRESS: Final = re.compile(r"[A-Za-z0-9._-]{1,21}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{1,63}")
DOTTED_PATHS: Final = (
    *("catalog_port", "enrolment_port", "mail_port", "webhook_port", "keyset_port"),
    "address_verifier",
)
LEAST_KEPT: Final = timedelta(days=180)
MOVES_TIME: Final = frozenset({"demo", "test"})


def consistent(bursar: dict[str, Any]) -> dict[str, Any]:
    """Return our settings as they are, with paths made absolute; raises `Misconfigured` naming the first wrong one."""
    for name, (fits, what) in RULES.items():
        if not fits(bursar[name]):
            raise _refused(name, f"must be {what}")
    for name in DOTTED_PATHS:
        if not _is_dotted_path(bursar[name]):
            raise _refused(name, "must be the dotted path of a class or function")
    split_bind(bursar["bind"])
    _check_retention(bursar)
    check_callers(bursar, _refused)
    if bursar["mode"] == "production":
        _check_production(bursar)
    addresses = {name: bursar[name].rstrip("/") for name in ("base_url", "public_api_url")}
    return bursar | _directories(bursar) | addresses


def split_bind(bind: str) -> tuple[str, int]:
    """Return host and port of host:port or [IPv6]:port; raises `Misconfigured` naming BURSAR_BIND."""
    try:
        parts = urlsplit(f"//{bind}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port or parts.netloc != bind or "@" in bind:
        raise _refused("bind", "must be an address and a port, such as 127.0.0.1:8000 or [::]:8000")
    return host, port


def _check_retention(bursar: dict[str, Any]) -> None:
    """Refuse to forget what keeps a message from being sent a second time."""
    needed = max(LEAST_KEPT, timedelta(days=max(bursar["nudge_days"], default=0) + 1))
    if bursar["keep_messages"] < needed:
        raise _refused("keep_messages", f"must be at least {needed.days}d, or people would be told again")


def _check_production(bursar: dict[str, Any]) -> None:
    if bursar["clock_offset"] != timedelta(0):
        raise _refused("clock_offset", "is for demonstration and tests; BURSAR_MODE says production")
    if bursar["debug"]:
        raise _refused("debug", "shows the inside of the service to everybody; BURSAR_MODE says production")


def _directories(bursar: dict[str, Any]) -> dict[str, str]:
    data = Path(bursar["data_dir"]).absolute()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _refused("data_dir", f"cannot be used: {error.strerror}") from error
    return {"data_dir": str(data), "mail_dir": str(Path(bursar["mail_dir"] or data / "mail").absolute())}


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port_fits = parts.port != 0
    except ValueError:
        return False
    plain = value.isprintable() and not (parts.query or parts.fragment)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port_fits and plain


def _is_web_address_or_nothing(value: str) -> bool:
    return not value or _is_web_address(value)


def _is_sender(value: str) -> bool:
    address = parseaddr(value)[1]
    local, _, domain = address.rpartition("@")
    return bool(local and domain) and value.isprintable()


def _is_course_url(value: str) -> bool:
    return _starts_a_link(value) and _names_in(value, COURSE_URL_NAMES) is not None


def _is_unsubscribe_url(value: str) -> bool:
    return not value or (_starts_a_link(value) and "token" in (_names_in(value, UNSUBSCRIBE_URL_NAMES) or ()))


def _starts_a_link(value: str) -> bool:
    return value.startswith(LINK_STARTS) and value.isprintable() and " " not in value


def _names_in(value: str, allowed: frozenset[str]) -> set[str] | None:
    """Return what stands in braces, or None if that cannot be filled in or is not among what is allowed."""
    try:
        parts = [part[1:] for part in string.Formatter().parse(value) if part[1] is not None]
    except ValueError:
        return None
    fits = all(name in allowed and not (spec or how) for name, spec, how in parts)
    return {str(name) for name, *_ in parts} if fits else None


def _is_bounce_address(value: str) -> bool:
    return not value or (BOUNCE_ADDRESS.fullmatch(value) is not None and "+" not in value)


def _is_dotted_path(value: str) -> bool:
    parts = value.split(".")
    return len(parts) > 1 and all(part.isidentifier() for part in parts)


RULES: Final[dict[str, tuple[Callable[[str], bool], str]]] = {
    "base_url": (_is_web_address, "an address that starts with http:// or https://"),
    "public_api_url": (_is_web_address_or_nothing, "empty, or an address that starts with http:// or https://"),
    "mail_from": (_is_sender, "an e-mail address, with or without a name before it"),
    "bounce_address": (
        _is_bounce_address,
        "empty, or one plain address with at most 21 characters and no + before the @",
    ),
    "unsubscribe_url": (_is_unsubscribe_url, "empty, or a web address with {token} and no other {…} than {base_url}"),
    "answer_url": (_is_unsubscribe_url, "empty, or a web address with {token} and no other {…} than {base_url}"),
    "course_url": (_is_course_url, "a web address with no other {…} than {base_url}, {content_key} and {assignment}"),
}


def _refused(name: str, what: str) -> Misconfigured:
    variable = BY_NAME[name].variable
    return Misconfigured(f"{variable} {what}.", setting=variable)
