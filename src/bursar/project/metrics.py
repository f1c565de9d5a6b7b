"""What Prometheus reads at /metrics: taken from the database when asked, so that every process gives the same answer."""

from collections.abc import Iterable
from typing import Final

from django.db.models import Count, Sum
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bursar.assignments.models import AllocationBatch, AssignmentCounts
from bursar.assignments.models.batches import BatchState
from bursar.assignments.models.counts import COLUMNS
from bursar.budgets.models import Transaction, TransactionState
from bursar.kernel import clock
from bursar.outbox import pulses
from bursar.outbox.health import health
from bursar.outbox.models import DEAD, UNSETTLED, Message

CODES: Final = ("mail_stuck", "mail_untaken", "worker_silent", "tick_late")


class Figures(Collector):
    """Counts and ages of this moment: no customer, no person and no amount of money among the labels."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield every figure; a fixed number of statements."""
        now, seen = clock.now(), health()
        yield _messages()
        oldest = (now - seen.backlog.oldest_due).total_seconds() if seen.backlog.oldest_due else 0
        yield _one(
            "bursar_outbox_oldest_due_seconds", "How long the longest waiting message has been due.", max(oldest, 0)
        )
        beats = GaugeMetricFamily("bursar_heartbeat_age_seconds", "Since the last sign of life.", labels=["of"])
        for name, at in pulses.beats().items():
            beats.add_metric([name], (now - at).total_seconds())
        yield beats
        problems = GaugeMetricFamily("bursar_problem", "1 while an operator should look.", labels=["code"])
        for code in CODES:
            problems.add_metric([code], code in {problem.code for problem in seen.problems})
        yield problems
        yield _assignments()
        filling = AllocationBatch.objects.filter(state=BatchState.FILLING).count()
        yield _one("bursar_allocations_filling", "Large allocations not filled yet.", filling)
        pending = Transaction.objects.filter(state=TransactionState.PENDING).count()
        yield _one("bursar_redemptions_pending", "Acceptances whose enrolment has no answer yet.", pending)


def exposition() -> bytes:
    """Return all figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(Figures())
    return generate_latest(registry)


def _one(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=value)


def _messages() -> GaugeMetricFamily:
    family = GaugeMetricFamily("bursar_outbox_messages", "Messages not over, or given up.", labels=["topic", "state"])
    rows = Message.objects.filter(state__in=UNSETTLED | DEAD).order_by().values_list("topic", "state")
    for topic, state, number in rows.annotate(number=Count("*")):
        family.add_metric([topic, state], number)
    return family


def _assignments() -> GaugeMetricFamily:
    family = GaugeMetricFamily("bursar_assignments", "Assignments by state.", labels=["state", "learner_state"])
    totals = AssignmentCounts.objects.aggregate(**{f"sum_{column}": Sum(column) for column in COLUMNS.values()})
    for (state, learner_state), column in COLUMNS.items():
        family.add_metric([state, learner_state or ""], totals[f"sum_{column}"] or 0)
    return family
