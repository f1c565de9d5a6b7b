"""What tables are called and in which order they are named; what a row is called, where it says only its key itself."""

from typing import Any, Final

from django.db.models import Model

TABLES: Final = {
    "bursar_people.Customer": "Customers",
    "bursar_people.Person": "People",
    "bursar_people.Profile": "Users",
    "bursar_people.Membership": "Roles",
    "bursar_people.ApiToken": "API tokens",
    "bursar_people.IdentityProvider": "Identity providers",
    "bursar_people.AuditEntry": "Audit",
    "bursar_people.Mailbox": "Stopped mailboxes",
    "bursar_people.Unsubscription": "Unsubscribed",
    "content_assignments.LearnerContentAssignment": "Assignments",
    "content_assignments.LearnerContentAssignmentAction": "Actions",
    "content_assignments.LearnerReply": "Learners' answers",
    "content_assignments.AllocationBatch": "Allocations",
    "content_assignments.AllocationPlan": "Plans",
    "content_assignments.AssignmentConfiguration": "Configurations",
    "content_assignments.ReminderPolicy": "Reminder policies",
    "content_assignments.MessageText": "Message texts",
    "content_assignments.Notice": "Notices",
    "content_assignments.NoticePolicy": "Notice policies",
    "bursar_budgets.Budget": "Budgets",
    "bursar_budgets.Fund": "Funds",
    "bursar_budgets.Transaction": "Transactions",
    "bursar_budgets.Reversal": "Reversals",
    "bursar_budgets.LedgerEntry": "Ledger",
    "bursar_catalog.Course": "Courses",
    "bursar_catalog.Run": "Course runs",
    "bursar_catalog.Catalog": "Catalogs",
    "bursar_outbox.Message": "Messages",
    "bursar_outbox.Pulse": "Pulses of workers",
    "bursar_webhooks.Endpoint": "Endpoints",
    "bursar_webhooks.Event": "Events",
    "bursar_api.IdempotencyKey": "Idempotency keys",
    "admin.LogEntry": "Staff log",
}
NAMED_BY: Final = {
    "bursar_people.Customer": "name",
    "bursar_people.Person": "email",
    "bursar_people.IdentityProvider": "name",
    "bursar_people.ApiToken": "name",
    "bursar_budgets.Fund": "title",
    "bursar_budgets.Budget": "display_name",
    "bursar_catalog.Course": "title",
    "bursar_catalog.Run": "key",
    "bursar_catalog.Catalog": "title",
    "content_assignments.LearnerContentAssignment": "learner_email",
    "bursar_webhooks.Endpoint": "host",
    "bursar_outbox.Pulse": "name",
}


def table_name(model: type[Model]) -> str:
    """Return what a table is called, of many rows."""
    return TABLES.get(model._meta.label, str(model._meta.verbose_name_plural))


def title(row: Model) -> str:
    """Return the name of a row as staff know it, or its key."""
    names: Any = row
    if hasattr(row, "get_username"):
        return str(names.get_username())
    name = NAMED_BY.get(row._meta.label)
    return (str(getattr(row, name)) if name else "") or str(row.pk)
