"""How cents are written for the reader: separators, symbol and its side go by the language that is active."""

from decimal import Decimal
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import get_language

NARROW: Final = "\N{NO-BREAK SPACE}"
MINUS: Final = "\N{MINUS SIGN}"
SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "CAD": "CA$", "AUD": "A$", "MXN": "MX$"}
SYMBOL_FIRST: Final = frozenset({"en"})


def money(cents: int, currency: str, *, brief: bool = False) -> str:
    """Return cents as the reader writes them: $1,234.50 in English, 1.234,50 $ in German.

    `brief` leaves out the cents where there are none, for figures that stand alone.
    """
    places = 0 if brief and cents % 100 == 0 else 2
    amount = number_format(Decimal(abs(cents)) / 100, places, force_grouping=True)
    sign = MINUS if cents < 0 else ""
    symbol = SYMBOLS.get(currency, currency)
    if (get_language() or "en").split("-")[0] not in SYMBOL_FIRST:
        return f"{sign}{amount}{NARROW}{symbol}"
    gap = NARROW if symbol.isalpha() else ""
    return f"{sign}{symbol}{gap}{amount}"


def whole(number: int) -> str:
    """Return a count with the separators of the reader's language."""
    return number_format(number, 0, force_grouping=True)
