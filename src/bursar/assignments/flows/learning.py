"""What a learner could take up now and what stands against it: every budget of a customer for every content asked for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from bursar.assignments import expiry, services
from bursar.assignments.flows import contents
from bursar.assignments.flows.redemptions import NO_FACTS, course_facts
from bursar.assignments.learners import assigned_to
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.payments import Payment, of_learner
from bursar.assignments.policy import refuse_redemption
from bursar.budgets.models import Budget
from bursar.kernel import clock
from bursar.kernel.results import Refusal
from bursar.ports.catalog import Content


@dataclass(frozen=True, slots=True)
class Learner:
    """Somebody by their id in the learning platform; `known` says that the customer knows them."""

    customer: UUID
    lms_user_id: int
    known: bool = True


@dataclass(frozen=True, slots=True)
class Prospect:
    """What holds of one content for one learner.

    `payments` are all for it so far, newest first, `paid` the one that stands or is under way. Otherwise `budget` would
    pay for `assignment`, or `refusals` says of each budget why not. `price_cents` is the price that counts: of what is
    assigned or paid, else the catalog's (None: unknown).
    """

    key: str
    known: bool
    price_cents: int | None
    payments: Sequence[Payment]
    paid: Payment | None = None
    budget: Budget | None = None
    assignment: UUID | None = None
    refusals: Sequence[tuple[UUID, Refusal]] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """What cards show of a content: the run meant, else the one that somebody would get; the catalog's price in cents."""

    course_key: str
    run_key: str | None
    title: str
    start: datetime | None
    end: datetime | None
    enroll_by: datetime | None
    price_cents: int | None
    course_type: str
    partner: str


def look_ahead(learner: Learner, keys: Collection[str], budgets: Sequence[Budget], currency: str) -> list[Prospect]:
    """Return a prospect for each content (course or run), tried with the budgets in their order; changes nothing.

    `currency` is the one in which prices count. Five statements, and those of the catalog for each named one.
    """
    asked = list(dict.fromkeys(keys))
    known = contents.describe(asked)
    wanted = {*asked, *(content.course_key for content in known.values())}
    configurations = [key for row in budgets if (key := row.assignment_configuration_id)]
    mine = assigned_to(learner.lms_user_id, configurations).filter(content_key__in=wanted)
    offered = {
        (catalog, key)
        for catalog in {row.catalog_id for row in budgets}
        for key in contents.catalog().contains_many(catalog, wanted)
    }
    payments = of_learner(learner.customer, learner.lms_user_id, asked)
    assigned = {(row.assignment_configuration_id, row.content_key): row for row in mine}
    view = _View(learner, budgets, known, assigned, offered, payments, currency)
    return [view.prospect(key) for key in asked]


@dataclass(frozen=True, slots=True)
class _View:
    """Everything that prospects follow from, read once."""

    learner: Learner
    budgets: Sequence[Budget]
    known: Mapping[str, Content]
    assigned: Mapping[tuple[UUID | None, str], LearnerContentAssignment]
    offered: Collection[tuple[UUID | None, str]]
    payments: Sequence[Payment]
    currency: str

    def prospect(self, key: str) -> Prospect:
        content = self.known.get(key)
        listed = content.price_cents if content and content.currency == self.currency else None
        mine = [row for row in self.payments if key in {row.content_key, row.parent_content_key}]
        found = Prospect(key, content is not None, listed, mine)
        paid = next((row for row in mine if row.is_spent or row.is_under_way), None)
        if paid is None:
            return self._judged(found)
        budget = next((row for row in self.budgets if row.pk == paid.budget and paid.is_under_way), None)
        return replace(found, paid=paid, price_cents=-paid.quantity, budget=budget, assignment=paid.assignment)

    def _judged(self, prospect: Prospect) -> Prospect:
        refusals = []
        for budget in self.budgets:
            assignment = self._assignment(budget, prospect.key)
            why = self._refuse(budget, prospect, assignment)
            if why is None and assignment is not None:
                price = -assignment.content_quantity
                return replace(prospect, price_cents=price, budget=budget, assignment=assignment.pk)
            if why is not None:
                refusals.append((budget.pk, why))
        return replace(prospect, refusals=refusals)

    def _assignment(self, budget: Budget, key: str) -> LearnerContentAssignment | None:
        """Return what a budget has assigned of this very run, else of its course."""
        content, configuration = self.known.get(key), budget.assignment_configuration_id
        by_course = self.assigned.get((configuration, content.course_key)) if content else None
        return self.assigned.get((configuration, key)) or by_course

    def _refuse(
        self, budget: Budget, prospect: Prospect, assignment: LearnerContentAssignment | None
    ) -> Refusal | None:
        content, course = self.known.get(prospect.key), NO_FACTS
        if content is not None:
            key = assignment.content_key if assignment else prospect.key
            meant = content if key == content.key else replace(content, key=key, run=None)
            course = course_facts(meant, prospect.key, in_catalog=(budget.catalog_id, key) in self.offered)
        price = -assignment.content_quantity if assignment else prospect.price_cents or 0
        facts = replace(
            services.redemption_facts(budget, course, assignment.state if assignment else None),
            redemption_pending=assignment is not None and assignment.redemption_uuid is not None,
            learner_known=self.learner.known,
            fund_covers=budget.fund.balance_cents >= price,
            limit_covers=budget.limit_cents - budget.spent_cents >= price,
        )
        return refuse_redemption(facts)


@dataclass(frozen=True, slots=True)
class RunChoice:
    """A run that a learner may start in; times aware UTC, None: not known, or no limit."""

    key: str
    start: datetime | None
    end: datetime | None
    enroll_by: datetime | None


@dataclass(frozen=True, slots=True)
class Choices:
    """What a learner chooses among when taking up an assignment: `preferred` is the run they get unless they say otherwise."""

    partner: str = ""
    runs: Sequence[RunChoice] = ()
    preferred: str = ""


def choices_for(assignment: LearnerContentAssignment) -> Choices:
    """Return the open runs among which the learner may choose: the assigned one alone, of a course all of them."""
    content = contents.describe([assignment.content_key]).get(assignment.content_key)
    if content is None:
        return Choices()
    now = clock.now()
    offered = (content.run,) if content.run else content.runs
    runs = [run for run in offered if expiry.is_open(contents.dates(run), now)]
    keys = [run.key for run in runs]
    wanted = assignment.preferred_course_run_key
    preferred = wanted if wanted in keys else next(iter(keys), "")
    shown = [RunChoice(run.key, run.start, run.end, run.enroll_by) for run in runs]
    return Choices(content.partner, shown, preferred or "")


def sights_of(assigned: Collection[tuple[str, str | None]], currency: str) -> dict[tuple[str, str | None], Sight]:
    """Return what cards show of each content with its preferred run; what the catalog does not know is left out."""
    known = contents.describe({key for key, _ in assigned})
    return {(key, run): _sight(known[key], run, currency) for key, run in assigned if key in known}


def _sight(content: Content, run_key: str | None, currency: str) -> Sight:
    now = clock.now()
    run = contents.run_meant(content, run_key) or contents.first_open_run(content, now) or contents.last_run(content)
    return Sight(
        course_key=content.course_key,
        run_key=run.key if run else None,
        title=content.title,
        start=run.start if run else None,
        end=run.end if run else None,
        enroll_by=contents.enroll_by(content, run_key, now),
        price_cents=content.price_cents if content.currency == currency else None,
        course_type=content.course_type,
        partner=content.partner,
    )
