"""No statement about what belongs to customers goes without naming a customer or a key (H5).

Only olga, who operates everything, may be shown everybody's. The guard reads the SQL that a request sends.
"""

import re

import pytest
from django.apps import apps
from django.db import connection
from tests.abuse.asking import Request, text_of, undone
from tests.abuse.operations import operations
from tests.abuse.table import TABLE

from bursar.budgets.models import Budget, Fund
from bursar.people.access import visible

# What a row belongs to, or is found by: an equality with, or a list of, one of these confines a statement.
BINDING = re.compile(
    r'"(?:\w*uuid|\w*_id|id|user|digest|\w*_key|key|slug|prefix)"\)? (?:=|IN|<|<=|>|>=) ', re.IGNORECASE
)
# Events get their numbers, everybody's in one order, when somebody looks; nothing of them is shown by that.
PUBLISHING = '"bursar_webhooks_event"."position" IS NULL'
VERB = re.compile(r"(?:EXPLAIN )?(SELECT|UPDATE|DELETE)", re.IGNORECASE)


def tables():
    """Return the tables that belong to customers: those of ours with a way to one."""
    found = set()
    for model in apps.get_models():
        names = {field.attname for field in model._meta.concrete_fields}
        if names & {
            "customer_id",
            "customer_uuid",
            "enterprise_customer_uuid",
            "fund_id",
            "budget_id",
            "assignment_id",
        }:
            found.add(model._meta.db_table)
    return found


class Guard:
    """Collects statements that read or write a customer's table as a whole."""

    def __init__(self):
        self.tables, self.wrong = tables(), []

    def __call__(self, execute, sql, params, many, context):
        if VERB.match(sql) and self.is_unconfined(sql):
            self.wrong.append(sql)
        return execute(sql, params, many, context)

    def is_unconfined(self, sql):
        named = {name for name in self.tables if f'"{name}"' in sql}
        _, _, condition = sql.partition(" WHERE ")
        return bool(named) and PUBLISHING not in condition and not BINDING.search(condition)


@pytest.mark.parametrize("name", list(operations()))
def test_every_statement_of_a_request_is_confined(world, name):
    for who in sorted(TABLE[name].may - {"olga"}):
        guard = Guard()
        with undone(), connection.execute_wrapper(guard):
            text_of(Request(name, world.acme.ids).send(world.tokens[who]))
        assert guard.wrong == [], who


def test_the_guard_sees_what_is_not_confined(world):
    guard = Guard()
    with connection.execute_wrapper(guard):
        list(Budget.objects.all())
        list(Fund.objects.filter(title="acme fund"))
        Budget.objects.update(description="")
    assert len(guard.wrong) == 3


def test_the_guard_passes_what_is(world):
    guard = Guard()
    with connection.execute_wrapper(guard):
        list(visible(Budget.objects.all(), world.acme.actors["ada"], "customer.read"))
        list(Fund.objects.filter(pk=world.acme.fund.pk))
    assert guard.wrong == []
    assert len(guard.tables) > 20
