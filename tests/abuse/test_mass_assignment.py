"""Fields that nobody offers are not taken: every column of every model is sent beside a good body, and changes nothing."""

import json
import re

import pytest
from django.apps import apps
from django.db.models.fields import AutoFieldMixin
from tests.abuse.asking import Request, undone
from tests.abuse.operations import operations
from tests.abuse.table import TABLE
from tests.abuse.world import CANARY
from tests.db.verbs.steps import everything

WRITES = [name for name, operation in operations().items() if operation.is_write]
OURS = [name for name in WRITES if operations()[name].api == "v1"]
OPENEDX = [name for name in WRITES if operations()[name].api == "openedx"]
NEW = re.compile(r"[0-9a-f]{64}|[0-9a-f]{16}@|[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


def columns():
    """Return every name under which any model keeps anything, and those that other frameworks listen to."""
    names = {"price", "tenant", "role", "scopes", "permissions", "_state", "__class__"}
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            names |= {field.name, field.attname}
    return sorted(names)


def hostile(world, name):
    """Return what somebody would put there."""
    if name.endswith("_cents") or name in {"price", "quantity", "content_quantity"}:
        return -1_000_000
    if name.startswith(("is_", "active", "retired", "enabled")):
        return True
    if "customer" in name or name == "tenant":
        return world.umbra.ids["customer"]
    return {"state": "accepted", "role": "operator", "lms_user_id": 2_000}.get(name, CANARY)


def extras(world, name):
    """Return all that an operation does not take."""
    taken = (operations()[name].body or {}).get("properties", {})
    return {key: hostile(world, key) for key in columns() if key not in taken}


@pytest.mark.parametrize("name", [name for name in OURS if isinstance(TABLE[name].body, dict)])
def test_our_own_api_refuses_each_by_its_name(world, name):
    sent, request = extras(world, name), Request(name, world.acme.ids)
    before = everything()
    response = request.send(world.tokens["olga"], body=json.dumps(json.loads(request.body) | sent))
    assert response.status_code == 400, response.content
    refused = {fault["where"] for fault in response.json()["errors"] if fault["code"] == "extra_forbidden"}
    assert refused == {f"body/{key}" for key in sent}
    assert everything() == before


@pytest.mark.parametrize("name", OURS)
def test_our_own_api_refuses_each_in_the_address_too(world, name):
    before = everything()
    for key in ("state", "customer_id", "is_staff", "spent_cents"):
        request = Request(name, world.acme.ids)
        mark = "&" if "?" in request.path else "?"
        response = request.send(world.tokens["olga"], path=f"{request.path}{mark}{key}=1")
        assert (response.status_code, response.json()["code"]) == (400, "unknown_parameter")
    assert everything() == before


def test_our_own_api_refuses_each_of_people_in_a_list(world):
    name = "POST /v1/batches"
    request = Request(name, world.acme.ids)
    body = json.loads(request.body)
    sent = {key: hostile(world, key) for key in columns()}
    for key in ("email", "name", "department", "language", "time_zone", "manager_email"):
        sent.pop(key, None)
    body["people"][0] |= sent
    response = request.send(world.tokens["olga"], body=json.dumps(body))
    assert {fault["where"] for fault in response.json()["errors"]} == {f"body/people/0/{key}" for key in sent}


@pytest.mark.parametrize("name", [name for name in OURS if TABLE[name].body is None])
def test_what_takes_no_body_does_the_same_with_one(world, name):
    assert same_effect(world, name, json.dumps(extras(world, name)))


@pytest.mark.parametrize("name", OPENEDX)
def test_the_open_edx_wire_passes_over_each(world, name):
    request = Request(name, world.acme.ids)
    body = json.loads(request.body or "{}")
    assert same_effect(world, name, json.dumps(extras(world, name) | body))
    sent = {
        key: value for key, value in extras(world, name).items() if key not in operations()[name].parameters("query")
    }
    asked = "&".join(f"{key}={value}" for key, value in sent.items())
    assert same_effect(world, name, request.body, path=f"{request.path}{'&' if '?' in request.path else '?'}{asked}")


def same_effect(world, name, body, *, path=None):
    """Tell whether a request does, to the row, what it does without what was added; it must have been done at all."""
    plain, effect = done(world, name, None, None)
    added, other = done(world, name, body, path)
    assert plain.status_code in TABLE[name].status, plain.content
    assert added.status_code == plain.status_code, added.content
    assert CANARY not in str(other)
    assert other == effect
    return True


def done(world, name, body, path):
    """Return the answer and what it did: the rows that are new or other, without what is new every time."""
    before = rows()
    with undone():
        response = Request(name, world.acme.ids).send(world.tokens["olga"], body=body, path=path)
        after = rows()
    found = {table: sorted(after[table] - before[table]) for table in after if table != "bursar_api_idempotencykey"}
    return response, {
        table: sorted(NEW.sub("…", row) for row in changed) for table, changed in found.items() if changed
    }


def rows():
    """Return the rows of every table, but for the numbers that databases give: they go on when a row is taken back."""
    found = {}
    for model in apps.get_models():
        serial = model._meta.pk.attname if isinstance(model._meta.pk, AutoFieldMixin) else None
        names = [field.attname for field in model._meta.concrete_fields if field.attname != serial]
        found[model._meta.db_table] = {repr(row) for row in model._base_manager.order_by().values_list(*names)}
    return found
