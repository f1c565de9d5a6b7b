"""What browsers are told of every answer: load what is ours and nothing else, run no script that is not signed by it."""

import secrets
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

HEADER: Final = "Content-Security-Policy"
NONCE_BYTES: Final = 16
POLICY: Final = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'"
)
OTHER_HEADERS: Final = {
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class ContentSecurityPolicy:
    """Gives every request a nonce of its own and every answer the policy with it, unless the answer brings one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the policy."""
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        request.csp_nonce = nonce  # type: ignore[attr-defined]  # templates sign their scripts with it
        response = self.get_response(request)
        response.headers.setdefault(HEADER, POLICY.format(nonce=nonce))
        for name, value in OTHER_HEADERS.items():
            response.headers.setdefault(name, value)
        return response
