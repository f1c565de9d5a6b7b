"""E-mail addresses: when text is one, which spellings are the same one, and its keyed hash (rulings 5 and 6)."""

import hmac
import re
import unicodedata
from typing import ClassVar, Final

import idna

from bursar.kernel.errors import BadInput

LONGEST_ADDRESS: Final = 254
LONGEST_LOCAL_PART: Final = 64
LONGEST_LABEL: Final = 63

# Marks that show nothing and come along when an address is copied out of a web page or an address book.
UNSEEN: Final = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
BLANKS: Final = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
EDGES: Final = BLANKS + UNSEEN
JOINERS: Final = "\u200c\u200d"

# What nearly everybody has. Narrower than the rules below on purpose: it only has to be right, not complete.
PLAIN: Final = re.compile(
    r"[a-z0-9_+'=-]+(?:\.[a-z0-9_+'=-]+)*"
    r"@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z][a-z0-9]*",
)
LOCAL_PART: Final = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff.-]+")
DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?![0-9]+\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
NEVER_IN_ONE: Final = re.compile(r'[<>()\[\]"\\,;:]')


class BadAddress(BadInput):
    """The text is not exactly one e-mail address. The message says why and never repeats the text."""

    default_code: ClassVar[str] = "invalid_address"


def domain_of(address: str) -> str:
    """Return what follows the last @ of an address, in lower case; it is not checked."""
    return address.rpartition("@")[2].lower()


def display_form(text: str) -> str:
    """Return the address as it was first written, without blanks and invisible marks around it; it is not checked."""
    return text.strip(EDGES)


def normal_form(text: str) -> str:
    """Return the one spelling that stands for every spelling of the same address.

    Compatibility forms (NFKC), capitals and the two ways to write an international domain do not count; accents and
    `ß` do. The local part has at most 64 octets and the whole 254, both in UTF-8, which is how mail servers count
    them; what is kept for display has at most 254 characters. Domains reserved for examples and tests are legal.
    Raises `BadAddress`.
    """
    given = display_form(text)
    plain = given.lower()
    if given.isascii() and _is_plain(plain):
        return plain
    return _full_normal_form(given)


def address_key(normal: str, pepper: bytes) -> str:
    """Return the HMAC-SHA256 of a normal form under the pepper, as 64 hexadecimal digits."""
    return hmac.digest(pepper, normal.encode("utf-8", "surrogatepass"), "sha256").hex()


def _is_plain(lowered: str) -> bool:
    """Tell whether lower-case ASCII text is an address that is its own normal form, by a check that is cheap."""
    if len(lowered) > LONGEST_ADDRESS or not PLAIN.fullmatch(lowered):
        return False
    local, _, domain = lowered.partition("@")
    return len(local) <= LONGEST_LOCAL_PART and all(len(label) <= LONGEST_LABEL for label in domain.split("."))


def _full_normal_form(given: str) -> str:
    if len(given) > LONGEST_ADDRESS:
        raise BadAddress(f"The address is longer than {LONGEST_ADDRESS} characters.")
    text = unicodedata.normalize("NFKC", given)
    _require_one_address(text)
    local, _, domain = text.partition("@")
    normal = f"{_normal_local_part(local)}@{_normal_domain(domain)}"
    if len(normal.encode()) > LONGEST_ADDRESS:
        raise BadAddress(f"The address is longer than {LONGEST_ADDRESS} octets.")
    return normal


def _require_one_address(text: str) -> None:
    """Refuse what is visibly something else, in the words that help most."""
    if not text:
        raise BadAddress("There is no address.")
    if text.count("@") > 1:
        raise BadAddress("There is more than one @; one address is wanted.")
    if NEVER_IN_ONE.search(text):
        raise BadAddress("It must be the address alone: no names, quotation marks, brackets, commas or colons.")
    if any(character.isspace() for character in text):
        raise BadAddress("There is a blank or a line break inside the address.")
    if "@" not in text:
        raise BadAddress("There is no @ in it.")


def _normal_local_part(local: str) -> str:
    """Return the part before the @; composed once more, since lower case may combine where capitals do not."""
    lowered = unicodedata.normalize("NFKC", local.lower())
    if not lowered:
        raise BadAddress("There is nothing before the @.")
    _require_visible(lowered)
    if not LOCAL_PART.fullmatch(lowered):
        raise BadAddress("There is a character before the @ that an address cannot have.")
    if "" in lowered.split("."):
        raise BadAddress("A dot before the @ must stand between other characters.")
    if len(lowered.encode()) > LONGEST_LOCAL_PART:
        raise BadAddress(f"The part before the @ is longer than {LONGEST_LOCAL_PART} octets.")
    return lowered


def _normal_domain(domain: str) -> str:
    """Return the domain in ASCII. It is not lowered first: UTS 46 folds a final sigma as Python would not."""
    if not domain:
        raise BadAddress("There is nothing after the @.")
    _require_visible(domain, joiners_too=True)
    encoded = _idna(domain)
    if encoded is None or not encoded.isascii():
        raise BadAddress("The part after the @ is not a domain name.")
    if "." not in encoded:
        raise BadAddress("The domain has no dot, so no mail gets there.")
    if not DOMAIN.fullmatch(encoded):
        raise BadAddress("The part after the @ is not a domain name.")
    return encoded


def _idna(domain: str) -> str | None:
    """Return the A-labels, or None where there are none: the library's own words would repeat the domain."""
    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError:
        return None


def _require_visible(part: str, *, joiners_too: bool = False) -> None:
    """Refuse what nobody can see or what is not text; the joiners of some scripts may stand in a domain."""
    for number, character in enumerate(part):
        category = unicodedata.category(character)
        if category[0] in "CZ" and not (joiners_too and character in JOINERS):
            raise BadAddress("There is an invisible or undefined character in the address.")
        if character == "\ufffd":
            raise BadAddress("There is a character in the address that was lost when the text was saved.")
        if number == 0 and category[0] == "M":
            raise BadAddress("A part of the address begins with an accent that has no letter.")
