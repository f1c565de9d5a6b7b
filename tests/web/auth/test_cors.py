"""Pages of other origins: those that are named may call the APIs with cookies, all others may not."""

import pytest
from tests.web.auth.probe import PATH

ORIGIN = "https://admin.example.org"
EVIL = "https://admin.example.org.evil.example"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "use-jwt-cookie,x-csrftoken"}


@pytest.fixture
def named(configure, settings):
    settings.ROOT_URLCONF = "tests.web.auth.probe"
    configure(cors_origins=(ORIGIN,))


def shown(answer):
    return {name for name in answer.headers if name.startswith("Access-Control-")}


@pytest.mark.usefixtures("named")
def test_a_page_of_a_named_origin_may_ask_with_what_the_clients_send(client):
    answer = client.options(PATH, headers={"Origin": ORIGIN} | ASKED)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert answer["Access-Control-Allow-Credentials"] == "true"
    allowed = set(answer["Access-Control-Allow-Headers"].split(", "))
    needed = {"use-jwt-cookie", "x-csrftoken", "content-type", "authorization", "idempotency-key", "if-match"}
    assert needed <= allowed
    assert {"POST", "PUT", "PATCH", "DELETE"} <= set(answer["Access-Control-Allow-Methods"].split(", "))
    assert "Origin" in answer["Vary"]


@pytest.mark.django_db
@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("path", "status"), [(PATH, 401), ("/csrf/api/v1/token", 200), ("/api/nothing", 404), ("/v1/nothing", 404)]
)
def test_every_answer_may_be_read_refusals_too(client, path, status):
    answer = client.get(path, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (status, ORIGIN)
    assert {"ETag", "Retry-After", "RateLimit", "Idempotent-Replayed"} <= set(
        answer["Access-Control-Expose-Headers"].split(", ")
    )
    assert "Origin" in answer["Vary"]


@pytest.mark.django_db
@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    "origin", [EVIL, "http://admin.example.org", ORIGIN + ":8443", "null", "", "*", ORIGIN.upper()]
)
def test_any_other_origin_is_told_nothing(client, origin):
    for answer in (
        client.options(PATH, headers={"Origin": origin} | ASKED),
        client.get(PATH, headers={"Origin": origin}),
    ):
        assert shown(answer) == set()
        assert "Origin" in answer["Vary"]


@pytest.mark.django_db
@pytest.mark.usefixtures("named")
def test_pages_of_the_service_itself_are_not_for_others(client):
    assert shown(client.get("/healthz", headers={"Origin": ORIGIN})) == set()


@pytest.mark.django_db
def test_without_the_setting_nothing_changes(client, ask):
    answer = client.options(PATH, headers={"Origin": ORIGIN} | ASKED)
    assert answer.status_code == 405
    assert shown(answer) == set()
