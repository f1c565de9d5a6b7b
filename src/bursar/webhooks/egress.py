"""Where a webhook may go: forms of URL, ports and addresses that are refused (server-side request forgery). Pure: no Django."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL: Final = 2000
LONGEST_NAME: Final = 253
DEFAULT_PORTS: Final = {"https": 443, "http": 80}
LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
NUMERIC: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
HERE_ONLY: Final = ("localhost", "local", "internal", "localdomain", "home.arpa", "onion")
# Beyond what `ipaddress` calls not global: ways to write an IPv4 address within IPv6, and what was set apart later.
APART: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        *(
            "0.0.0.0/8",
            "100.64.0.0/10",
            "192.0.0.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
        *("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23"),
        *("2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
GLOBAL_V6: Final = IPv6Network("2000::/3")


class ForbiddenTargetError(ValueError):
    """A webhook must not go there; `code` is a stable word, the text says why and quotes nothing of the URL."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator permits: ports, and private receivers by exact host name or by network (`allow`)."""

    ports: frozenset[int]
    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, ports: Iterable[int], allow: Iterable[str]) -> "Rules":
        """Return the rules for these settings; an entry that is no network or address is a host name."""
        hosts, networks = set(), []
        for entry in allow:
            try:
                networks.append(ip_network(entry, strict=False))
            except ValueError:
                hosts.add(entry.lower())
        return cls(frozenset(ports), frozenset(hosts), tuple(networks))

    def allows_host(self, host: str) -> bool:
        """Tell whether a receiver of this name may be anywhere."""
        return host.lower() in self.hosts

    def allows_address(self, address: Address) -> bool:
        """Tell whether an address is in a network that was permitted."""
        return any(address in network for network in self.networks if network.version == address.version)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: where to connect, and what to ask for there."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What one connection serves."""
        return self.scheme, self.host, self.port


def read_target(url: str, rules: Rules) -> Target:
    """Return where `url` leads; raises `ForbiddenTargetError` unless a webhook may go there, whatever the name resolves to."""
    parts = _split(url)
    host = _host(parts)
    private = _is_permitted_private(host, rules)
    if parts.scheme != "https" and not (parts.scheme == "http" and private):
        raise ForbiddenTargetError("not_https", "A webhook goes to an address that starts with https://.")
    port = _port(parts)
    if port not in rules.ports:
        listed = ", ".join(map(str, sorted(rules.ports)))
        raise ForbiddenTargetError(
            "forbidden_port", f"A webhook goes to one of the ports {listed} (setting webhook_tcp_ports)."
        )
    literal = literal_address(host)
    if literal is not None:
        check_address(literal, host, rules)
    elif not private:
        _check_name(host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def check_address(address: Address, host: str, rules: Rules) -> None:
    """Raise `ForbiddenTargetError` for an address that is not public, unless it was permitted by itself or by its name."""
    if rules.allows_host(host) or rules.allows_address(address):
        return
    if not is_public(address):
        raise ForbiddenTargetError("forbidden_address", "A webhook goes to public addresses only.")


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet in every reading of it."""
    if any(address in network for network in APART if network.version == address.version):
        return False
    if isinstance(address, IPv6Address) and address not in GLOBAL_V6:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def literal_address(host: str) -> Address | None:
    """Return the address that a host is written as, in its one canonical form; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _split(url: str) -> SplitResult:
    if len(url) > LONGEST_URL:
        raise ForbiddenTargetError("invalid_url", f"A URL has at most {LONGEST_URL} characters.")
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise ForbiddenTargetError("invalid_url", "A URL is plain ASCII without blanks; write other names as xn--….")
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname
    except ValueError:
        raise ForbiddenTargetError("invalid_url", "This is not a URL.") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ForbiddenTargetError("invalid_url", "A webhook's URL starts with https:// and names a host.")
    if "@" in parts.netloc:
        raise ForbiddenTargetError("forbidden_userinfo", "A webhook's URL has no user name or password in it.")
    if "#" in url:
        raise ForbiddenTargetError("forbidden_fragment", "A webhook's URL has no # in it.")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    bracketed = "[" in parts.netloc and not isinstance(literal_address(host), IPv6Address)
    if bracketed or "%" in parts.netloc or host.endswith(".") or parts.netloc.endswith(":"):
        raise ForbiddenTargetError("invalid_host", "This is not the name of a host.")
    return host


def _port(parts: SplitResult) -> int:
    return DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port


def _is_permitted_private(host: str, rules: Rules) -> bool:
    literal = literal_address(host)
    return rules.allows_host(host) or (literal is not None and rules.allows_address(literal))


def _check_name(host: str) -> None:
    """Refuse what is no full name: numbers that old resolvers read as addresses, single words, names of this machine."""
    labels = host.split(".")
    if len(host) > LONGEST_NAME or not all(LABEL.fullmatch(label) for label in labels):
        raise ForbiddenTargetError("invalid_host", "This is not the name of a host.")
    if NUMERIC.fullmatch(labels[-1]):
        raise ForbiddenTargetError("invalid_host", "An address is written as four decimal numbers, or in [ ].")
    if len(labels) == 1 or any(host == name or host.endswith(f".{name}") for name in HERE_ONLY):
        raise ForbiddenTargetError("forbidden_host", "A webhook goes to a public name, such as hooks.example.org.")
