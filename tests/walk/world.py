"""One small organisation in the database and in the model, and every step that can be taken in both."""

from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from tests.walk import ports
from tests.walk.model import INLINE, Course, Offer
from tests.walk.observe import expected, found
from tests.walk.people import People
from tests.walk.records import DAY, START, Terms, User

from bursar.assignments import flows, jobs, services
from bursar.assignments.audit import run_audit
from bursar.assignments.events import TOPIC_FAN_OUT
from bursar.assignments.flows import AllocationRequest
from bursar.assignments.services import RedemptionRequest, fan_out
from bursar.budgets import services as money
from bursar.budgets.models import Transaction
from bursar.catalog.models import Run
from bursar.catalog.services import flag_changed
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import Refused
from bursar.kernel.transactions import one_commit
from bursar.outbox.claims import Claim
from bursar.outbox.models import Message
from bursar.outbox.services import CLAIM_FIELDS, recover
from bursar.outbox.worker import drain
from bursar.people.files import people_from_addresses
from bursar.people.models import Person
from bursar.testing import factories

AUDITED_EVERY = 3  # the audit recomputes what the model does not know; it takes as long as the step and the model
DEPOSIT, LIMITS = 60_000, {"one": 25_000, "two": 40_000}
COURSES = {"C1": Course(4_900, ["R1", "R2"]), "R3": Course(9_900, ["R3"], "R3"), "C4": Course(0, [])}
RUNS = {
    "R1": (START + 40 * DAY, START + 45 * DAY, START + 60 * DAY),
    "R2": (START + 400 * DAY, START + 410 * DAY, START + 500 * DAY),
    "R3": (None, START + 30 * DAY, None),
}
ADDRESSES = ["ana@example.org", "jose@example.org", "josé@example.org", "zoe@xn--mnchen-3ya.example"]
SPELLINGS = [*ADDRESSES, " Ana@Example.org ", "Zoe@münchen.example"]


class World:
    def __init__(self):
        self.now, self.steps = START, 0
        with clock.at(self.now):
            self.fund = factories.make_fund(factories.make_customer(), deposit_cents=DEPOSIT)
            budgets = {name: factories.make_budget(self.fund, limit_cents=limit) for name, limit in LIMITS.items()}
            for key, course in COURSES.items():
                self.make_course(key.replace("R", "C"), course)
        self.budgets = {name: budget.pk for name, budget in budgets.items()}
        self.configurations = {name: budget.assignment_configuration_id for name, budget in budgets.items()}
        self.names = {key: name for name, key in self.budgets.items()}
        self.accounts = []
        runs = {key: Terms(*terms) for key, terms in RUNS.items()}
        self.model = People(balance=DEPOSIT, limits=LIMITS, courses=COURSES, runs=runs)

    def make_course(self, key, course):
        record = factories.make_course(key, price_cents=course.price)
        for run in course.runs:
            enroll_by, start, end = RUNS[run]
            factories.make_run(record, run, enroll_by=enroll_by, start=start, end=end)

    def take(self, step, **given):
        """Take one step; then the database must say what the model says, and, every so many steps, the audit nothing."""
        with clock.at(self.now):
            getattr(self, step)(**given)
            spread()
            self.compare()
            self.steps += 1
            if self.steps % AUDITED_EVERY == 0:
                with in_large_chunks():
                    assert run_audit() == []
        self.now += timedelta(seconds=1)

    def compare(self):
        told, true = found(self.names), expected(self.model)
        if told != true:  # the difference is easier to read in one row than in all
            for key, row in true["rows"].items():
                assert told["rows"].get(key) == row
        assert told == true

    @contextmanager
    def refused(self, code):
        with pytest.raises(Refused) as refusal:
            yield refusal
        assert refusal.value.code == code

    def keys(self, rows):
        return [row.uuid for row in rows]

    # Time and terms

    def wait(self, span):
        self.now += span

    def move_a_deadline(self, key, days):
        moment = None if days is None else self.now + days * DAY
        with one_commit():
            Run.objects.filter(key=key).update(enroll_by=moment)
            flag_changed(Run.objects.filter(key=key).values_list("course__key", flat=True))
        self.model.runs[key].enroll_by = moment
        self.model.is_catalog_changed = True

    def end_the_fund(self, days):
        moment = None if days is None else self.now + days * DAY
        flows.change_fund_end(self.fund.pk, moment, actor=CONSOLE)
        self.model.end_fund(moment)

    # Money

    def set_a_limit(self, name, cents):
        purse = self.model.purses[name]
        missing = purse.held + purse.spent - cents
        if missing > 0:
            with self.refused("limit_below_commitments") as refusal:
                money.set_limit(self.budgets[name], cents)
            assert refusal.value.facts["missing_cents"] == missing
        else:
            money.set_limit(self.budgets[name], cents)
            purse.limit = cents

    def deposit_or_adjust(self, cents):
        free = self.model.fund_free
        if cents > 0:
            money.deposit(self.fund.pk, cents)
        elif free + cents < 0:
            with self.refused("fund_balance_exceeded") as refusal:
                money.adjust(self.fund.pk, cents, reason="counted again")
            assert refusal.value.facts["missing_cents"] == -(free + cents)
            return
        else:
            money.adjust(self.fund.pk, cents, reason="counted again")
        self.model.entries["deposit" if cents > 0 else "adjustment"] += cents

    # Allocating

    def allocate(self, name, content, who, run=None, price=None):
        """Allocate to people by several spellings; `price` is percent of the catalog's."""
        cents = None if price is None else COURSES[content].price * price // 100
        people = people_from_addresses(who).people
        request = AllocationRequest(factories.reload(self.budgets[name]), content, run, cents)
        offer = self.model.offer(name, content, run, cents, self.now)
        told = [(person.line, person.normal) for person in people]
        why = self.model.why_not_all(offer, told) if isinstance(offer, Offer) else offer
        if why is not None:
            with self.refused(why):
                flows.allocate(request, people, actor=CONSOLE)
            return
        planned, short = flows.plan(request, people, actor=CONSOLE)
        done = flows.allocate(request, people, actor=CONSOLE)
        uuids = {placed.position: placed.assignment for placed in done.created}
        outcome, charged = self.model.allocate(offer, told, done.batch, uuids, self.now)
        assert positions(done) == outcome
        assert done.charged_cents == charged
        if len(people) <= INLINE:
            assert (positions(planned), planned.charged_cents, short) == (outcome, charged, None)

    def undo(self, place):
        batches = list(self.model.batches)
        if not batches:
            return
        batch = batches[place % len(batches)]
        why = self.model.undo(batch, self.now)
        if why is None:
            services.undo_batch(batch, actor=CONSOLE)
        else:
            with self.refused(why):
                services.undo_batch(batch, actor=CONSOLE)

    # Verbs that answer for each

    def check(self, outcome, rows, judge, done):
        """Compare what a verb answered for each assignment with what the model does."""
        for row in rows:
            answer = judge(row)
            if answer in done:
                assert outcome.done.pop(row.uuid) == answer
            else:
                assert outcome.refused.pop(row.uuid).code == answer
        assert not outcome.done
        assert [why.code for why in outcome.refused.values()] in ([], ["not_found"])

    def cancel(self, at):
        rows = self.model.row_at(at)
        outcome = services.cancel_many([*self.keys(rows), uuid4()], actor=CONSOLE)
        self.check(outcome, rows, lambda row: self.model.cancel(row, self.now), {"cancelled", "unchanged"})

    def remind(self, at):
        rows = self.model.row_at(at)
        outcome = services.remind_many(self.keys(rows), actor=CONSOLE)
        self.check(outcome, rows, lambda row: self.model.remind(row, self.now), {"queued"})

    def reverse(self, at):
        rows = self.model.row_at(at)
        outcome = services.reverse_many(self.keys(rows), actor=CONSOLE)
        self.check(outcome, rows, lambda row: self.model.reverse(row, self.now), {"reversed", "unchanged"})

    def expire(self, at):
        """Expire some by name, due or not."""
        rows = self.model.row_at(at)
        outcome = services.expire_many(self.keys(rows), actor=CONSOLE)
        self.check(outcome, rows, lambda row: self.model.expire_one(row, self.now), {"expired"})

    def extend(self, at, days):
        rows = self.model.row_at(at)
        until = None if days is None else self.now + days * DAY
        outcome = services.extend_many(self.keys(rows), until=until, why="ill", actor=CONSOLE)
        self.check(outcome, rows, lambda row: self.model.extend(row, until, "deadline moved: ill"), {"moved"})

    def acknowledge(self, at, name, place):
        rows = [row for row in self.model.row_at(at) if row.purse == name]
        known = [row.number for row in rows if row.number is not None] or [1]
        number = known[place % len(known)]
        seen = self.model.acknowledge(rows, number, self.now)
        arguments = (self.configurations[name], self.keys(rows))
        if seen is None:
            with pytest.raises(ValidationError):
                services.acknowledge_many(*arguments, lms_user_id=number)
        else:
            told = services.acknowledge_many(*arguments, lms_user_id=number)
            assert [sorted(row.pk for row in part) for part in told] == [sorted(part) for part in seen.values()]

    # Accepting

    def script(self, steps):
        """Let the platform answer by these steps, assignment by assignment; returns what an answer comes down to."""
        place = {row.uuid: number for number, row in enumerate(self.model.rows)}

        def platform_says(transaction):
            return steps[place[Transaction.objects.get(pk=transaction).assignment_uuid] % len(steps)]

        def answer(row):
            step = steps[place[row.uuid] % len(steps)]
            return {"silent": "unclear", "lie": "unclear"}.get(step, step)

        ports.platform_says = platform_says
        return answer

    def redeem(self, at, run, who, steps):
        """Accept for people who are named by nobody, by their own user id, or by a stranger's."""
        asking = {"nobody": lambda row: None, "own": lambda row: row.number, "stranger": lambda row: 77}[who]
        rows = self.model.row_at(at)
        requests = [RedemptionRequest(row.uuid, run, asking(row)) for row in rows]
        answer = self.script(steps)
        outcome = flows.redeem_many(requests, actor=CONSOLE)
        for row, request in zip(rows, requests, strict=True):
            self.check_redemption(outcome, row, request, answer)
        assert (outcome.done, outcome.refused) == ({}, {})

    def check_redemption(self, outcome, row, request, answer):
        is_stranger = request.lms_user_id not in (None, row.number)
        if is_stranger or (row.pending is None and row.state != "accepted"):
            why = self.model.why_not_redeem(row, request.run_key, request.lms_user_id, self.now)
            if why is not None:
                assert outcome.refused.pop(row.uuid).code == why
                return
            self.note_number_given(row)
            self.model.begin(row, request.run_key, self.now)
            self.model.settle(row, answer(row), self.now)
        assert outcome.done.pop(row.uuid).state == row.payments[-1].state

    def note_number_given(self, row):
        """Take over the id of the person behind an address, who gets one of ours when accepting without an account."""
        person = self.model.persons.get(row.address)
        if row.number is None and person is not None and person.number is None:
            person.number, person.modified = self.record_of(row.address).lms_user_id, self.now
            assert person.number > 10**9

    def resumed(self, answer, count):
        due = self.model.due_to_resume(self.now)
        assert count == len(due)
        for row in due:
            self.model.settle(row, answer(row), self.now)

    # Sweeps and mail

    def sweep(self, which, steps):
        """Do one part of a tick alone."""
        answer, model = self.script(steps), self.model
        if which == "resume":
            self.resumed(answer, flows.resume_redemptions())
        elif which == "reschedule":
            flows.reschedule_changed()
            model.reschedule(self.now)
        elif which == "expire":
            assert jobs.expire_due() == model.expire(self.now)
        elif which == "nudge":
            assert flows.nudge_due() == model.nudge(self.now)
        else:
            assert flows.scrub_due(actor=CONSOLE) == model.scrub_due(self.now)

    def tick(self, steps, mails):
        answer, outcome_of = self.script(steps), self.mailing(mails)
        done = jobs.tick()
        self.model.recover(self.now)
        self.resumed(answer, done.redemptions_resumed)
        self.model.reschedule(self.now)
        assert done.expired == self.model.expire(self.now)
        assert done.nudged == self.model.nudge(self.now)
        self.mailed(done.mail, outcome_of)
        assert done.scrubbed == self.model.scrub_due(self.now)

    def mail(self, mails):
        outcome_of = self.mailing(mails)
        recover()
        self.model.recover(self.now)
        self.mailed(drain(), outcome_of)

    def mailing(self, steps):
        place = {row.uuid: number for number, row in enumerate(self.model.rows)}
        ports.mail_says = lambda uuid: steps[place[uuid] % len(steps)]
        return lambda row: ports.mail_says(row.uuid)

    def mailed(self, delivered, outcome_of):
        due = dict(Message.objects.values_list("key", "due_at"))
        told = self.model.deliver(
            outcome_of, lambda row, item: due[f"mail:{item.kind}:{row.uuid}:{item.cycle}:{item.ordinal}"], self.now
        )
        if "raise" not in {outcome_of(row) for row in self.model.rows}:  # then not every answer came back
            assert {name: getattr(delivered, name) for name in told} == told

    # People

    def retire(self, at):
        rows = self.model.row_at(at)
        outcome = services.retire_many(self.keys(rows), actor=CONSOLE)
        assert set(outcome.done) == set(self.keys(rows))
        self.model.scrub(rows, "personal data removed")

    def erase(self, place):
        if not self.model.persons:
            return
        address = sorted(self.model.persons)[place % len(self.model.persons)]
        assert flows.erase_person(self.record_of(address), actor=CONSOLE) == self.model.erase(address)

    def record_of(self, address):
        rows = Person.objects.filter(erased_at=None)
        return next(row for row in rows if people_from_addresses([row.email]).people[0].normal == address)

    def register(self, address, is_verified):
        if self.is_used(address):
            return
        account = flows.create_account(address, password=None, verified=is_verified)
        user = User(account.bursar_profile.lms_user_id, address, address if is_verified else None)
        self.accounts.append(account)
        self.model.users.append(user)
        self.model.link(user, self.now)

    def change_address(self, place, address):
        if not self.accounts:
            return
        account, user = ((group := self.accounts)[place % len(group)], self.model.users[place % len(group)])
        if self.is_used(address, besides=user):
            return
        account.email = user.address = address
        account.save()
        self.model.link(user, self.now)

    def verify(self, place):
        if not self.accounts:
            return
        user = self.model.users[place % len(self.accounts)]
        linked = flows.verify_address(self.accounts[place % len(self.accounts)])
        user.verified = user.address
        assert linked == self.model.link(user, self.now)

    def is_used(self, address, besides=None):
        """Whether somebody has this address or registered with it."""
        others = [
            (user, account)
            for user, account in zip(self.model.users, self.accounts, strict=True)
            if user is not besides
        ]
        return any(address in (user.address, user.verified, account.username) for user, account in others)


@contextmanager
def in_large_chunks():
    """Let the audit read at once what the verbs of a walk take by twos."""
    kept = settings.BURSAR["chunk_size"]
    settings.BURSAR["chunk_size"] = 1000
    yield
    settings.BURSAR["chunk_size"] = kept


def positions(done):
    names = ("created", "updated", "unchanged")
    found = {name: [placed.position for placed in getattr(done, name)] for name in names}
    return found | {"refused": [placed.position for placed, _ in done.refused]}


def spread():
    """Make of each chunk's message one for every person, at once: the model knows no messages but theirs."""
    waiting = Message.objects.filter(topic=TOPIC_FAN_OUT, state="pending")
    for row in list(waiting.order_by("subject_uuid", "ordinal")):
        Message.objects.filter(pk=row.pk).update(state="claimed", fence=row.fence + 1)
        fan_out([Claim(*(getattr(row, name) for name in CLAIM_FIELDS[:-1]), row.fence + 1)])
