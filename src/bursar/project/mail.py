"""Where mails go: BURSAR_SMTP_URL or BURSAR_MAIL_BACKEND → Django's mail settings; without either they are kept as files."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import global_settings

from bursar.kernel.conf import BY_NAME
from bursar.kernel.errors import Misconfigured

FILES: Final = "bursar.adapters.mail_files.FileBackend"
SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"
SMTP_PORT: Final = "bursar.adapters.mail_smtp.SmtpMail"
LOG_LOOKUP: Final = "bursar.adapters.mail_lookup_postfix.find"
SECURITY: Final = frozenset({"none", "starttls", "implicit"})
ANYMAIL: Final = "anymail"
DOTTED_PATH: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)
HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
OUR_HEADERS: Final = frozenset({"to", "from", "cc", "bcc", "subject", "date", "message-id", "reply-to"})
SETTING_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")


def mail_settings(bursar: dict[str, Any]) -> dict[str, Any]:
    """Return the Django settings that our own about mail amount to, BURSAR among them where a mail server is named.

    Raises `Misconfigured`, naming the setting, for what cannot be read, is not installed or contradicts another.
    """
    _check(bursar)
    common = {"DEFAULT_FROM_EMAIL": bursar["mail_from"], "EMAIL_TIMEOUT": 30}
    if bursar["mail_backend"]:
        return common | _backend(bursar["mail_backend"], bursar["mail_backend_options"])
    if bursar["smtp_url"]:
        return common | _server(bursar["smtp_url"]) | {"BURSAR": bursar | {"mail_port": _port(bursar["mail_port"])}}
    return common | {"EMAIL_BACKEND": FILES, "EMAIL_FILE_PATH": bursar["mail_dir"]}


def mail_apps(bursar: dict[str, Any]) -> list[str]:
    """Return the apps that the mail backend brings along."""
    return [ANYMAIL] if _is_anymail(bursar["mail_backend"]) else []


def _check(bursar: dict[str, Any]) -> None:
    if bursar["mail_backend"] and bursar["smtp_url"]:
        raise _refused("mail_backend", "and BURSAR_SMTP_URL exclude each other")
    if bursar["mail_backend_options"] and not bursar["mail_backend"]:
        raise _refused("mail_backend_options", "needs BURSAR_MAIL_BACKEND")
    if bursar["mail_port"] == SMTP_PORT and not bursar["smtp_url"]:
        raise _refused("mail_port", f"names {SMTP_PORT}, which needs BURSAR_SMTP_URL")
    header = bursar["mail_idempotency_header"]
    if header and (not HEADER.fullmatch(header) or header.lower() in OUR_HEADERS):
        raise _refused("mail_idempotency_header", "must be the name of a header that mails do not have already")
    _check_lookup(bursar)


def _check_lookup(bursar: dict[str, Any]) -> None:
    lookup, log = bursar["mail_lookup"], bursar["mail_log"]
    if lookup and not DOTTED_PATH.fullmatch(lookup):
        raise _refused("mail_lookup", "must be the dotted path of a function")
    if lookup == LOG_LOOKUP and not log:
        raise _refused("mail_lookup", "reads the log that BURSAR_MAIL_LOG names")
    if log and not (lookup and Path(log).is_absolute()):
        raise _refused(
            "mail_log", f"must be an absolute path, and BURSAR_MAIL_LOOKUP what reads it, such as {LOG_LOOKUP}"
        )
    if bursar["mail_log_complete"] and not log:
        raise _refused("mail_log_complete", "says something of the log that BURSAR_MAIL_LOG names")


def _port(chosen: str) -> str:
    """Return the class that hands mails to a server; Django's own way is BURSAR_MAIL_BACKEND."""
    return SMTP_PORT if chosen == BY_NAME["mail_port"].default else chosen


def _backend(path: str, options: dict[str, Any]) -> dict[str, Any]:
    if not DOTTED_PATH.fullmatch(path):
        raise _refused("mail_backend", "must be the dotted path of a mail backend of Django")
    package = path.partition(".")[0]
    if find_spec(package) is None:
        hint = "; it comes with bursar[providers]" if package == ANYMAIL else ""
        raise _refused("mail_backend", f"needs the package {package}, which is not installed{hint}")
    if _is_anymail(path):
        return {"EMAIL_BACKEND": path, "ANYMAIL": options}
    for name in options:
        if not SETTING_NAME.fullmatch(name) or _is_somebody_elses(name):
            raise _refused("mail_backend_options", "must name settings that are the mail backend's own")
    return {"EMAIL_BACKEND": path} | options


def _is_anymail(path: str) -> bool:
    return path.partition(".")[0] == ANYMAIL


def _is_somebody_elses(name: str) -> bool:
    """Tell whether a setting is Django's, but not about mail, or ours."""
    return (hasattr(global_settings, name) and not name.startswith("EMAIL_")) or name.startswith("BURSAR")


def _server(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port or 587
        options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:  # not chained: its words may quote the password
        raise _unreadable() from None
    security = options.pop("tls", ["none"])[-1]
    if parts.scheme != "smtp" or not parts.hostname or parts.path.strip("/") or options or security not in SECURITY:
        raise _unreadable()
    return {
        "EMAIL_BACKEND": SMTP,
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": security == "starttls",
        "EMAIL_USE_SSL": security == "implicit",
    }


def _unreadable() -> Misconfigured:
    return _refused("smtp_url", "must look like smtp://user:password@host:587?tls=none, starttls or implicit")


def _refused(name: str, what: str) -> Misconfigured:
    variable = BY_NAME[name].variable
    return Misconfigured(f"{variable} {what}.", setting=variable)
