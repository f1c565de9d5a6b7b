"""Every operation of both APIs, as their own descriptions name them, and which of their parameters carry an id."""

import json
import re
from dataclasses import dataclass
from functools import cache

from bursar.api.openedx.api import api as openedx
from bursar.api.v1.api import api as v1

NUMBERS = {"lms_user_id", "lms_user_id__in", "admin_lms_user_id"}  # ids of people in the learning platform
METHODS = {"get", "post", "put", "patch", "delete"}


@dataclass(frozen=True)
class Operation:
    """One method at one path, with its description."""

    api: str
    method: str
    path: str
    facts: dict

    @property
    def name(self):
        return f"{self.method} {self.path}"

    @property
    def is_write(self):
        return self.method != "GET"

    @property
    def path_names(self):
        return re.findall(r"{(\w+)}", self.path)

    def parameters(self, where):
        return {item["name"]: item["schema"] for item in self.facts["parameters"] if item["in"] == where}

    @property
    def body(self):
        """Return the schema of the JSON body, or None."""
        content = self.facts.get("requestBody", {}).get("content", {})
        return resolved(self.api, content["application/json"]["schema"]) if "application/json" in content else None

    def ids(self):
        """Return the parameters and fields of the body that carry an id, as "path fund" or "body budget"."""
        found = {f"path {name}" for name in self.path_names}
        found |= {f"query {name}" for name, schema in self.parameters("query").items() if is_id(name, schema)}
        fields = (self.body or {}).get("properties", {})
        return found | {f"body {name}" for name, schema in fields.items() if is_id(name, schema)}


@cache
def description(api):
    source, prefix = {"v1": (v1, "/v1/"), "openedx": (openedx, "/api/")}[api]
    return json.loads(json.dumps(source.get_openapi_schema(path_prefix=prefix)))


@cache
def operations():
    return {
        found.name: found
        for api in ("v1", "openedx")
        for path, methods in description(api)["paths"].items()
        for method, facts in methods.items()
        if method in METHODS
        for found in [Operation(api, method.upper(), path, facts)]
    }


def resolved(api, schema):
    while "$ref" in schema:
        schema = description(api)["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def is_id(name, schema):
    """Tell whether a parameter or field is an id, or a list of them."""
    return name in NUMBERS or '"format": "uuid"' in json.dumps(schema)
