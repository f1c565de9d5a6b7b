"""What stands on the outside of a mail: where it comes back to, whom to answer, and how to unsubscribe (RFC 8058)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from bursar.assignments.policy import is_transactional
from bursar.kernel.conf import setting
from bursar.people.mail_tokens import link_token, return_path
from bursar.people.models import Customer


@dataclass(frozen=True, slots=True)
class Envelope:
    """The headers of a mail beside its sender, recipient and subject, and its return path ("": the sender).

    `unsubscribe` is the link for its foot, "" where none is offered.
    """

    headers: Mapping[str, str] = field(repr=False)
    sender: str = ""
    unsubscribe: str = field(default="", repr=False)


def envelope(message: UUID, kind: str, customer: Customer, address_key: str) -> Envelope:
    """Return the outside of one mail of a customer; `address_key` is that of the address to which it goes.

    What tells somebody of their own assignment offers no unsubscribing; everything else does, digests included.
    """
    headers = {"Auto-Submitted": "auto-generated"}
    if customer.contact_email:
        headers["Reply-To"] = customer.contact_email
    link = "" if is_transactional(kind) else unsubscribe_link(customer.pk, address_key)
    return Envelope(headers | _unsubscribing(link), return_path(message), link)


def unsubscribe_link(customer: UUID, address_key: str) -> str:
    """Return where the owner of an address unsubscribes from a customer's reminders and digests; "" if that is not offered."""
    link: str = setting("unsubscribe_url").format(
        base_url=setting("base_url").rstrip("/"), token=link_token(customer, address_key)
    )
    return link


def _unsubscribing(link: str) -> dict[str, str]:
    """Return the headers for a link; one click is for addresses that nobody on the way can read or change."""
    if not link:
        return {}
    one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"} if link.startswith("https://") else {}
    return {"List-Unsubscribe": f"<{link}>"} | one_click
