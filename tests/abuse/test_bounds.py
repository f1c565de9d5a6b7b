"""However much is asked for at once, no more than a page is given, and no more work is done than for one (H7)."""

import json

import pytest
from tests.abuse.asking import Request, text_of
from tests.abuse.operations import operations
from tests.abuse.table import TABLE
from tests.db.verbs.steps import statements

from bursar.api.openedx.paging import LARGEST_SIZE
from bursar.api.v1.paging import LARGEST_LIMIT

LISTS = [name for name, operation in operations().items() if operation.method == "GET"]
OURS = [name for name in LISTS if "limit" in operations()[name].parameters("query")]
PAGED = [name for name in LISTS if "page_size" in operations()[name].parameters("query")]
HUGE = ("1000000000", "99999999999999999999", "-1", "1e9", "0x10", "1_000", "NaN")
MOST_STATEMENTS = 40


def asked(world, name, query, who="olga"):
    request = Request(name, world.acme.ids)
    path = f"{request.path}{'&' if '?' in request.path else '?'}{query}"
    return request.send(world.tokens[who], path=path)


@pytest.mark.parametrize("name", OURS)
def test_our_own_lists_refuse_more_than_a_page(world, name):
    for amount in (*HUGE, str(10 * LARGEST_LIMIT + 1), "0", ""):
        assert asked(world, name, f"limit={amount}").status_code == 400, amount
    largest = operations()[name].parameters("query")["limit"]["maximum"]
    assert LARGEST_LIMIT <= largest <= 1000
    assert asked(world, name, f"limit={largest}").status_code == 200


@pytest.mark.parametrize("name", PAGED)
def test_pages_of_the_open_edx_wire_are_cut(world, name):
    for amount in ("1000000000", str(LARGEST_SIZE + 1)):
        response = asked(world, name, f"page_size={amount}")
        assert response.status_code in TABLE[name].status, response.content
        if response.status_code == 200:
            assert len(response.json()["results"]) <= LARGEST_SIZE
    for page in ("1000000000", "9" * 400, "-1", "0", "1e3", "last", "%E0%A0"):
        assert asked(world, name, f"page={page}").status_code in {200, 400, 404}, page


@pytest.mark.parametrize("name", LISTS)
def test_ten_thousand_filters_are_not_worked_off(world, name):
    for query in ("x=1&" * 10_000, "&".join(f"x{number}=1" for number in range(10_000)), "[a]=1&a[]=2&a[$ne]=3"):
        took = statements(lambda query=query: judged(asked(world, name, query)))
        assert took <= MOST_STATEMENTS


def judged(response):
    assert response.status_code < 500, text_of(response)


@pytest.mark.parametrize("name", [
    name for name in LISTS if {"search", "content_key__in", "learner_email__in"} & {*operations()[name].parameters("query")}
])  # fmt: skip
def test_long_and_pattern_like_searches_cost_as_much_as_short_ones(world, name):
    given = operations()[name].parameters("query")
    for field in ("search", "content_key__in", "learner_email__in", "lms_user_id__in", "state__in", "ordering"):
        if field in given:
            usual = statements(lambda query=f"{field}=ab": asked(world, name, query))
            for text in ("%25" * 3000, "(a%2B)%2B%24" * 500, "_" * 5000, ",".join("ab" * 2 for _ in range(5000))):
                took = statements(lambda query=f"{field}={text}": judged(asked(world, name, query)))
                assert took <= usual + 2, (field, text[:20])


def test_an_address_of_a_million_letters_is_refused_unread(world):
    for path in ("/v1/budgets?customer=" + "9" * 1_000_000, "/api/v1/subsidies/?x=" + "9" * 1_000_000):
        name = "GET /v1/budgets" if path.startswith("/v1") else "GET /api/v1/subsidies/"
        assert Request(name, world.acme.ids).send(world.tokens["olga"], path=path).status_code < 500


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if isinstance(row.body, dict)])
def test_bodies_that_blow_up_are_refused(world, name):
    request = Request(name, world.acme.ids)
    body = json.loads(request.body)
    deep = '{"a":' * 5_000 + "1" + "}" * 5_000
    wide = json.dumps(body | dict.fromkeys(body, "x" * 100000))
    many = json.dumps(body | {key: value * 100_001 for key, value in body.items() if isinstance(value, list)})
    for text in (deep, wide, many if many != request.body else deep, '{"a":1e999}', "[" * 100_000, "null", "0"):
        response = request.send(world.tokens["olga"], body=text)
        assert response.status_code in {400, 404, 413, 415, 422, *TABLE[name].status}, (
            text[:40],
            response.content[:300],
        )
        assert response.status_code < 500


def test_spans_of_a_million_days_are_spans(world):
    for begin, end in (
        ("1900-01-01T00:00:00Z", "8999-12-31T23:59:59Z"),
        ("8999-12-31T23:59:59Z", "1900-01-01T00:00:00Z"),
    ):
        request = Request("POST /v1/webhooks/{endpoint}/replay", world.acme.ids)
        response = request.send(world.tokens["olga"], body=json.dumps({"begin": begin, "end": end}))
        assert response.status_code in {202, 400}, response.content
        listed = asked(world, "GET /v1/assignments", f"expiring_before={end}")
        assert listed.status_code == 200, listed.content
