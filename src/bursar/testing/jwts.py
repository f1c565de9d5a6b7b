"""Somebody who signs JWTs, as an Open edX LMS does: for tests of who is asking."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from bursar.api.auth import COOKIE_HEADER, HEAD_COOKIE, TAIL_COOKIE
from bursar.kernel import clock

ISSUER: Final = "https://lms.example.org/oauth2"
AUDIENCE: Final = "openedx"
LIFE_SECONDS: Final = 3_600


@dataclass
class Issuer:
    """Signs with one key; `settings()` are what Bursar needs to believe it."""

    key: ECKey | RSAKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    algorithm: str = "ES256"

    def settings(self) -> dict[str, Any]:
        """Return the settings under which these tokens are believed."""
        return {
            "jwt_issuer": ISSUER,
            "jwt_audience": (AUDIENCE,),
            "jwt_public_key": self.key.as_pem(private=False).decode(),
            "jwt_algorithms": (self.algorithm,),
        }

    def claims(self, learner: int, given: Sequence[str] = (), /, **other: Any) -> dict[str, Any]:
        """Return what a token says; `other` claims replace these, and None leaves one out."""
        now = int(clock.now().timestamp())
        said = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + LIFE_SECONDS, "user_id": learner}
        return {name: value for name, value in (said | {"roles": list(given)} | other).items() if value is not None}

    def token(self, learner: int, given: Sequence[str] = (), /, *, header: Any = None, **other: Any) -> str:
        """Return a signed token; roles are `given` as Open edX writes them, such as `enterprise_admin:<customer>`."""
        head = {"alg": self.algorithm, "typ": "JWT"} | (header or {})
        return jwt.encode(head, self.claims(learner, given, **other), self.key, algorithms=[self.algorithm])

    def bearer(self, learner: int, given: Sequence[str] = (), /, **other: Any) -> dict[str, str]:
        """Return the headers of a request that shows the token, as Django's test client takes them."""
        return {"Authorization": f"Bearer {self.token(learner, given, **other)}"}


def set_cookies(client: Any, token: str) -> dict[str, str]:
    """Give Django's test client the two cookies of a token, and return the headers that go with them."""
    head, _, tail = token.rpartition(".")
    client.cookies[HEAD_COOKIE], client.cookies[TAIL_COOKIE] = head, tail
    return {COOKIE_HEADER: "true"}
