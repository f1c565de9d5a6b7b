"""What both descriptions must not do: call two forms by one name, or say of a number what nobody understands."""

import inspect
import json
import pkgutil
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.fuzz.rules import OF_RULES

import bursar
import bursar.api.openedx
import bursar.api.v1
from bursar.api.openedx.api import api as openedx
from bursar.api.v1.api import api as v1


@pytest.mark.parametrize("package", [bursar.api.openedx, bursar.api.v1])
def test_no_two_forms_of_an_api_have_one_name(package):
    """A description holds one form for a name: the other would be described as something that it is not."""
    modules = [import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)]
    names = Counter(
        name
        for module in modules
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, BaseModel) and kind.__module__ == module.__name__
    )
    assert [name for name, amount in names.items() if amount > 1] == []


@pytest.mark.parametrize("api", [openedx, v1])
def test_bounds_of_numbers_are_said_in_words_of_json_schema(api):
    """`ge` is pydantic's own word; it stays in a schema where a bound stands outside of the function that reads the number."""
    text = json.dumps(api.get_openapi_schema(path_prefix="/"))
    assert not [word for word in ("ge", "gt", "le", "lt") if f'"{word}":' in text]


def test_what_schemathesis_lets_pass_are_codes_that_there_are():
    source = "".join(path.read_text(encoding="utf-8") for path in Path(bursar.__path__[0]).rglob("*.py"))
    assert [code for code in OF_RULES if f'"{code}"' not in source] == []
