"""The audit over our own API: everything recomputed from the records, and every difference named."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from bursar.api.rendering import answer
from bursar.api.v1.schemas import Out
from bursar.api.v1.scope import require
from bursar.assignments.audit import run_audit
from bursar.kernel.audit import Difference
from bursar.people.access import Permission

router: Final = Router(tags=["audit"])


class DifferenceOut(Out):
    """One thing that should be otherwise."""

    code: str
    subject: str = Field(description="The row, by its uuid; never an address.")
    message: str
    expected: Any
    found: Any


class AuditOut(Out):
    """What an audit found: nothing, when all is well."""

    clean: bool
    differences: list[DifferenceOut]


@router.get("/audit", response=AuditOut)
def run_full_audit(request: HttpRequest) -> HttpResponse:
    """Recompute money, history, counts and dates from the records, of one moment; changes nothing.

    Reads every assignment: seconds for a hundred thousand, minutes for millions. Takes `configuration.write` everywhere.
    """
    require(request, Permission.CONFIGURE, None)
    found = run_audit()
    body = {"clean": not found, "differences": [_shape(item) for item in found]}
    return answer(body)


def _shape(item: Difference) -> dict[str, Any]:
    return {
        "code": item.code,
        "subject": item.subject,
        "message": item.message,
        "expected": _plain(item.expected),
        "found": _plain(item.found),
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
