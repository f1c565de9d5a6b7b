"""One row of every table that staff see, made by the verbs where there are some; and copies of a row, however many."""

import copy
import secrets
from itertools import count
from uuid import uuid4

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import models
from tests.db.verbs.steps import assigned, in_state

from bursar.api.models import IdempotencyKey
from bursar.assignments import flows, services
from bursar.assignments.models import (
    LearnerContentAssignmentAction,
    LearnerReply,
    Notice,
    NoticePolicy,
    ReplyKind,
    ReplyState,
)
from bursar.catalog.services import create_catalog
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message, Pulse
from bursar.people.files import PeopleFile
from bursar.people.keys import AddressKeyField
from bursar.people.models import Role, StopReason, Unsubscription
from bursar.people.providers import add_provider
from bursar.people.suppression import suppress_mail
from bursar.people.tokens import create_token
from bursar.testing import factories
from bursar.webhooks.models import Endpoint
from bursar.webhooks.services import add_endpoint

SECRET = "whsec-9f8e7d"
_numbers = count(10_000)


class World:
    """A customer with one of everything."""

    def __init__(self):
        course = factories.make_course(runs=["course-v1:DemoX+D101+R1"])
        self.house = factories.make_house(slug="acme")
        self.customer, self.budget = self.house.customer, self.house.budget
        create_catalog("Everything", customer_uuid=self.customer.pk)
        (self.reversed,) = in_state("reversed", self.budget)
        (self.open,) = assigned(self.budget, ["ada@acme.example"])
        self.person = self.customer.persons.get(email="ada@acme.example")
        self.member = factories.make_member(self.customer, Role.ADMIN)
        self._tell(course)
        self._people()
        self._rest()

    def _tell(self, course):
        self.open.add_errored_notified_action(ValueError(f"{SECRET} for ada@acme.example"))
        LearnerReply.objects.create(
            assignment_id=self.open.pk, cycle=1, kind=ReplyKind.MORE_TIME, state=ReplyState.OPEN, words="Please"
        )
        services.set_policy(self.customer.pk, actor=CONSOLE)
        services.set_text(self.customer.pk, "assigned", "en", subject="Hello", body="Hello {{link}}", actor=CONSOLE)
        request = flows.AllocationRequest(factories.reload(self.budget), course.key)
        flows.make_plan(request, PeopleFile(factories.make_people(["bea@acme.example"]), [], []), actor=CONSOLE)
        Message.objects.filter(subject_uuid=self.open.pk).update(state="failed", error_code="refused")

    def _people(self):
        self.token = create_token("Robot", role=Role.ADMIN, customer=self.customer.pk)
        add_provider(
            self.customer, issuer="https://id.acme.example", client_id="bursar", secret=SECRET, domains=["acme.example"]
        )
        suppress_mail([self.person.address_key], StopReason.BOUNCED)
        Unsubscription.objects.create(customer=self.customer, address_key=self.person.address_key)

    def _rest(self):
        add_endpoint(self.customer.pk, f"https://hooks.acme.example/{SECRET}", actor=CONSOLE)
        Notice.objects.create(customer_uuid=self.customer.pk, kind="budget_used", about_uuid=self.budget.pk, slot="75")
        NoticePolicy.objects.get_or_create(customer_uuid=self.customer.pk)
        Pulse.objects.get_or_create(name="worker", defaults={"beat_at": clock.now()})
        IdempotencyKey.objects.create(
            principal="p" * 64,
            route="post /v1/allocations",
            key="k" * 64,
            fingerprint="f" * 64,
            status=200,
            kept=SECRET,
        )
        LogEntry.objects.log_actions(self.member.user_id, [self.budget], CHANGE, "Renamed: somebody asked")


def hidden_texts(world):
    """Return what no page may show: digests, sealed secrets, seeds, seals, and what a traceback holds."""
    endpoint = Endpoint.objects.get()
    entry = world.house.fund.entries.first()
    world.house.fund.refresh_from_db()
    action = LearnerContentAssignmentAction.objects.exclude(traceback=None).first()
    provider = world.customer.identity_providers.get()
    return [
        SECRET, world.token.token.digest, provider.sealed_secret, endpoint.seed, entry.hash, action.traceback,
        world.house.fund.ledger_head, "k" * 64, "p" * 64, "f" * 64,
    ]  # fmt: skip


def multiply(model, number):
    """Add as many copies of a row of a model, past every door: they are looked at and nothing else."""
    row = models.QuerySet(model).order_by("pk").last()
    models.QuerySet(model).bulk_create([_copy(row) for _ in range(number)])


def _copy(row):
    twin = copy.copy(row)
    twin._state = copy.copy(row._state)
    twin._state.adding, twin._state.fields_cache = True, {}
    for field in row._meta.concrete_fields:
        if isinstance(field, AddressKeyField):  # made of the address when the row is written
            setattr(twin, field.source, f"{secrets.token_hex(8)}@acme.example")
        elif _is_unique(row._meta.model, field):
            setattr(twin, field.attname, _fresh(field, getattr(row, field.attname)))
    return twin


def _is_unique(model, field):
    named = {
        name for each in model._meta.constraints if isinstance(each, models.UniqueConstraint) for name in each.fields
    }
    return field.unique or (field.name in named and not isinstance(field, models.ForeignKey))


def _fresh(field, value):
    if isinstance(field, models.OneToOneField):
        return None if field.null else _another(field)
    if isinstance(field, models.UUIDField):
        return uuid4()
    if isinstance(field, models.AutoField):
        return None
    if isinstance(field, models.IntegerField):
        return next(_numbers)
    return secrets.token_hex(8)[: field.max_length] if value is not None else None


def _another(field):
    model = field.remote_field.model
    twin = _copy(models.QuerySet(model).order_by("pk").first())
    twin.save(force_insert=True)
    return twin.pk
