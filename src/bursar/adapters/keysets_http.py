"""Fetches a set of keys over HTTPS: one GET, no redirect, no cookie, no proxy, bounded in time and in size."""

from ipaddress import ip_network
from typing import Final

import httpcore
import httpx

from bursar.adapters.webhooks_http import (
    AGENT,
    READ_AT_MOST,
    EnoughError,
    Limit,
    Pinned,
    TlsFailedError,
    UnresolvedError,
)
from bursar.webhooks.egress import Rules

SECONDS: Final = 5.0
OK: Final = 200
# The address is the operator's own setting, and may well be inside: only what others may type in is judged.
ANYWHERE: Final = Rules(frozenset(), networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
FAULTS: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    EnoughError,
    TlsFailedError,
    UnresolvedError,
)


class HttpKeySets:
    """Fetches over a connection of its own each time, which is at most once a minute."""

    def __init__(self) -> None:
        self.tls = httpx.create_ssl_context()

    def fetch(self, url: str) -> bytes:
        """Fetch as the port promises."""
        limit = Limit()
        limit.begin(SECONDS)
        try:
            with httpcore.ConnectionPool(ssl_context=self.tls, network_backend=Pinned(ANYWHERE, limit)) as pool:
                return self._read(pool, url)
        except FAULTS as error:
            raise OSError(f"{type(error).__name__} while fetching keys") from error

    @staticmethod
    def _read(pool: httpcore.ConnectionPool, url: str) -> bytes:
        wait = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)}
        headers = [("User-Agent", AGENT), ("Accept", "application/json"), ("Accept-Encoding", "identity")]
        with pool.stream("GET", url, headers=headers, extensions=wait) as response:
            if response.status != OK:
                raise OSError(f"keys were asked for, and the answer was {response.status}")
            found = b"".join(response.iter_stream())
        if len(found) > READ_AT_MOST:
            raise OSError("a set of keys is larger than anybody reads here")
        return found
