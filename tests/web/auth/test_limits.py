"""Too many requests: who is counted as whom, what they are told, and that it costs one statement or none."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.web.auth.probe import OPENEDX, PATH

from bursar.kernel import clock
from bursar.kernel.errors import Unavailable
from bursar.people.tokens import create_token
from bursar.testing import factories

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def limited(configure):
    configure(rate_limit=2, rate_limit_anonymous=3)
    with clock.at(NOON + timedelta(seconds=20)):
        yield


def token(name="a"):
    return {"Authorization": f"Bearer {create_token(name, role='operator').text}"}


def statuses(ask, times, **headers):
    return [ask(**headers).status_code for _ in range(times)]


def test_a_caller_is_told_what_is_left_and_then_when_to_come_back(ask):
    mine = token()
    first, _, third = (ask(**mine) for _ in range(3))
    assert (first.status_code, first["RateLimit"], first["RateLimit-Policy"]) == (
        200,
        '"caller";r=1;t=40',
        '"caller";q=2;w=60',
    )
    assert "Retry-After" not in first.headers
    assert (third.status_code, third["RateLimit"], third["Retry-After"]) == (429, '"caller";r=0;t=40', "40")
    assert third["Content-Type"] == "application/problem+json"
    assert third.json()["code"] == "too_many_requests"
    with clock.at(NOON + timedelta(seconds=61)):
        assert ask(**mine).status_code == 200


def test_the_other_api_says_so_in_its_own_way(client, ask):
    answers = [client.get(OPENEDX) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert answers[-1].json() == {"detail": "Too many requests."}
    assert answers[-1]["Retry-After"] == "40"


def test_tokens_and_people_are_counted_each_alone(ask, believed, client):
    assert statuses(ask, 3, **token("a")) == [200, 200, 429]
    assert statuses(ask, 3, **token("b")) == [200, 200, 429]
    assert statuses(ask, 3, **believed.bearer(1)) == [200, 200, 429]
    assert statuses(ask, 1, **believed.bearer(2)) == [200]
    client.force_login(factories.make_user())
    assert statuses(ask, 3) == [200, 200, 429]


def test_one_person_is_one_caller_by_whatever_they_show(ask, believed, client):
    user = factories.make_user(lms_user_id=4711)
    client.force_login(user)
    assert statuses(ask, 1) == [200]
    assert statuses(ask, 2, **believed.bearer(4711)) == [200, 429]


def test_who_guesses_is_counted_by_address_however_different_the_guesses(ask):
    guesses = [ask(Authorization=f"Bearer bursar_{number}").status_code for number in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert statuses(ask, 1, **token()) == [200]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP"])
def test_a_header_that_anybody_can_write_makes_nobody_somebody_else(ask, name):
    assert [ask(**{name: f"198.51.100.{number}"}).status_code for number in range(4)] == [401, 401, 401, 429]


def test_behind_a_proxy_that_is_named_each_client_is_one(ask, configure):
    configure(trusted_proxies=("127.0.0.1",))
    found = [ask(**{"X-Forwarded-For": f"198.51.100.{number}"}).status_code for number in range(5)]
    assert found == [401] * 5
    faked = [ask(**{"X-Forwarded-For": f"10.9.8.{number}, 198.51.100.77"}).status_code for number in range(4)]
    assert faked == [401, 401, 401, 429]


def statements(call):
    """Return how many statements a call takes, beside those that begin and end transactions."""
    with CaptureQueriesContext(connection) as context:
        call()
    return sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE")) for query in context.captured_queries)


def test_counting_costs_one_statement_and_nothing_where_it_is_switched_off(ask, configure):
    mine = token()
    counted = [statements(lambda: ask(**mine)) for _ in range(4)]  # the first of a caller and refusals included
    configure(rate_limit=0, rate_limit_anonymous=0)
    assert "RateLimit" not in ask(**mine).headers
    assert counted == [statements(lambda: ask(**mine)) + 1] * 4


def test_a_database_too_busy_to_count_refuses_nobody(ask, monkeypatch):
    from bursar.api import limits

    def busy(*_):
        raise Unavailable("busy")

    mine = token()
    monkeypatch.setattr(limits, "ask", busy)
    assert statuses(ask, 3, **mine) == [200] * 3
    assert ask().status_code == 401


def test_the_route_for_the_csrf_token_costs_no_statement(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/csrf/api/v1/token")


def test_a_refusal_can_be_read_by_a_page_of_another_origin(ask, configure):
    configure(cors_origins=("https://admin.example.org",))
    answers = [ask(Origin="https://admin.example.org") for _ in range(4)]
    assert answers[-1].status_code == 429
    assert answers[-1]["Access-Control-Allow-Origin"] == "https://admin.example.org"
    assert PATH.startswith("/v1/")
