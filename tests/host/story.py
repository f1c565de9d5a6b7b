"""Imported in the host project's own process once Django is set up: assign, tell, link the host's user, accept, audit."""

import sys

from django.contrib.auth import get_user_model
from django.core.management import call_command

from bursar.assignments import flows, jobs, services
from bursar.assignments.audit import run_audit
from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.services import create_fund
from bursar.catalog.models import Course
from bursar.kernel.actor import SYSTEM
from bursar.people.files import people_from_addresses
from bursar.people.services import create_customer

call_command("migrate", run_syncdb=True, verbosity=0)
call_command(
    "makemigrations",
    "--check",
    "--dry-run",
    "bursar_people",
    "bursar_catalog",
    "bursar_budgets",
    "bursar_outbox",
    "content_assignments",
    verbosity=0,
)

customer = create_customer("Host")
fund = create_fund(customer.pk, title="2026", deposit_cents=10_000)
budget = flows.create_assignable_budget(fund.pk, display_name="Pilot", limit_cents=10_000)
Course.objects.create(key="HostX+1", title="First steps", price_cents=4_900)
people = people_from_addresses(["Ana@Example.org", "ben@example.org"]).people
flows.allocate(flows.AllocationRequest(budget, "HostX+1"), people, actor=SYSTEM)
user = get_user_model().objects.create(mailbox="ana@example.org")
assert LearnerContentAssignment.objects.filter(lms_user_id=None).count() == 2, "nothing links before the proof"
assert flows.verify_address(user) == 1
assignment = LearnerContentAssignment.objects.exclude(lms_user_id=None).get()
assert jobs.tick().mail.sent == 2
done = flows.redeem_many([services.RedemptionRequest(assignment.pk)], actor=SYSTEM)
assert [row.state for row in done.done.values()] == ["committed"]
sys.stdout.write(f"differences: {len(run_audit())}")
