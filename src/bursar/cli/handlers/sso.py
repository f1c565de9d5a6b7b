"""Identity providers from the command line."""

import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bursar.cli.handlers.shapes import Shape
from bursar.cli.output import Answer, facts, table
from bursar.kernel.conf import setting
from bursar.kernel.errors import BadInput
from bursar.people import providers
from bursar.people.models import IdentityProvider
from bursar.people.selectors import find_customer

STANDARD_INPUT: Final = Path("-")
LARGEST: Final = 10_000


def add(  # noqa: PLR0913  a provider is these facts
    customer: str,
    issuer: str,
    *,
    client_id: str,
    domains: Sequence[str],
    secret_file: Path | None,
    name: str,
    slug: str,
    manages_addresses: bool,
) -> Answer:
    """Add a provider, and show what has to be registered there."""
    owner = find_customer(customer, None)
    provider = providers.add_provider(
        owner, issuer=issuer, client_id=client_id, secret=_secret(secret_file), domains=domains, name=name, slug=slug,
        manages_addresses=manages_addresses,
    )  # fmt: skip
    shape = _shape(provider)
    shown = facts((
        ("Provider", provider.slug),
        ("Register with it", shape["callback_url"]),
        ("Link for its people", shape["sign_in_url"]),
        ("Speaks for", ", ".join(provider.domains)),
    ))  # fmt: skip
    return Answer({"provider": shape}, (shown,))


def list_all(customer: str | None) -> Answer:
    """Name the providers, of one customer or of all."""
    rows = IdentityProvider.objects.select_related("customer")
    if customer:
        rows = rows.filter(customer=find_customer(customer, None))
    shown = table(
        ("Provider", "Customer", "Issuer", "Speaks for"),
        [(row.slug, row.customer.slug, row.issuer, ", ".join(row.domains)) for row in rows],
    )
    return Answer({"providers": [_shape(row) for row in rows]}, (shown if rows else "There is no provider.",))


def remove(provider: str) -> Answer:
    """Remove a provider."""
    removed = providers.remove_provider(provider)
    return Answer({"removed": removed.slug}, ("Nobody can sign in there any more; users stay.",))


def _secret(file: Path | None) -> str:
    """Return the client's secret: from a file, from standard input, or as it is typed; never from the command line."""
    if file is None:
        if not sys.stdin.isatty():
            raise BadInput("There is nobody to ask for the secret; give --secret-file.", code="no_terminal")
        return getpass.getpass("Secret of the client: ").strip()
    try:
        text = sys.stdin.read(LARGEST) if file == STANDARD_INPUT else file.read_text(encoding="utf-8")[:LARGEST]
    except (OSError, UnicodeError) as error:
        raise BadInput("The file with the secret cannot be read.", code="unreadable_file") from error
    return text.strip()


def _shape(provider: IdentityProvider) -> Shape:
    names = ("uuid", "slug", "name", "issuer", "client_id", "domains", "manages_addresses", "created")
    return {name: getattr(provider, name) for name in names} | {
        "customer": provider.customer_id,
        "callback_url": providers.callback_url(provider.pk),
        "sign_in_url": f"{setting('base_url')}{providers.SIGN_IN.format(provider.slug)}",
    }
