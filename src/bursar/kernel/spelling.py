"""How amounts and moments are written for people."""

from datetime import UTC, datetime


def money(amount: int, currency: str = "") -> str:
    """Return cents as people read them, such as 40,000.00 USD."""
    whole, part = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}{whole:,}.{part:02d} {currency}".rstrip()


def date_text(value: datetime | None, *, otherwise: str = "never") -> str:
    """Return a moment as people read it, in UTC to the minute."""
    return otherwise if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def second_text(value: datetime) -> str:
    """Return a moment to the second, for what happens in quick succession."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
