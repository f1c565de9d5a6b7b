"""Pages of signing in that are our own: by one's organisation, and the second factor that counts for this session."""

from typing import Any, Final
from urllib.parse import urlsplit

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import ConfirmLoginCodeView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from bursar.kernel.errors import NotFound
from bursar.pages.guards import readable_or_sent
from bursar.people.providers import find_provider, provider_for
from bursar.project.signin.organisations import OrganisationOidc

LONGEST_CODE: Final = 32
FAULTS: Final = (OAuth2Error, RequestException, ValueError, KeyError, TypeError, AttributeError)


@never_cache
@readable_or_sent
def organisation(request: HttpRequest) -> HttpResponse:
    """Ask for an address, and lead to the organisation that vouches for its domain."""
    provider = provider_for(request.POST.get("address", "")) if request.method == "POST" else None
    if provider is not None:
        return _to(request, str(provider.pk))
    facts = {"unknown": request.method == "POST", "address": request.POST.get("address", "")}
    return render(request, "signin/organisation.html", facts)


@never_cache
@require_safe
def named_organisation(request: HttpRequest, slug: str) -> HttpResponse:
    """Lead to the organisation of this name: an address that can be given to its people."""
    try:
        return _to(request, str(find_provider(slug).pk))
    except NotFound as error:
        raise Http404 from error


def _to(request: HttpRequest, provider_id: str) -> HttpResponse:
    query = QueryDict(mutable=True)
    if following := request.GET.get("next"):
        query["next"] = following
    path = reverse("openid_connect_login", kwargs={"provider_id": provider_id})
    return redirect(f"{path}?{query.urlencode()}" if query else path)


@never_cache
def leave(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Ask whether to leave for the organisation's page, then do: by a page of ours, since forms may lead nowhere else."""
    try:
        view = OAuth2LoginView.adapter_view(OrganisationOidc(request, provider_id))
        response: HttpResponse = view(request)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    except FAULTS as error:
        return _failed(request, provider_id, error)
    target = response.headers.get("Location", "")
    if not urlsplit(target).netloc:
        return response
    return render_leaving(request, target)


def render_leaving(request: HttpRequest, target: str) -> HttpResponse:
    """Answer with a page that leads on by itself: a redirect after a form would be held up by `form-action`."""
    page = render(request, "signin/leaving.html", {"target": target})
    page.headers["Refresh"] = f"0; url={target}"
    return page


@never_cache
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take what the organisation says of who came back."""
    try:
        view = OAuth2CallbackView.adapter_view(OrganisationOidc(request, provider_id))
        response: HttpResponse = view(request)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    except FAULTS as error:  # whatever a provider sends that is no answer
        return _failed(request, provider_id, error)
    return response


def _failed(request: HttpRequest, provider_id: str, error: Exception) -> HttpResponse:
    provider = OrganisationOidc(request, provider_id).get_provider()
    response: HttpResponse = render_authentication_error(request, provider, exception=error)
    return response


class ConfirmCode(ConfirmLoginCodeView):  # type: ignore[misc]  # allauth is untyped
    """Takes the code of a mail. The link of that mail brings it along; only the button signs somebody in, in the browser that asked."""

    def get_initial(self) -> dict[str, Any]:
        """Return what stands in the field: the code of the link."""
        return {**super().get_initial(), "code": self.request.GET.get("code", "")[:LONGEST_CODE]}


class SetUpSecondFactor(ActivateTOTPView):  # type: ignore[misc]  # allauth is untyped
    """Sets up an authenticator; whoever just did has shown it."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the page shows; the picture is part of it, as no picture from elsewhere is let in."""
        facts: dict[str, Any] = super().get_context_data(**kwargs)
        return facts | {"totp_svg": mark_safe(facts["totp_svg"].partition("?>")[2])}  # noqa: S308  drawn here

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep it, and count it for this session."""
        response: HttpResponse = super().form_valid(form)
        record_authentication(self.request, self.request.user, "mfa", type="totp")
        return response


def nowhere(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django calls it so
    """Answer 404 where allauth would let people change addresses and accounts that are not theirs to change."""
    raise Http404
