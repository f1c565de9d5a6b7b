"""The world that the pairs of the Open edX contract are asked in: a customer, its people and money, and steps to go on from."""

import re
from datetime import datetime, timedelta
from importlib import import_module
from itertools import chain
from uuid import UUID

from django.test import Client
from pydantic import TypeAdapter
from tests.contract.openedx_learning import Learning

from bursar.assignments import flows, jobs, services
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import RedemptionRequest
from bursar.budgets.models import Budget
from bursar.budgets.services import deposit, retire
from bursar.catalog.models import Course
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend
from bursar.people.models import Customer, Membership
from bursar.people.tokens import create_token
from bursar.testing.factories import (
    make_budget,
    make_course,
    make_customer,
    make_fund,
    make_member,
    make_people,
    make_run,
    make_user,
    reload,
)

UNKNOWN = "0a0a0a0a-0000-4000-8000-000000000001"
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
COURSE, RUN = "AcmeX+C1", "course-v1:AcmeX+C1+2027"
OTHER, OTHER_RUN = "AcmeX+C2", "course-v1:AcmeX+C2+2027"


class World(Learning):
    """Acme with a fund of 1,000 and a budget of 1,000 dollars; ada administers it, lee learns, olga operates everything.

    sam administers another customer, which has a budget too.
    """

    def __init__(self) -> None:
        self.customer = make_customer("Acme")
        self.elsewhere = make_customer("Umbra")
        self.fund = make_fund(self.customer, deposit_cents=100_000)
        self.budget = make_budget(self.fund, limit_cents=100_000, display_name="Training")
        self.foreign = make_budget(make_fund(self.elsewhere), display_name="Elsewhere")
        self.users = {
            "ada": (make_user("ada@acme.example", lms_user_id=11), self.customer, "admin"),
            "lee": (make_user("lee@acme.example", lms_user_id=12), self.customer, "learner"),
            "olga": (make_user("olga@bursar.example", lms_user_id=13), None, "operator"),
            "sam": (make_user("sam@umbra.example", lms_user_id=14), self.elsewhere, "admin"),
        }
        for user, customer, role in self.users.values():
            make_member(customer, role, user=user)
        for key, run, price, title in ((COURSE, RUN, 19_900, "Bridges"), (OTHER, OTHER_RUN, 20_895, "Tunnels")):
            make_run(make_course(key, price_cents=price, title=title), run)
        self.people: dict[str, UUID] = {}
        self.moment = clock.now() + timedelta(seconds=1)

    # --- what a request and an answer may name

    @property
    def names(self) -> dict[str, str]:
        facts = {
            "customer": self.customer.pk,
            "elsewhere": self.elsewhere.pk,
            "fund": self.fund.pk,
            "budget": self.budget.pk,
            "configuration": self.budget.assignment_configuration_id,
            "foreign": self.foreign.pk,
            "foreign_configuration": self.foreign.assignment_configuration_id,
            "unknown": UNKNOWN,
            **self.people,
        }
        return {name: str(value) for name, value in facts.items()}

    def fill(self, value):
        """Put what the names stand for into a request or an expected answer."""
        if isinstance(value, str):
            return re.sub(r"\{(\w+)\}", lambda match: self.names[match[1]], value)
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {self.fill(name): self.fill(item) for name, item in value.items()}
        return value

    def client(self, who: str | None) -> Client:
        """Return the client of somebody, by a token of theirs; of nobody for None."""
        if who is None:
            return Client()
        user = self.users[who][0]
        return Client(headers={"Authorization": f"Bearer {create_token(who, user_id=user.pk).text}"})

    # --- steps

    def take(self, step: list) -> None:
        """Take one step, such as ["allocate", "ann@acme.example"]."""
        name, *arguments = step
        with self.now():
            getattr(self, name)(*arguments)
        self.moment += timedelta(seconds=1)

    def now(self):
        """Return the context of the present moment: a second later with every step."""
        return clock.at(self.moment)

    def allocate(self, *emails: str, content: str = RUN) -> None:
        request = flows.AllocationRequest(reload(self.budget), content)
        ada = make_member(self.customer, user=self.users["ada"][0])
        done = flows.allocate(request, make_people(emails), actor=ada)
        self.people |= {item.email.split("@")[0]: item.assignment for item in [*done.created, *done.updated]}

    def allocate_other(self, *emails: str) -> None:
        self.allocate(*emails, content=OTHER_RUN)

    def allocate_elsewhere(self, email: str) -> None:
        request = flows.AllocationRequest(reload(self.foreign), RUN)
        done = flows.allocate(request, make_people([email]), actor=CONSOLE)
        self.people[email.split("@", maxsplit=1)[0]] = done.created[0].assignment

    def tick(self) -> None:
        """Let everything that is due be done: mails are sent."""
        jobs.tick()

    def mail_fails(self, *people: str) -> None:
        """Let telling these people have failed."""
        for row in self._rows(people):
            row.add_errored_notified_action(RuntimeError("no such mailbox"))

    def remind(self, *people: str) -> None:
        services.remind_many(self._keys(people), actor=CONSOLE)

    def remind_later(self, minutes: int, *people: str) -> None:
        with clock.at(clock.now() + timedelta(minutes=minutes)):
            self.remind(*people)
            jobs.tick()

    def accept(self, *people: str) -> None:
        flows.redeem_many([RedemptionRequest(key) for key in self._keys(people)], actor=CONSOLE)

    def enrolment_fails(self, *people: str) -> None:
        for row in self._rows(people):
            backend("enrolment_port").script(row.learner_email, "refuse")
        self.accept(*people)

    def cancel(self, *people: str) -> None:
        services.cancel_many(self._keys(people), actor=CONSOLE)

    def expire(self, *people: str) -> None:
        with clock.at(clock.now() + timedelta(days=91)):
            services.expire_many(self._keys(people), actor=CONSOLE)

    def reverse(self, *people: str) -> None:
        services.reverse_many(self._keys(people), actor=CONSOLE)

    def retire(self) -> None:
        retire(self.budget.pk)

    def deactivate(self) -> None:
        Budget.objects.filter(pk=self.budget.pk).update(active=False)

    def limit(self, cents: int) -> None:
        Budget.objects.filter(pk=self.budget.pk).update(limit_cents=cents)

    def deposit(self, cents: int) -> None:
        deposit(self.fund.pk, cents)

    def fund_ends(self, moment: str) -> None:
        flows.change_fund_end(self.fund.pk, datetime.fromisoformat(moment), actor=CONSOLE)

    def enrolment_closes(self, moment: str) -> None:
        Course.objects.get(key=COURSE).runs.update(enroll_by=datetime.fromisoformat(moment))

    def starts(self, moment: str, course_type: str) -> None:
        Course.objects.filter(key=COURSE).update(course_type=course_type)
        Course.objects.get(key=COURSE).runs.update(start=datetime.fromisoformat(moment))

    def withdraw(self, course: str) -> None:
        Course.objects.filter(key=course).update(active=False)

    def contact(self, email: str) -> None:
        Customer.objects.filter(pk=self.customer.pk).update(contact_email=email)

    def nobody_administers(self) -> None:
        Membership.objects.filter(customer=self.customer, role="admin").delete()

    def budgets(self, number: int) -> None:
        for _ in range(number):
            make_budget(self.fund, limit_cents=100)

    def loose_budget(self) -> None:
        """Make a budget that has no configuration."""
        self.people["loose"] = make_budget(self.fund, limit_cents=100, display_name="Loose").pk
        Budget.objects.filter(pk=self.people["loose"]).update(assignment_configuration=None)

    def in_euros(self) -> None:
        """Make a budget on a fund in euros."""
        euros = make_budget(make_fund(self.customer, currency="EUR"))
        self.people |= {"euros": euros.pk, "euros_configuration": euros.assignment_configuration_id}

    def _keys(self, people) -> list[UUID]:
        return [self.people[name] for name in people]

    def _rows(self, people) -> list[LearnerContentAssignment]:
        found = LearnerContentAssignment.objects.in_bulk(self._keys(people))
        return [found[key] for key in self._keys(people)]


def expand(value, shapes):
    """Put the whole shape where an expected answer says which it is like, and what is different about it."""
    if isinstance(value, list):
        return [expand(item, shapes) for item in value]
    if not isinstance(value, dict):
        return value
    value = {name: expand(item, shapes) for name, item in value.items()}
    like = value.pop("like", None)
    return value if like is None else {**expand(shapes[like], shapes), **value}


def differences(found, wanted, place="answer"):
    """Return where an answer is not what is wanted; <uuid>, <instant>, <text> and <any> stand for any of their kind."""
    if wanted == "<any>":
        return []
    kinds = {"<uuid>": UUID_TEXT, "<instant>": INSTANT, "<text>": re.compile(r".+", re.DOTALL)}
    if isinstance(wanted, str) and wanted in kinds:
        fits = isinstance(found, str) and kinds[wanted].fullmatch(found)
        return [] if fits else [f"{place}: {found!r} is no {wanted}"]
    if isinstance(wanted, dict) and isinstance(found, dict):
        missing = (
            [f"{place}: keys {sorted(found)} instead of {sorted(wanted)}"] if found.keys() != wanted.keys() else []
        )
        inner = [differences(found[key], wanted[key], f"{place}.{key}") for key in wanted.keys() & found.keys()]
        return [*missing, *chain.from_iterable(inner)]
    if isinstance(wanted, list) and isinstance(found, list):
        length = [f"{place}: {len(found)} items instead of {len(wanted)}"] if len(found) != len(wanted) else []
        pairs = zip(found, wanted, strict=False)
        inner = [differences(*pair, f"{place}[{at}]") for at, pair in enumerate(pairs)]
        return [*length, *chain.from_iterable(inner)]
    same = type(found) is type(wanted) and found == wanted
    return [] if same else [f"{place}: {found!r} instead of {wanted!r}"]


def check_schema(name, answer):
    """Assert that an answer is what the API's description says; the name may say in which module, and [] that it is a list."""
    module, _, schema = name.strip("[]").rpartition(".")
    model = getattr(import_module(f"bursar.api.openedx.{module or 'schemas'}"), schema)
    TypeAdapter(list[model] if name.startswith("[") else model).validate_python(answer, strict=False)
