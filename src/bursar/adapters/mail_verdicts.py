"""What an error means for the mail that met it: only what the receiving side says for good is for good."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from typing import Any, Final

from django.core.mail import BadHeaderError

from bursar.kernel.errors import BursarError, Refused
from bursar.ports.mail import Delivery, Mail, Outcome

Verdict = tuple[Outcome, str]

UNREACHABLE: Final[Verdict] = ("retry", "smtp_unreachable")
TEMPORARY: Final[Verdict] = ("retry", "smtp_temporary")
REFUSED: Final[Verdict] = ("rejected", "smtp_refused")
NO_SMTPUTF8: Final[Verdict] = ("rejected", "smtputf8_unsupported")
BAD_HEADER: Final[Verdict] = ("rejected", "bad_header")
BAD_ADDRESS: Final[Verdict] = ("rejected", "bad_address")
ERROR: Final[Verdict] = ("retry", "mail_error")
PROVIDER_REFUSED: Final[Verdict] = ("rejected", "provider_refused")
PROVIDER_TEMPORARY: Final[Verdict] = ("retry", "provider_temporary")
PROVIDER_SETTINGS: Final[Verdict] = ("retry", "provider_settings")
UNKNOWN: Final[Verdict] = ("unknown", "outcome_unknown")

BY_KIND: Final = (
    (BadHeaderError, BAD_HEADER),
    (smtplib.SMTPNotSupportedError, NO_SMTPUTF8),
    (OSError, UNREACHABLE),
)
# Errors of django-anymail, by name: the package is there only where somebody wants it.
BY_NAME: Final = {
    "AnymailRecipientsRefused": PROVIDER_REFUSED,
    "AnymailInvalidAddress": BAD_ADDRESS,
    "AnymailUnsupportedFeature": PROVIDER_SETTINGS,
    "AnymailSerializationError": PROVIDER_SETTINGS,
}
# The server wants us to log in or to encrypt first: a fault of the settings, which no mail should pay for.
NOT_ABOUT_THE_MAIL: Final = frozenset({530, 535, 538})
FAILED: Final = 400
PERMANENT: Final = 500

HTTP_SETTINGS: Final = frozenset({401, 402, 403, 404, 405, 407})
HTTP_LATER: Final = frozenset({408, 421, 423, 425, 429})
# Between us and the provider the answer was lost, or the provider has met this mail before.
HTTP_UNKNOWN: Final = frozenset({409, 502, 504})

NEVER_CONNECTED: Final = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
NEVER_CONNECTED_NAMES: Final = frozenset(
    {"ConnectTimeout", "ConnectTimeoutError", "EndpointConnectionError", "NewConnectionError"}
)


def failed(mail: Mail, error: Exception) -> Delivery:
    """Return what became of a mail that met `error` while it certainly had not left."""
    return Delivery(mail.message, *verdict(error), error)


def failed_on_its_way(mail: Mail, error: Exception) -> Delivery:
    """Return what became of a mail when what sent it raised `error`: unknown, unless it clearly was not taken."""
    return Delivery(mail.message, *_verdict_on_its_way(error), error)


def verdict(error: Exception) -> Verdict:
    """Return what an error means for a mail that has not left."""
    if isinstance(error, BursarError):
        return "rejected" if isinstance(error, Refused) else "retry", error.code
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return by_reply(max(code for code, _ in error.recipients.values()))
    if isinstance(error, smtplib.SMTPResponseException):
        return by_reply(error.smtp_code)
    return next((verdict for kind, verdict in BY_KIND if isinstance(error, kind)), ERROR)


def by_reply(code: int) -> Verdict:
    """Return what a mail server's three-digit refusal means."""
    if code in NOT_ABOUT_THE_MAIL:
        return UNREACHABLE
    return REFUSED if code >= PERMANENT else TEMPORARY


def by_status(status: int) -> Verdict:
    """Return what a provider's HTTP status means when its library took it for an error."""
    if status in HTTP_UNKNOWN or status < FAILED:
        return UNKNOWN
    if status in HTTP_SETTINGS:
        return PROVIDER_SETTINGS
    return PROVIDER_TEMPORARY if status in HTTP_LATER or status >= PERMANENT else PROVIDER_REFUSED


def _verdict_on_its_way(error: Exception) -> Verdict:
    if _is_clear(error):
        return verdict(error)
    named = next((BY_NAME[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in BY_NAME), None)
    if named is not None:
        return named
    if any(map(_never_connected, _causes(error))):
        return UNREACHABLE
    status = next((found for cause in _causes(error) if (found := _http_status(cause)) is not None), None)
    return UNKNOWN if status is None else by_status(status)


def _is_clear(error: Exception) -> bool:
    """Tell whether this is a refusal in words of ours, of Django or of a mail server."""
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= FAILED
    return isinstance(
        error, BursarError | BadHeaderError | smtplib.SMTPRecipientsRefused | smtplib.SMTPNotSupportedError
    )


def _never_connected(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, NEVER_CONNECTED) or bool(names & NEVER_CONNECTED_NAMES)


def _http_status(error: BaseException) -> int | None:
    """Return the status that a provider answered, as anymail and requests or as Amazon's library keep it."""
    facts: Any = error
    response = getattr(facts, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        status = getattr(facts, "status_code", None) or getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what the libraries below say it came from; not what was merely handled at the time."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, getattr(cause, "reason", None), *cause.args[:1]]
