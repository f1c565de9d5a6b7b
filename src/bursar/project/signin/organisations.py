"""Signing in with the account of one's organisation (OpenID Connect): who that makes of somebody, and who it does not."""

import logging
from typing import Any, Final

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest
from django.shortcuts import render

from bursar.assignments import flows
from bursar.kernel.errors import NotFound
from bursar.people.models import IdentityProvider, Role
from bursar.people.providers import callback_url, find_provider, secret_of, vouched_address
from bursar.people.selectors import user_with
from bursar.people.services import grant
from bursar.project.signin.addresses import know
from bursar.project.signin.egress import ProviderSession

OIDC: Final = "openid_connect"
CLAIMS: Final = "_bursar_claims"

logger = logging.getLogger(__name__)


class OrganisationOidc(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth is untyped
    """The protocol, with the checks of OpenID Connect that allauth leaves to others."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """Return what the issuer publishes; raises OAuth2Error if it is somebody else's."""
        found: dict[str, Any] = super().openid_config
        wanted = self.get_provider().app.settings["server_url"]
        if not isinstance(found, dict) or str(found.get("issuer", "")).rstrip("/") != wanted:
            raise OAuth2Error("the issuer published another name than its own")
        if not str(found.get("authorization_endpoint", "")).startswith(("https://", wanted)):
            raise OAuth2Error("the issuer published no page to sign in at")
        return found

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        """Return the login that the ID token speaks of; userinfo adds an address only if it is about the same person."""
        response = kwargs["response"]
        if not isinstance(response, dict) or not isinstance(response.get("id_token"), str):
            raise OAuth2Error("the provider sent no ID token")
        claims = self._decode_id_token(app, response["id_token"])
        if "email" not in claims:
            told = self._fetch_user_info(token.token)
            if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
                raise OAuth2Error("the provider spoke of somebody else")
            claims = told | claims
        setattr(request, CLAIMS, claims)
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:  # noqa: ARG002  allauth calls it so
        """Return where the provider sends people back to: the fixed address of this service."""
        return callback_url(app.provider_id)


class Organisation(OpenIDConnectProvider):  # type: ignore[misc]  # allauth is untyped
    """A provider as one of our rows has it; of what it says, only who it is is kept."""

    oauth2_adapter_class = OrganisationOidc

    def extract_extra_data(self, data: Any) -> dict[str, Any]:  # noqa: ARG002  allauth calls it so
        """Keep nothing: names and addresses are kept where they can be erased."""
        return {}


class OrganisationAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Providers from our table, and the rule whom they may speak for."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[Any]:  # noqa: ARG002
        """Return the one provider that is asked for by its uuid: there is no list for everybody to read."""
        try:
            return [_app(find_provider(str(provider)))] if provider and provider != OIDC else []
        except NotFound:
            return []

    def get_provider(self, request: HttpRequest, provider: Any, client_id: Any = None) -> Organisation:
        """Return the provider; raises SocialApp.DoesNotExist."""
        return Organisation(request, app=self.get_app(request, provider=provider, client_id=client_id))

    def get_requests_session(self) -> ProviderSession:
        """Return how providers are asked."""
        return ProviderSession()

    def on_authentication_error(self, request: HttpRequest, provider: Any, **details: Any) -> None:  # noqa: ARG002  as above
        """Write down what went wrong, for those who set the provider up: what kind of error, and nothing of whom."""
        error = details.get("exception") or details.get("error")
        logger.warning("signing in by provider %s failed: %s", provider.app.provider_id, type(error).__name__)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:  # noqa: ARG002  allauth calls it so
        """Whom a provider may speak for is a user by then; nobody else becomes one."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Join the account with the user of the address that it proves; refuse it where it proves none."""
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            raise ImmediateHttpResponse(_refusal(request))
        if sociallogin.is_existing:
            return
        provider = find_provider(sociallogin.account.provider)
        address = vouched_address(provider, getattr(request, CLAIMS, {}))
        if address is None:
            raise ImmediateHttpResponse(_refusal(request, provider))
        user = user_of(provider, address, name=str(getattr(request, CLAIMS, {}).get("name") or ""))
        sociallogin.connect(request, user)


def user_of(provider: IdentityProvider, address: str, *, name: str) -> Any:
    """Return the user with an address that a provider has proven, made now if there is none, a learner of its customer.

    The role is given when the account is first seen and never again: what an admin takes away later stays away.
    """
    user = user_with(address)
    if user is None:
        user = flows.create_account(address, password=None, verified=True, name=name[:150])
    else:
        flows.verify_address(user)
    know(user, verified=True)
    grant(user.pk, Role.LEARNER, provider.customer_id)
    return user


def _app(provider: IdentityProvider) -> Any:
    """Return our row as allauth wants to see it; never saved."""
    return SocialApp(
        provider=OIDC,
        provider_id=str(provider.pk),
        name=provider.name,
        client_id=provider.client_id,
        secret=secret_of(provider),
        settings={"server_url": provider.issuer},
    )


def _refusal(request: HttpRequest, provider: IdentityProvider | None = None) -> Any:
    return render(request, "signin/not_vouched.html", {"provider": provider}, status=403)
