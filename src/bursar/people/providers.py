"""Identity providers of customers: whose word counts for whom. A domain is vouched for by one customer alone."""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.utils.text import slugify

from bursar.kernel.conf import setting
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.kernel.lookup import as_uuid
from bursar.kernel.sealing import seal, unseal
from bursar.kernel.transactions import writes
from bursar.people.addresses import BadAddress, normal_form
from bursar.people.models import Customer, IdentityProvider

PURPOSE: Final = "bursar.people.identityprovider"
# Where the pages of `project.signin` are; a test compares them.
CALLBACK: Final = "/accounts/oidc/{}/login/callback/"
SIGN_IN: Final = "/accounts/sso/{}/"
HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
LONGEST: Final = {"name": 40, "issuer": 500, "client_id": 191, "secret": 1000}
SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
LONGEST_SLUG: Final = 80


@writes
def add_provider(  # noqa: PLR0913  a provider is these facts
    customer: Customer,
    *,
    issuer: str,
    client_id: str,
    secret: str,
    domains: Sequence[str],
    name: str = "",
    slug: str = "",
    manages_addresses: bool = False,
) -> IdentityProvider:
    """Let people of a customer sign in by this issuer; `domains` are those whose addresses it may speak for.

    Raises `BadInput` (`invalid_issuer`, `missing_name`, `missing_client`, `too_long`, `missing_domain`, `invalid_domain`,
    `invalid_slug`), and `Refused` for a slug (`slug_taken`) or a domain of another customer (`domain_taken`).
    """
    given = {"name": name.strip() or customer.name[:40], "issuer": _issuer(issuer), "client_id": client_id.strip()}
    for field, value in {**given, "secret": secret}.items():
        if not value:
            raise BadInput("A provider needs a client id and a secret.", code="missing_client")
        if len(value) > LONGEST[field]:
            raise BadInput(f"This {field.replace('_', ' ')} is too long.", code="too_long")
    names = sorted({_domain(domain) for domain in domains})
    if not names:
        raise BadInput("Say for addresses of which domains it may speak.", code="missing_domain")
    _check_free(names, customer)
    return IdentityProvider.objects.create(
        customer=customer, slug=_slug(slug or slugify(given["name"])), domains=names, sealed_secret=seal(secret, PURPOSE),
        manages_addresses=manages_addresses, **given,
    )  # fmt: skip


@writes
def remove_provider(reference: str) -> IdentityProvider:
    """Let nobody sign in by this provider (slug or uuid) any more; users stay. Raises `NotFound`."""
    provider = find_provider(reference)
    IdentityProvider.objects.filter(pk=provider.pk).delete()
    return provider


def find_provider(reference: str | UUID) -> IdentityProvider:
    """Return the provider with this slug or uuid; raises `NotFound`."""
    key = as_uuid(reference)
    rows = IdentityProvider.objects.select_related("customer")
    found = rows.filter(pk=key).first() if key else rows.filter(slug=str(reference)).first()
    if found is None:
        raise NotFound("There is no such provider.")
    return found


def provider_for(address: str) -> IdentityProvider | None:
    """Return the provider that may vouch for an address, by its domain; None for none, or for what is no address."""
    try:
        domain = normal_form(address).rpartition("@")[2]
    except BadAddress:
        return None
    rows = IdentityProvider.objects.select_related("customer")
    return next((provider for provider in rows if domain in provider.domains), None)


def callback_url(provider: UUID | str) -> str:
    """Return the address that has to be registered with a provider: where people come back to."""
    return f"{setting('base_url')}{CALLBACK.format(provider)}"


def secret_of(provider: IdentityProvider) -> str:
    """Return the client's secret; raises `Unavailable` (`secret_lost`) if it was kept under another SECRET_KEY."""
    return unseal(provider.sealed_secret, PURPOSE)


def vouched_address(provider: IdentityProvider, claims: dict[str, Any]) -> str | None:
    """Return the address (normal form) that a provider's claims prove, or None: not proven, or not its to speak for."""
    verified = claims.get("email_verified", provider.manages_addresses)
    try:
        normal = normal_form(str(claims.get("email") or ""))
    except BadAddress:
        return None
    proven = verified is True or (isinstance(verified, str) and verified.lower() == "true")
    return normal if proven and normal.rpartition("@")[2] in provider.domains else None


def _issuer(given: str) -> str:
    try:
        parts = urlsplit(given.strip())
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)
    if (
        not secure
        or not parts.hostname
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
        or not given.isprintable()
    ):
        raise BadInput("An issuer is an address such as https://id.acme.example.", code="invalid_issuer")
    return given.strip().rstrip("/")


def _domain(given: str) -> str:
    try:
        return normal_form(f"a@{given.strip().removeprefix('@')}").rpartition("@")[2]
    except BadAddress as error:
        raise BadInput(f"{given!r} is no domain of e-mail addresses.", code="invalid_domain") from error


def _check_free(domains: Sequence[str], customer: Customer) -> None:
    for other in IdentityProvider.objects.exclude(customer=customer):
        if taken := sorted(set(other.domains) & set(domains)):
            raise Refused(f"Another customer's provider speaks for {taken[0]}.", code="domain_taken", domain=taken[0])


def _slug(slug: str) -> str:
    if len(slug) > LONGEST_SLUG or not SLUG.fullmatch(slug):
        raise BadInput("A slug is lower-case letters and digits, joined by hyphens.", code="invalid_slug")
    if IdentityProvider.objects.filter(slug=slug).exists():
        raise Refused(f"There is a provider with the slug {slug!r} already.", code="slug_taken")
    return slug
