"""Whose word counts on where a request comes from: that of the proxies that the setting names, and of nobody else."""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from bursar.kernel.conf import setting

FORWARDED: Final = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT"),
    *("HTTP_X_REAL_IP", "HTTP_FORWARDED"),
)
MOST_HOPS: Final = 20
Network = IPv4Network | IPv6Network


class TrustedProxies:
    """Puts the client's own address and scheme where everybody looks for them, and takes the forwarded headers away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        heed(request.META, [ip_network(entry, strict=False) for entry in setting("trusted_proxies")])
        return self.get_response(request)


def heed(meta: dict[str, Any], trusted: Iterable[Network]) -> None:
    """Change `meta` to what trusted proxies say; the hop next to a trusted one is believed, one beyond it only if trusted."""
    networks = list(trusted)
    if _is_trusted(meta.get("REMOTE_ADDR", ""), networks):
        if meta.get("HTTP_X_FORWARDED_PROTO") in {"http", "https"}:
            meta["wsgi.url_scheme"] = meta["HTTP_X_FORWARDED_PROTO"]
        meta["REMOTE_ADDR"] = _client(meta, networks)
    for name in FORWARDED:
        meta.pop(name, None)


def _client(meta: dict[str, Any], networks: list[Network]) -> str:
    nearest = str(meta["REMOTE_ADDR"])
    hops = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
    for hop in reversed(hops[-MOST_HOPS:]):
        found = _address(hop.strip())
        if found is None or not _is_trusted(nearest, networks):
            break
        nearest = str(found)
    return nearest


def _is_trusted(text: str, networks: list[Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
