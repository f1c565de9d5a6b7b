"""Every operation, every id in it, every role: what is somebody else's cannot be told from what is not there.

The operations and their ids come from the APIs' own descriptions, who may from `table.py`: a new route without its row
fails here.
"""

import re
from contextlib import nullcontext

import pytest
from tests.abuse.asking import Request, places, text_of, undone
from tests.abuse.operations import operations
from tests.abuse.table import EVERYBODY, TABLE
from tests.db.verbs.steps import everything

KEPT = {"bursar_api_idempotencykey"}  # that an answer was given; it names nobody
PERSONAL = {"assignment", "accepted", "cancelled", "transaction", "lms_user_id", "email"}
MALFORMED = ("x", "0", "{}", "..", "é", "' OR 1=1 --", "6f0e3c9e-6d7a-4c55-9d52", "9" * 500, "\u202e", "a\nb")
CALLERS = sorted(EVERYBODY)
every_operation = pytest.mark.parametrize("name", list(operations()))


def test_every_operation_has_its_row_and_every_row_its_operation():
    assert set(operations()) == set(TABLE)


@every_operation
def test_every_id_of_an_operation_is_in_its_row(name):
    known = {*places(name), *TABLE[name].noted, *(f"path {key}" for key in TABLE[name].path)}
    missing = operations()[name].ids() - known
    assert missing == set(), f"{name}: give these in table.py, as words in braces"


@every_operation
def test_whoever_may_is_served(world, name):
    for who in sorted(TABLE[name].may):
        with undone():
            request = Request(name, world.acme.ids)
            response = request.send(world.tokens[who])
            text = text_of(response)
        assert response.status_code in TABLE[name].status, (who, request.path, response.status_code, text)
        assert who == "olga" or not leaked(world, text, request), (who, request.path)


@every_operation
def test_nobody_else_is(world, name):
    before = everything()
    for who in sorted(EVERYBODY - TABLE[name].may):
        response = Request(name, world.acme.ids).send(world.tokens[who])
        assert response.status_code in refusal(name, TABLE[name]), (who, response.status_code, text_of(response))
        if response.status_code == 200:
            assert not response.json()["done"], who
    for token in (None, "bursar_nonsense", "eyJ.nonsense.x"):
        response = Request(name, world.acme.ids).send(token)
        assert response.status_code == 401, response.content
        assert response.headers["www-authenticate"] == "Bearer"
    assert changed(before) == set()


@every_operation
def test_what_is_another_customers_is_as_if_it_were_not_there(world, name):
    before, faults = everything(), []
    for place, kind in places(name).items():
        for who in sorted(TABLE[name].may - {"olga"}):
            faults += indistinguishable(world, name, place, who, world.umbra.ids)
            if kind in PERSONAL and who == "lee":
                faults += indistinguishable(world, name, place, who, world.acme.others)
    for who in (*sorted(EVERYBODY - {"olga"}),):
        request = Request(name, world.umbra.ids)
        response = request.send(world.tokens[who])
        faults += judged(world, request, response, who, "all of it foreign")
    assert faults == []
    assert changed(before) == set()


@every_operation
def test_what_was_removed_is_not_there(world, name):
    before, faults = everything(), []
    for place, kind in places(name).items():
        if kind in world.acme.gone:
            for who in sorted(TABLE[name].may):
                faults += indistinguishable(world, name, place, who, world.acme.gone)
    assert faults == []
    assert changed(before) == set()


@every_operation
def test_what_is_over_is_answered_in_words(world, name):
    for place, kind in places(name).items():
        if kind in world.acme.ended:
            for who in sorted(TABLE[name].may):
                with undone():
                    response = Request(name, world.acme.ids, place=place, instead=world.acme.ended).send(
                        world.tokens[who]
                    )
                    text = text_of(response)
                assert str(response.status_code) in operations()[name].facts["responses"], (who, place, text)


@every_operation
def test_an_id_that_is_none_is_refused(world, name):
    before, faults = everything(), []
    for place, kind in places(name).items():
        for wrong in MALFORMED if kind not in {"slug", "email", "digest"} else ("\x7f", "9" * 500):
            request = Request(name, world.acme.ids, place=place, instead={kind: wrong})
            response = request.send(world.tokens["olga"])
            if response.status_code not in unreadable(name, place):
                faults.append((place, wrong[:20], response.status_code, text_of(response)[:200]))
    assert faults == []
    assert changed(before) == set()


# --- what is expected


def expected(name, place):
    """Return the statuses with which a place answers to an id that the caller knows nothing of."""
    if place in TABLE[name].elsewhere:
        return (TABLE[name].elsewhere[place],)
    where, api = place.split()[0], operations()[name].api
    return {
        ("v1", "path"): (404,),
        ("v1", "query"): (200,),
        ("v1", "body"): (404,),
        ("openedx", "path"): (403, 404),
        ("openedx", "query"): (403, 200, 404),
        ("openedx", "body"): (403, 400, 404, 422),
    }[api, where]


def is_served(name, place):
    """Tell whether the rest of the request is done all the same: an event of others is left out of a replay."""
    return TABLE[name].elsewhere.get(place) == 202


def refusal(name, row):
    return (403,) if operations()[name].api == "openedx" else (403, 404, *row.elsewhere.values())


def unreadable(name, place):
    lax = (200, 404) if place in TABLE[name].lax else ()
    return (404,) if place.startswith("path") else (400, *lax)


def indistinguishable(world, name, place, who, foreign):
    """Return what is wrong with the answers to a foreign id: they must be those to one that nobody has."""
    kind = places(name)[place]
    answers = []
    for ids in (foreign, world.unknown):
        request = Request(name, world.acme.ids, place=place, instead=ids)
        with undone() if is_served(name, place) else nullcontext():
            response = request.send(world.tokens[who])
            text = text_of(response)
        answers.append((response.status_code, anonymous(text, ids[kind])))
        if wrong := judged(world, request, response, who, place, text):
            return wrong
    if answers[0][0] not in expected(name, place):
        return [(who, place, "status", answers[0])]
    return [] if answers[0] == answers[1] else [(who, place, "tells apart", *answers)]


def judged(world, request, response, who, place, text=None):
    """Return what is wrong with a single answer: a fault of ours, a foreign fact, or a status that is not documented."""
    text = text_of(response) if text is None else text
    documented = request.operation.facts["responses"]
    if str(response.status_code) not in documented:
        return [(who, place, "undocumented", response.status_code, text)]
    found = leaked(world, text, request)
    return [(who, place, "leaks", found, text)] if found else []


def leaked(world, text, request):
    """Return what of the other customer an answer shows, beside what the request itself has named."""
    asked = f"{request.path} {request.body}"
    return [secret for secret in world.secrets if secret in text and secret not in asked]


def anonymous(text, key):
    """Return an answer without the id that was asked for, and without what is new in every answer."""
    return re.sub(rf"'nonce-[^']*'|\b{re.escape(str(key))}\b", "", text)


def changed(before):
    """Return the tables in which anything is other than before."""
    after = everything()
    return {name for name in after if after[name] != before[name]} - KEPT
