"""Slips of the keyboard in the domain of an address. Pure: no Django."""

from collections.abc import Iterable
from typing import Final

COMMON: Final = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "aol.com"),
    *("gmx.de", "gmx.net", "web.de", "t-online.de", "freenet.de", "mail.ru", "yandex.ru", "proton.me"),
    *("orange.fr", "wanadoo.fr", "hotmail.es", "yahoo.es", "yahoo.co.uk", "hotmail.co.uk", "libero.it"),
)
SHORTEST: Final = 5  # shorter domains are one letter from too many others


def meant_domain(domain: str, known: Iterable[str] = ()) -> str | None:
    """Return the well-known domain, or one of those `known` here, that is one slip away; None where nothing suggests one.

    A slip is a letter too many, too few, another one, or two neighbours changed about. A domain that is known itself
    is none.
    """
    domain = domain.lower()
    likely = dict.fromkeys((*known, *COMMON))
    if domain in likely or len(domain) < SHORTEST:
        return None
    return next((other for other in likely if is_one_slip(domain, other)), None)


def is_one_slip(one: str, other: str) -> bool:
    """Tell whether two words are one slip apart."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        return True  # the longer one has a letter more at its end
    a, b = one[start:], other[start:]
    changed_about = len(a) > 1 and len(b) > 1 and (a[0], a[1]) == (b[1], b[0]) and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or changed_about
