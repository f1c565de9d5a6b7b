"""What a caller claims about themselves in headers changes neither the addresses in answers nor whom limits count (H9)."""

import pytest
from django.test import override_settings
from tests.abuse.asking import Request, text_of
from tests.abuse.operations import operations

from bursar.people.models import RequestCount

EVIL = "evil.example"
CLAIMS = {
    "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "444", "X-Forwarded-For": "6.6.6.6",
    "Forwarded": f"for=6.6.6.6;host={EVIL};proto=https", "X-Real-IP": "6.6.6.6", "X-Original-URL": "/v1/audit",
    "X-Rewrite-URL": "/v1/audit", "X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE", "X-Method-Override": "PUT",
    "X-Forwarded-Server": EVIL, "X-Forwarded-Prefix": f"//{EVIL}", "X-Script-Name": f"//{EVIL}", "Origin": f"https://{EVIL}",
    "Referer": f"https://{EVIL}/",
}  # fmt: skip
READS = [name for name, operation in operations().items() if operation.method == "GET"]


def plain(response):
    return response.status_code, text_of(response).split("Content-Security-Policy")[0]


@pytest.mark.parametrize("name", READS)
def test_no_claim_changes_an_answer(world, name):
    request = Request(name, world.acme.ids)
    usual = plain(request.send(world.tokens["olga"]))
    claimed = plain(request.send(world.tokens["olga"], **CLAIMS))
    assert claimed == usual
    assert EVIL not in claimed[1]


@pytest.mark.parametrize("name", READS)
def test_a_host_that_is_not_ours_is_refused(world, name):
    for host in (
        EVIL,
        f"localhost@{EVIL}",
        f"{EVIL}:80",
        "localhost:80#",
        "a b",
        "localhost\t",
        "[::1",
        "lo\u0000calhost",
    ):
        response = Request(name, world.acme.ids).send(world.tokens["olga"], Host=host)
        assert response.status_code == 400 or EVIL not in text_of(response), host


@override_settings(ALLOWED_HOSTS=["bursar.example"])
@pytest.mark.parametrize("name", READS)
def test_with_its_hosts_named_no_other_is_answered_where_addresses_are_shown(world, name):
    response = Request(name, world.acme.ids).send(world.tokens["olga"], Host=EVIL)
    assert EVIL not in text_of(response)


@pytest.mark.parametrize("token", [None, "olga"])
def test_limits_count_whoever_it_is_whatever_they_claim(world, settings, token):
    settings.BURSAR = {**settings.BURSAR, "rate_limit": 3, "rate_limit_anonymous": 3}
    statuses = [
        Request("GET /v1/customers", world.acme.ids)
        .send(
            token and world.tokens[token],
            **CLAIMS | {"X-Forwarded-For": f"6.6.6.{number}", "X-Real-IP": f"6.6.{number}.6"},
        )
        .status_code
        for number in range(5)
    ]
    assert statuses == [200 if token else 401] * 3 + [429] * 2
    assert RequestCount.objects.count() == 1
