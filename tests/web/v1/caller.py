"""Somebody with a token who calls the API; every answer is held against what the API's own description says of it."""

import json
import re
from functools import cache
from itertools import count
from uuid import uuid4

from django.test import Client
from jsonschema import Draft202012Validator

from bursar.api.v1.api import api
from bursar.people.models import Role
from bursar.people.tokens import create_token

_numbers = count(1)


@cache
def description():
    return json.loads(json.dumps(api.get_openapi_schema(path_prefix="/v1/")))


@cache
def _paths():
    """Return every path as a pattern, those without parameters first."""
    paths = sorted(description()["paths"], key=lambda path: (path.count("{"), path))
    return [
        (re.compile(re.sub(r"{key}", ".+", path).replace("{", "(?P<").replace("}", ">[^/]+)") + "$"), path)
        for path in paths
    ]


def operation(method, path):
    """Return the description of an operation, or None where there is none."""
    for pattern, template in _paths():
        if pattern.match(path):
            found = description()["paths"][template].get(method.lower())
            if found:
                return found
    return None


def conforms(method, path, response):
    """Assert that the description knows of this answer, and that its body is as described."""
    described = operation(method, path)
    if described is None or response.status_code == 405:
        return
    answer = described["responses"].get(str(response.status_code))
    assert answer is not None, f"{method} {path} does not document {response.status_code}: {response.content}"
    for media, content in answer.get("content", {}).items():
        assert response["Content-Type"].startswith(media), response["Content-Type"]
        schema = {**content["schema"], "components": description()["components"]}
        Draft202012Validator(schema).validate(json.loads(response.content))


class Caller:
    """Calls with a token (None: without any)."""

    def __init__(self, token=None):
        self.token = token
        self.client = Client(raise_request_exception=True)

    def call(self, method, path, body=None, *, key=None, etag=None, content_type="application/json", **headers):
        path = f"/v1/{path}"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"idempotency-key": key} if key else {}
        headers |= {"if-match": etag} if etag else {}
        headers |= {"authorization": f"Bearer {self.token}"} if self.token else {}
        data = body if isinstance(body, (str, bytes)) else "" if body is None else json.dumps(body)
        response = self.client.generic(method, path, data, content_type=content_type, headers=headers)
        conforms(method, path.partition("?")[0], response)
        return response

    def get(self, path, **headers):
        return self.call("GET", path, **headers)

    def post(self, path, body=None, **how):
        return self.call("POST", path, body, **how)

    def pay(self, path, body, *, key=None, **how):
        """Post what moves money, with a key of its own if none is given."""
        return self.call("POST", path, body, key=key or f"key {uuid4()}", **how)

    def patch(self, path, body, **how):
        """Edit, from the version that stands there now unless `etag` says otherwise."""
        if "etag" not in how:
            how["etag"] = self.get(path)["ETag"]
        return self.call("PATCH", path, body, **how)

    def delete(self, path, **how):
        return self.call("DELETE", path, **how)

    def items(self, path):
        response = self.get(path)
        assert response.status_code == 200, response.content
        return response.json()["items"]


def operator(customer=None, **terms):
    return Caller(create_token("operator", role=Role.OPERATOR, customer=customer and customer.pk, **terms).text)


def admin(customer, **terms):
    return Caller(create_token("admin", role=Role.ADMIN, customer=customer.pk, **terms).text)


def learner(customer, **terms):
    return Caller(create_token("learner", role=Role.LEARNER, customer=customer.pk, **terms).text)


def code(response):
    """Return status and code of a refusal."""
    assert response["Content-Type"] == "application/problem+json", response["Content-Type"]
    return response.status_code, response.json()["code"]
