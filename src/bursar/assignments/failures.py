"""What went wrong last with assignments, as those who assign are told: by the newest failed action, whatever came after."""

from typing import TypeVar

from django.db.models import OuterRef, QuerySet, Subquery

from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction

R = TypeVar("R", bound="QuerySet[LearnerContentAssignment]")


def with_failures(rows: R) -> R:
    """Return the same assignments, each with `failed_action` and `failed_reason`, None where nothing ever failed."""
    failed = LearnerContentAssignmentAction.objects.filter(assignment=OuterRef("pk"), error_reason__isnull=False)
    newest = failed.order_by("-created", "-uuid")
    return rows.annotate(
        failed_action=Subquery(newest.values("action_type")[:1]),
        failed_reason=Subquery(newest.values("error_reason")[:1]),
    )
