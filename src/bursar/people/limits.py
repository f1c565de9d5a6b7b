"""How often somebody may ask: so many times a minute, counted in the database, so that all processes count together."""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.utils.crypto import salted_hmac

from bursar.kernel import clock
from bursar.kernel.counters import count
from bursar.kernel.transactions import writes
from bursar.people.models import RequestCount

SLOT_SECONDS: Final = 60
KEPT: Final = timedelta(days=1)
PURPOSE: Final = "bursar.people.limits"
IPV6_HOUSEHOLD: Final = 64


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to somebody: `limit` a minute, `left` of them, and seconds until it begins anew."""

    limit: int
    left: int
    seconds: int
    passed: bool


@writes
def ask(who: str, limit: int) -> Allowance:
    """Count a request of `who` (any text; only a keyed hash of it is kept), and tell whether it is within the limit."""
    slot, passed = divmod(int(clock.now().timestamp()), SLOT_SECONDS)
    used = count(RequestCount, _name(who), slot)
    return Allowance(limit, max(0, limit - used), SLOT_SECONDS - passed, used <= limit)


def is_used_up(who: str, limit: int) -> bool:
    """Tell whether `who` has been counted `limit` times in this minute, without counting; one statement."""
    slot = int(clock.now().timestamp()) // SLOT_SECONDS
    return RequestCount.objects.filter(name=_name(who), slot=slot, used__gte=limit).exists()


def _name(who: str) -> str:
    return salted_hmac(PURPOSE, who, algorithm="sha256").hexdigest()


def household(address: str) -> str:
    """Return what is counted as one client: an IPv4 address, or the network that one IPv6 subscriber has."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> IPV6_HOUSEHOLD << IPV6_HOUSEHOLD)}/{IPV6_HOUSEHOLD}"


@writes
def prune_counts() -> int:
    """Forget who has not asked for a day; returns how many."""
    oldest = int((clock.now() - KEPT).timestamp()) // SLOT_SECONDS
    return RequestCount.objects.filter(slot__lt=oldest).delete()[0]
