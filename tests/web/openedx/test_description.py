"""The description of the Open edX API: valid OpenAPI, every answer documented, every body described."""

from django.test import Client
from openapi_spec_validator import validate


def description():
    return Client().get("/api/openapi.json").json()


def test_it_is_valid_openapi():
    validate(description())


def test_every_operation_says_what_it_is_and_how_it_fails():
    for path, operations in description()["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert {"400", "401", "403", "404", "422"} <= operation["responses"].keys(), (method, path)


def test_what_changes_something_by_a_body_describes_it():
    paths = description()["paths"]
    assign = paths["/api/v1/policy-allocation/{policy}/allocate/"]["post"]["requestBody"]
    schema = assign["content"]["application/json"]["schema"]
    assert schema["required"] == ["content_key", "content_price_cents", "learner_emails"]
    assert schema["properties"]["content_price_cents"]["type"] == "number"
