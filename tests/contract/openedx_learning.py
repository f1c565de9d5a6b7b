"""Steps for the pairs in which people learn: what the platform answers, what learners have seen, what time does."""

from datetime import datetime, timedelta

from bursar.assignments import jobs, services
from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.models import Budget, Transaction
from bursar.catalog.models import Course
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend
from bursar.testing.factories import make_run


class Learning:
    """Mixed into the world: `self.people` holds what a pair can name, `self.moment` is now."""

    def platform(self, person: str, *steps: str) -> None:
        """Say what the learning platform does with the next enrolments of somebody."""
        backend("enrolment_port").script(f"{person}@acme.example", *steps)

    def note_transaction(self) -> None:
        """Let {transaction} be the one that was made last."""
        self.people["transaction"] = Transaction.objects.order_by("-created").values_list("pk", flat=True)[0]

    def acknowledge(self, person: str) -> None:
        row = LearnerContentAssignment.objects.get(pk=self.people[person])
        services.acknowledge_many(row.assignment_configuration_id, [row.pk], lms_user_id=row.lms_user_id)

    def forget(self, person: str) -> None:
        services.retire_many([self.people[person]], actor=CONSOLE)

    def wait(self, minutes: int) -> None:
        self.moment += timedelta(minutes=minutes)

    def expire_now(self, person: str) -> None:
        """Let an assignment expire, and go on from there."""
        self.moment += timedelta(days=91)
        with self.now():
            jobs.tick()

    def allocate_course(self, *emails: str) -> None:
        self.allocate(*emails, content="AcmeX+C1")

    def second_run(self) -> None:
        make_run(Course.objects.get(key="AcmeX+C1"), "course-v1:AcmeX+C1+2028")

    def costs(self, cents: int) -> None:
        Course.objects.filter(key="AcmeX+C1").update(price_cents=cents)

    def late_until(self, moment: str) -> None:
        Budget.objects.filter(pk=self.budget.pk).update(late_redemption_allowed_until=datetime.fromisoformat(moment))
