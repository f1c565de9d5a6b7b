"""What allauth asks of us: where to go after signing in, what proves an address, how mails leave, how secrets are kept."""

import time
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from bursar.assignments import flows
from bursar.kernel.conf import setting
from bursar.kernel.sealing import seal, unseal
from bursar.people.verification import profile_says_so
from bursar.project.signin import mail
from bursar.project.signin.addresses import know

FRESH_SECONDS: Final = 300
TOTP: Final = "bursar.signin.totp"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Accounts of our users."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  allauth calls it so
        """Nobody makes an account for themselves: people are assigned something, or made users by an operator."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Tell whether somebody may be sent there after signing in: to a page of this service, by its path alone."""
        return bool(url) and str(url).startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def pre_login(self, request: HttpRequest, user: Any, **details: Any) -> HttpResponse | None:
        """Take over what we know of the address: one that is proven already is not asked to be proven again."""
        if profile_says_so(user):
            know(user, verified=True)
        found: HttpResponse | None = super().pre_login(request, user, **details)
        return found

    def post_login(self, request: HttpRequest, user: Any, **details: Any) -> HttpResponse:
        """Take over what allauth has found out: signing in proves an address, and links what is assigned to it."""
        if not profile_says_so(user):
            flows.verify_address(user)
        answer: HttpResponse = super().post_login(request, user, **details)
        return answer

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Tell whether somebody must show again who they are before they change how they sign in: unless they just did."""
        request = context.request
        records = get_authentication_records(request, request.user)
        if any(time.time() - record["at"] < FRESH_SECONDS for record in records):  # noqa: TID251  allauth's clock set it
            return False
        return bool(super().is_reauthentication_required(app=app))

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link of a mail, by the fixed address of this service and not by what a request called it."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return f"{setting('base_url')}{path.replace('UID-KEY', key)}"

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: every page says itself what has happened."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Hand a mail over after the answer: how long that takes, or whether it fails, tells nobody who has an account."""
        about = {"email": email, "site": setting("base_url"), **context}
        mail.send_later(self.render_mail(template_prefix, email, about))


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is untyped
    """Second factors of our users."""

    def encrypt(self, text: str) -> str:
        """Return a secret as it is kept."""
        return seal(text, TOTP)

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret as it is used."""
        return unseal(encrypted_text, TOTP)
