"""Who speaks by a signed token: the keys are asked of their owner, kept for an hour, and asked for again when one is new."""

import logging
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from bursar.kernel.backends import backend
from bursar.kernel.conf import setting
from bursar.kernel.errors import Unavailable
from bursar.kernel.transactions import refuse_transaction
from bursar.people import jwts
from bursar.people.keysets import Keys, pem_text, read_jwks, read_pem
from bursar.ports.keysets import KeySetPort

REFRESH_SECONDS: Final = 3_600
RETRY_SECONDS: Final = 60
STALE_SECONDS: Final = 86_400
NEVER: Final = float("-inf")

logger = logging.getLogger(__name__)


def jwt_claims(text: str) -> Mapping[str, Any] | None:
    """Return what this JWT says, or None when it is not believed or none is, because no keys are set up.

    Raises `Unavailable` (`keys_unavailable`) when the keys cannot be had, and never could or not for a day.
    """
    public_key, jwks = setting("jwt_public_key"), setting("jwt_jwks")
    if not public_key and not jwks:
        return None
    return jwts.read_claims(text, _terms(), ring(public_key, jwks).keys_for)


def _terms() -> jwts.Terms:
    return jwts.Terms(
        setting("jwt_issuer"),
        frozenset(setting("jwt_audience")),
        frozenset(setting("jwt_algorithms")),
        setting("jwt_max_age"),
    )


class KeyRing:
    """The keys that verify tokens, as last read; one per process, shared by its threads."""

    def __init__(self, public_key: str, jwks: str) -> None:
        self.public_key, self.jwks = public_key, jwks
        self.lock = threading.Lock()
        self.keys: Keys = ()
        self.read_at = self.tried_at = NEVER

    def keys_for(self, algorithm: str, kid: str | None) -> Keys:
        """Return the keys that fit, reading them anew if they are old or none fits, at most once a minute."""
        found = self._fitting(algorithm, kid)
        if not found or self._age() > REFRESH_SECONDS:
            self._refresh(wait=not found)
            found = self._fitting(algorithm, kid)
        if self._age() > STALE_SECONDS:
            raise Unavailable("The keys that verify tokens cannot be had now; try again.", code="keys_unavailable")
        return found

    def _refresh(self, *, wait: bool) -> None:
        """Read the keys anew, unless that was tried just now; whoever can go on without does not wait for another one."""
        if not self.lock.acquire(blocking=wait):
            return
        try:
            if time.monotonic() - self.tried_at >= RETRY_SECONDS:
                self._read()
        finally:
            self.lock.release()

    def _fitting(self, algorithm: str, kid: str | None) -> Keys:
        return tuple(key for key in self.keys if key.fits(algorithm, kid))

    def _age(self) -> float:
        return time.monotonic() - self.read_at

    def _read(self) -> None:
        """Read the keys; whatever goes wrong leaves those that there are."""
        self.tried_at = time.monotonic()
        try:
            self.keys = self._pinned() + self._published()
        except (OSError, ValueError) as error:
            logger.warning("the keys that verify tokens cannot be read: %s", error)
        else:
            self.read_at = self.tried_at

    def _pinned(self) -> Keys:
        return read_pem(pem_text(self.public_key)) if self.public_key else ()

    def _published(self) -> Keys:
        if not self.jwks:
            return ()
        if not self.jwks.startswith(("https://", "http://")):
            return read_jwks(Path(self.jwks).read_bytes())
        refuse_transaction()
        port: KeySetPort = backend("keyset_port")
        return read_jwks(port.fetch(self.jwks))


@lru_cache(maxsize=4)
def ring(public_key: str, jwks: str) -> KeyRing:
    """Return the ring of these settings."""
    return KeyRing(public_key, jwks)
