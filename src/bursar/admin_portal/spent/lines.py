"""The lines that a transaction is: what was spent, and beside it what was given back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext, gettext_lazy

from bursar.assignments.payments import Payment
from bursar.budgets.models import TransactionState
from bursar.pages.exports import Row, amount
from bursar.pages.shapes import Chip, Tone

CHIPS: Final = {
    TransactionState.CREATED: (gettext_lazy("Under way"), Tone.INFO, "clock"),
    TransactionState.PENDING: (gettext_lazy("Under way"), Tone.INFO, "clock"),
    TransactionState.FAILED: (gettext_lazy("Did not work"), Tone.BAD, "error"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a transaction as it was asked for, or its reversal. Cents are below 0 for spending."""

    payment: Payment
    is_reversal: bool = False

    @property
    def at(self) -> datetime:
        """When it was asked for, or given back."""
        return self.payment.reversed_at if self.is_reversal and self.payment.reversed_at else self.payment.created

    @property
    def who(self) -> str:
        """The address, unless it has been removed."""
        return self.payment.learner_email or gettext("Email hidden")

    @property
    def course(self) -> str:
        """The name of the course."""
        return self.payment.content_title or self.payment.content_key or ""

    @property
    def cents(self) -> int:
        """What it does to the money: taken away, or given back."""
        return self.payment.reversal_quantity or 0 if self.is_reversal else self.payment.quantity

    @property
    def is_void(self) -> bool:
        """Whether nothing was spent after all, because the enrolment did not work."""
        return self.payment.state == TransactionState.FAILED

    @property
    def chip(self) -> Chip | None:
        """Where it stands, in a word; nothing is said of what is simply spent."""
        if self.is_reversal:
            return Chip(gettext("Refund"), Tone.NEUTRAL, "undo")
        shown = CHIPS.get(TransactionState(self.payment.state))
        return Chip(str(shown[0]), shown[1], shown[2]) if shown else None


def lines_of(payment: Payment) -> list[Line]:
    """Return the lines of one transaction: itself, and its reversal beside it."""
    return [Line(payment), *([Line(payment, is_reversal=True)] if payment.reversal else [])]


def headings(currency: str, zone: str) -> list[str]:
    """Return the heads of the columns of an export."""
    date, amount_head, start, refunded = (
        gettext("Date"),
        gettext("Amount"),
        gettext("Course starts"),
        gettext("Refunded"),
    )
    return [
        *(f"{date} ({zone})", gettext("Address"), gettext("Course"), gettext("Key of the course")),
        *(f"{amount_head} ({currency})", gettext("Status"), f"{start} ({zone})", f"{refunded} ({zone})"),
    ]


def export_rows(payments: Iterator[Payment]) -> Iterator[Row]:
    """Yield the rows of an export, a reversal behind its transaction; what did not work has no amount."""
    for payment in payments:
        for line in lines_of(payment):
            yield _export_row(line)


def _export_row(line: Line) -> Row:
    payment = line.payment
    status = line.chip.text if line.chip else gettext("Spent")
    return (
        *(line.at, line.who, line.course, payment.content_key, None if line.is_void else amount(line.cents)),
        *(status, payment.course_run_start_date, None if line.is_reversal else payment.reversed_at),
    )
