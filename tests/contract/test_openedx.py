"""The Open edX contract, pair by pair: what a client sends and what it gets, as the data files beside this module say."""

import json
from pathlib import Path

import pytest
from tests.contract.openedx_world import World, check_schema, differences, expand

pytestmark = pytest.mark.django_db
FILES = sorted((Path(__file__).parent / "openedx").glob("*.json"))


def pairs():
    return [
        pytest.param(pair, data.get("shapes", {}), id=f"{path.stem}-{pair['name'].replace(' ', '_')}")
        for path in FILES
        for data in [json.loads(path.read_text(encoding="utf-8"))]
        for pair in data["pairs"]
    ]


@pytest.mark.parametrize(("pair", "shapes"), pairs())
def test_a_request_gets_its_answer(pair, shapes, configure):
    configure(**pair.get("settings", {}))
    world = World()
    for step in pair.get("given", []):
        world.take(step)
    response = ask(world, pair)
    assert response.status_code == pair["status"], response.content.decode()
    assert response["Cache-Control"] == "no-store"
    if "answer" in pair:
        check_answer(world, pair, shapes, response)
    for step in pair.get("then", []):
        for more in step.get("given", []):
            world.take(more)
        again = ask(world, {"as": pair["as"], **step})
        assert again.status_code == step["status"], again.content.decode()
        if "answer" in step:
            check_answer(world, step, shapes, again)


def ask(world, pair):
    method, path = world.fill(pair["request"]).split(" ", 1)
    body = pair.get("raw", json.dumps(world.fill(pair["body"])) if "body" in pair else "")
    with world.now():
        return world.client(pair["as"]).generic(method, path, body, content_type="application/json")


def check_answer(world, pair, shapes, response):
    if pair["answer"] == "":
        assert response.content == b""
        assert "Content-Type" not in response
        return
    assert response["Content-Type"] == "application/json"
    found = response.json()
    assert not (wrong := differences(found, world.fill(expand(pair["answer"], shapes)))), "\n".join(wrong)
    if "schema" in pair:
        check_schema(pair["schema"], found)


def test_every_pair_says_which_part_of_the_contract_it_is_from():
    nameless = [pair.id for pair in pairs() if not pair.values[0].get("contract")]
    assert nameless == []
