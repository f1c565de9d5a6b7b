"""What the codes of refusals and faults say to whoever assigns, in their language."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext, gettext_lazy

from bursar.assignments.expiry import Reason
from bursar.assignments.policy import Code
from bursar.kernel.errors import BursarError
from bursar.pages.money import money

SHOWN_COLUMNS: Final = 10
WORDS: Final[Mapping[str, Any]] = {
    Code.CONTENT_NOT_IN_CATALOG: gettext_lazy("The budget may not be spent on this course."),
    Code.PRICE_VALIDATION_ERROR: gettext_lazy("The price is too far from that of the catalog."),
    Code.PRICE_MISSING: gettext_lazy("The catalog has no price for this course."),
    Code.POLICY_EXPIRED: gettext_lazy("The budget is not active."),
    Code.BEYOND_ENROLLMENT_DEADLINE: gettext_lazy("Enrolment in this course has closed."),
    Code.CURRENCY_MISMATCH: gettext_lazy("The price of this course is in another currency than the fund."),
    Code.SUBSIDY_EXPIRED: gettext_lazy("The fund behind the budget has not started, or has ended."),
    Code.NOT_ENOUGH_VALUE_IN_SUBSIDY: gettext_lazy("The fund has not enough money left."),
    Code.POLICY_SPEND_LIMIT_REACHED: gettext_lazy("The budget has not enough money left."),
    Code.WRONG_RUN: gettext_lazy("This run is not one of the course."),
    Code.PLAN_CHANGED: gettext_lazy("Something has changed since the plan was made."),
    Code.ALREADY_ACCEPTED: gettext_lazy("Accepted already."),
    Code.REDEMPTION_IN_PROGRESS: gettext_lazy("Being accepted right now."),
    "plan_used": gettext_lazy("This plan was done already."),
    "plan_lapsed": gettext_lazy("This plan is over. Make a new one."),
    "batch_not_undoable": gettext_lazy("It cannot be undone any more: somebody has accepted, or it is not complete yet."),
    "invalid_address": gettext_lazy("Not an e-mail address."),
    "malformed_row": gettext_lazy("The row cannot be read."),
    "too_many_cells": gettext_lazy("The row has more cells than the header."),
    "invalid_name": gettext_lazy("The name is too long."),
    "invalid_department": gettext_lazy("The department is too long."),
    "invalid_language": gettext_lazy("The language is no code such as en, de or pt-br."),
    "invalid_time_zone": gettext_lazy("The time zone is no name such as Europe/Berlin."),
    "invalid_manager_address": gettext_lazy("The manager's address is none."),
    "no_rows": gettext_lazy("Nobody is named."),
    "no_header": gettext_lazy("The first row must name the columns: E-mail, and if you like Name, Department, Language, Time zone, Manager."),
    "no_address_column": gettext_lazy("There is no column of addresses; one must be headed E-mail."),
    "unknown_columns": gettext_lazy("There are columns that nobody knows: take them out. Known are E-mail, Name, Department, Language, Time zone, Manager."),
    "duplicate_columns": gettext_lazy("Two columns have the same heading."),
    "malformed_csv": gettext_lazy("The file cannot be read as a table."),
    "empty_file": gettext_lazy("The file is empty."),
    "wrong_encoding": gettext_lazy("The letters of the file cannot be read. Save it as UTF-8, or as a workbook (XLSX)."),
    "nul_bytes": gettext_lazy("The file holds bytes that are no text."),
    "file_unreadable": gettext_lazy("The file cannot be read."),
    "file_too_large": gettext_lazy("The file is too large."),
    "other_file": gettext_lazy("This is not the file that was sent: it names somebody else where results are kept."),
    "too_many_people": gettext_lazy("There are too many rows for one call."),
}  # fmt: skip


DUE: Final[Mapping[str, Any]] = {
    Reason.NINETY_DAYS_PASSED: gettext_lazy("90 days after the assignment"),
    Reason.ENROLLMENT_DATE_PASSED: gettext_lazy("the last day to enrol in the course"),
    Reason.SUBSIDY_EXPIRED: gettext_lazy("the end of the fund"),
}


def said(code: str, otherwise: str = "") -> str:
    """Return what a code says, else the words that came with it."""
    return str(WORDS[code]) if code in WORDS else otherwise


def said_of(error: BursarError, currency: str = "") -> str:
    """Return what an error says, with the columns that nobody knows, the line, or the money that is missing."""
    words = said(error.code, error.message)
    line, missing = error.facts.get("line"), error.facts.get("missing_cents")
    if error.code == "unknown_columns":
        words += " " + gettext("Found: %(columns)s.") % {"columns": ", ".join(error.facts["columns"][:SHOWN_COLUMNS])}
    if line:
        words += " " + gettext("Line %(line)s.") % {"line": line}
    if missing and currency:
        words += " " + gettext("%(amount)s are missing.") % {"amount": money(missing, currency)}
    return words
