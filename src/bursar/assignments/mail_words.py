"""How mails write dates and amounts: as the language that is active does, in the time zone that is active."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.utils import formats, timezone
from django.utils.translation import get_language

DAYS: Final = {"de": "j. F Y", "es": r"j \d\e F \d\e Y"}
DAY_OTHERWISE: Final = "j F Y"
TIME: Final = ", H:i e"


@dataclass(frozen=True, slots=True)
class Amount:
    """Cents of a currency; what it reads as depends on the language in which it is asked, so a mail asks while it is rendered."""

    cents: int
    currency: str

    def __str__(self) -> str:
        return price_text(self.cents, self.currency)


def price_text(cents: int, currency: str) -> str:
    """Return an amount as people read it, such as 49.00 USD in English and 49,00 USD in German."""
    return f"{formats.number_format(Decimal(cents) / 100, 2)} {currency}"


def mail_day(moment: datetime | None) -> str:
    """Return the date of a moment (aware): 12 March 2026, in German 12. März 2026; "" for none."""
    return _written(moment, _day_form())


def mail_moment(moment: datetime | None) -> str:
    """Return date, time and zone of a moment (aware): 12 March 2026, 14:05 CET; "" for none."""
    return _written(moment, _day_form() + TIME)


def _day_form() -> str:
    return DAYS.get((get_language() or "").split("-")[0], DAY_OTHERWISE)


def _written(moment: datetime | None, form: str) -> str:
    return formats.date_format(timezone.localtime(moment), form) if moment else ""
