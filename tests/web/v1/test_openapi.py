"""The API's description: valid, committed, the same for everybody, and shown without asking any other host."""

import json
import re
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from tests.web.v1.caller import description

from bursar.api.docs import POLICY
from bursar.api.openedx.api import api as openedx

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
READS = {"get", "head"}


def operations():
    return [
        (path, method, operation)
        for path, found in description()["paths"].items()
        for method, operation in found.items()
    ]


@pytest.mark.parametrize("name", ["v1", "openedx"])
def test_the_committed_descriptions_are_valid(name):
    validate(json.loads((REFERENCE / f"openapi-{name}.json").read_text(encoding="utf-8")))


def test_what_is_committed_is_what_is_served(client):
    for name, place in (("v1", "/v1/"), ("openedx", "/api/")):
        committed = json.loads((REFERENCE / f"openapi-{name}.json").read_text(encoding="utf-8"))
        assert client.get(f"{place}openapi.json").json() == committed
    assert openedx.get_openapi_schema(path_prefix="/api/")["openapi"].startswith("3.1")


def test_operations_have_names_of_their_own_and_words():
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch("[a-z_]+", name) for name in names)
    assert all(len(operation.get("description", "")) > 10 for _, _, operation in operations())
    assert all(operation["tags"] for _, _, operation in operations())


def test_every_operation_documents_how_it_fails():
    for path, method, operation in operations():
        assert {"400", "401", "403", "404", "409", "429", "503"} <= set(operation["responses"]), (method, path)
        named = {parameter["name"] for parameter in operation["parameters"]}
        assert ("428" in operation["responses"]) == ("If-Match" in named) == (method == "patch")
        assert ("422" in operation["responses"]) == ("Idempotency-Key" in named)


def test_every_body_and_every_answer_names_its_fields_and_takes_no_others():
    schemas = description()["components"]["schemas"]
    free = {"Problem"}
    for name, schema in schemas.items():
        if (
            schema.get("type") == "object"
            and name not in free
            and not name.endswith(("Filters", "Options", "Paging", "Query"))
        ):
            assert schema.get("additionalProperties") is False, name


def test_every_text_and_number_of_a_body_has_a_bound():
    schemas = description()["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith(("In", "Change", "Terms")):
            for field, facts in schema["properties"].items():
                for choice in facts.get("anyOf", [facts]):
                    assert is_bounded(choice), (name, field)


def is_bounded(facts):
    if facts.get("type") == "string":
        return bool({"maxLength", "pattern", "format", "enum"} & facts.keys())
    if facts.get("type") == "integer":
        return {"maximum"} <= facts.keys() and bool({"minimum", "exclusiveMinimum"} & facts.keys())
    if facts.get("type") == "array":
        return "maxItems" in facts and is_bounded(facts["items"])
    return True


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["/v1/docs", "/api/docs"])
def test_the_page_needs_nobody_elses_files_and_no_script_in_itself(client, place):
    response = client.get(place)
    page = response.content.decode()
    assert response["Content-Security-Policy"] == POLICY
    assert not re.findall(r"(?:src|href)=\"(?!/static/)", page)
    scripts = re.findall(r"<script(.*?)>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 3
    assert all(not inside or "application/json" in head for head, inside in scripts)
    for address in re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", page):
        assert client.get(address).status_code == 200, address
