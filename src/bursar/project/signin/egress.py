"""How identity providers are asked: over HTTPS, without redirects, briefly, and inside only where the operator said so."""

import socket
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from bursar.people.models import IdentityProvider
from bursar.webhooks.egress import is_public

SECONDS: Final = (3, 5)
LARGEST: Final = 262_144


class ProviderSession(requests.Session):
    """A session that goes where an issuer that was set up is, and elsewhere to public addresses only.

    An issuer publishes the addresses of its other endpoints itself: they must not lead into our own network.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Ask; raises ConnectionError for what must not be asked, and for answers that are too long."""
        check(str(url))
        kwargs |= {"timeout": SECONDS, "allow_redirects": False, "stream": True}
        response = super().request(method, url, *args, **kwargs)
        body = response.raw.read(LARGEST + 1, decode_content=True)
        if len(body) > LARGEST or response.is_redirect:
            raise requests.ConnectionError("the provider's answer is no answer")
        response._content = body  # noqa: SLF001  read above, to a bound that requests has none for
        return response


def check(url: str) -> None:
    """Raise ConnectionError unless a provider may be asked there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError as error:
        raise requests.ConnectionError("the provider published an address that is none") from error
    issuers = {urlsplit(issuer) for issuer in IdentityProvider.objects.values_list("issuer", flat=True)}
    if (parts.scheme, parts.netloc) in {(issuer.scheme, issuer.netloc) for issuer in issuers}:
        return
    if parts.scheme != "https" or not _is_public_name(host, port):
        raise requests.ConnectionError("the provider published an address that must not be asked")


def _is_public_name(host: str, port: int) -> bool:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return bool(answers) and all(is_public(ip_address(str(answer[4][0]).partition("%")[0])) for answer in answers)
