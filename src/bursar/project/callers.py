"""What the settings about who is asking must be: keys that are ones and agree with their issuer, exact origins, proxies."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from bursar.kernel.errors import Misconfigured
from bursar.people.keysets import KINDS, pem_text, read_jwks, read_pem

Refusal = Callable[[str, str], Misconfigured]

HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def check_callers(bursar: dict[str, Any], refused: Refusal) -> None:
    """Raise what `refused` makes of the name of the first setting that is wrong, and of why."""
    _check_jwt(bursar, refused)
    for proxy in bursar["trusted_proxies"]:
        if not _is_network(proxy):
            raise refused("trusted_proxies", "must hold addresses and networks, such as 127.0.0.1,10.0.0.0/8")
    for origin in bursar["cors_origins"]:
        if not _is_origin(origin):
            raise refused("cors_origins", "must hold origins such as https://admin.example.org, without a path or *")


def _check_jwt(bursar: dict[str, Any], refused: Refusal) -> None:
    needed = ("jwt_issuer", "jwt_audience")
    if bursar["jwt_public_key"] or bursar["jwt_jwks"]:
        for name in needed:
            if not bursar[name]:
                raise refused(name, "must be set where JWTs are accepted, or those of anybody else's would be")
    elif given := [name for name in needed if bursar[name]]:
        raise refused(given[0], "does nothing without a key: set BURSAR_JWT_JWKS or BURSAR_JWT_PUBLIC_KEY")
    if not bursar["jwt_algorithms"] or not set(bursar["jwt_algorithms"]) <= KINDS.keys():
        raise refused("jwt_algorithms", f"must be among {', '.join(KINDS)}")
    _check_keys("jwt_public_key", bursar["jwt_public_key"], _check_pem, refused)
    _check_keys("jwt_jwks", bursar["jwt_jwks"], _check_jwks, refused)


def _check_keys(name: str, value: str, check: Callable[[str], None], refused: Refusal) -> None:
    try:
        if value:
            check(value)
    except OSError as error:
        raise refused(name, f"names a file that cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise refused(name, str(error)) from error


def _check_pem(value: str) -> None:
    read_pem(pem_text(value))


def _check_jwks(value: str) -> None:
    """Raise ValueError unless this is an address that keys may come from, or a file with at least one that serves."""
    if "://" not in value:
        if not read_jwks(Path(value).read_bytes()):
            raise ValueError("names a file without any public key that could verify a JWT")
        return
    parts = _split(value)
    if parts is None or not parts.hostname or not value.isprintable() or "@" in parts.netloc or "#" in value:
        raise ValueError("must be an address, or the path of a file")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
        raise ValueError("must start with https://")


def _is_network(value: str) -> bool:
    try:
        ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def _is_origin(value: str) -> bool:
    parts = _split(value)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return False
    exact = value == f"{parts.scheme}://{parts.netloc}" == value.lower()
    return exact and value.isascii() and value.isprintable() and not set(value) & set("@*, ")


def _split(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return parts
