"""The webhook adapter against real sockets: what it does with each receiver, and whom it never reaches (rows D1, I-4)."""

import socket
import threading
import time
from contextlib import ExitStack, suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.db.webhooks.receiver import AUTHORITY, BIG, PATIENCE, Listener, Receiver
from tests.unit.test_webhook_egress import NOT_AS_NAMES, URLS, WRITTEN_AS_ADDRESSES

from bursar.adapters.webhooks_http import READ_AT_MOST, HttpWebhooks
from bursar.ports.webhooks import Call

HOST = "127.0.0.1"
REAL_LOOK_UP = socket.getaddrinfo


@pytest.fixture(autouse=True)
def rules(settings):
    """Return a function that says what may be reached; nothing private may until it is called."""

    def permit(*ports, allow=(), timeout=1.0):
        settings.BURSAR = {
            **settings.BURSAR,
            "webhook_tcp_ports": ports or (443, 8443),
            "webhook_allow": allow,
            "webhook_timeout": timedelta(seconds=timeout),
        }

    permit()
    return permit


@pytest.fixture
def names(monkeypatch):
    """Return a table of names and addresses, looked up in place of the network's; a list is gone through in turn."""
    table, asked = {}, []

    def look_up(host, port, *args, **options):
        asked.append(host)
        if host not in table:
            return REAL_LOOK_UP(host, port, *args, **options)
        found = table[host]
        addresses = found.pop(0) if isinstance(found[0], list) else found
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    table["asked"] = asked
    return table


def call(url, body=b'{"type":"webhook.test"}'):
    return Call(uuid4(), url, body, {"webhook-id": "1"})


def post(*urls, intent=lambda _: True):
    return list(HttpWebhooks().post_many([call(url) for url in urls], intent=intent))


def verdict(url):
    (answer,) = post(url)
    return answer.status or answer.fault


@pytest.fixture
def receiver(rules):
    with Receiver(retry_after="7") as server:
        rules(server.port, allow=(HOST,))
        yield server


@pytest.mark.parametrize("status", [200, 204, 301, 302, 304, 400, 404, 410, 429, 500, 502, 503])
def test_the_status_is_what_the_receiver_says(receiver, status):
    (answer,) = post(f"http://{HOST}:{receiver.port}/status/{status}")
    assert (answer.status, answer.fault, answer.retry_after) == (status, "", "7")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("hang", "timeout"), ("drip", "timeout"), ("reset", "broken_answer"), ("close", "broken_answer"),
        ("garbage", "broken_answer"), ("long_header", "broken_answer"), ("big/200", 200), ("big/500", 500),
        ("endless/200", 200), ("drip_body/200", 200), ("drip_body/503", 503),
    ],
)  # fmt: skip
def test_a_bad_receiver_costs_neither_time_nor_memory(receiver, path, found):
    began = time.monotonic()
    assert verdict(f"http://{HOST}:{receiver.port}/{path}") == found
    assert time.monotonic() - began < PATIENCE / 2
    assert receiver.sent < BIG / 5  # what the kernels had room for, not what was to come


def test_of_an_answer_no_more_is_read_than_64_kibibytes(receiver, monkeypatch):
    read = []
    real = socket.socket.recv

    def counted(self, *args):
        data = real(self, *args)
        read.append((self.getpeername()[1], len(data)))
        return data

    monkeypatch.setattr(socket.socket, "recv", counted)
    post(f"http://{HOST}:{receiver.port}/big/200")
    assert sum(size for port, size in read if port == receiver.port) <= READ_AT_MOST


def test_a_redirect_is_not_followed_and_leaves_no_cookie(rules):
    with Listener() as inside, Receiver(redirect_to=f"http://{HOST}:{inside.port}/admin") as server:
        rules(server.port, inside.port, allow=(HOST,))
        url = f"http://{HOST}:{server.port}"
        answers = post(*[f"{url}/redirect/{number}" for number in (301, 302, 303, 307, 308)], f"{url}/status/200")
        assert [answer.status for answer in answers] == [301, 302, 303, 307, 308, 200]
        assert inside.connections == 0
        assert not any("cookie" in request["headers"] for request in server.requests)


def test_one_connection_serves_many_events(receiver):
    answers = post(*[f"http://{HOST}:{receiver.port}/status/200"] * 20)
    assert (len(answers), receiver.connections, len(receiver.requests)) == (20, 1, 20)


def test_the_request_is_what_was_signed_and_no_more(receiver):
    body = '{"title":"Zürich"}'.encode()
    list(
        HttpWebhooks().post_many(
            [call(f"http://{HOST}:{receiver.port}/status/200?a=b%20c", body)], intent=lambda _: True
        )
    )
    (request,) = receiver.requests
    assert request["body"] == body
    assert request["path"] == "/status/200?a=b%20c"
    assert request["headers"].keys() == {
        "host", "user-agent", "accept-encoding", "content-type", "webhook-id", "content-length"
    }  # fmt: skip
    assert request["headers"]["host"] == f"{HOST}:{receiver.port}"


def test_proxies_of_the_environment_are_not_asked(receiver, monkeypatch):
    with Listener() as proxy:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{HOST}:{proxy.port}")
        assert verdict(f"http://{HOST}:{receiver.port}/status/200") == 200
        assert proxy.connections == 0


def test_what_is_not_to_leave_does_not(receiver):
    url = f"http://{HOST}:{receiver.port}/status/200"
    asked = []
    answers = post(url, url, url, intent=lambda key: asked.append(key) or len(asked) == 2)
    assert [answer.message for answer in answers] == [asked[1]]
    assert (len(asked), len(receiver.requests)) == (3, 1)


def test_the_next_call_is_taken_when_the_answer_before_is_known(receiver):
    taken = []

    def calls():
        for number in range(3):
            taken.append(number)
            yield call(f"http://{HOST}:{receiver.port}/status/200")

    for place, _ in enumerate(HttpWebhooks().post_many(calls(), intent=lambda _: True), start=1):
        assert len(taken) == len(receiver.requests) == place


def test_nobody_listening_is_unreachable_and_an_unknown_name_unresolved(rules, names):
    with Listener() as gone:
        rules(gone.port, allow=(HOST, "nowhere.invalid"))
    names["nowhere.invalid"] = []
    names["nowhere.invalid"] = [[]]
    assert verdict(f"http://{HOST}:{gone.port}/") == "unreachable"
    assert verdict(f"https://nowhere.invalid:{gone.port}/") == "unresolved"


def test_a_name_that_takes_for_ever_to_resolve_is_given_up(rules, monkeypatch):
    rules(443, timeout=0.3)
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(PATIENCE) and [])
    began = time.monotonic()
    assert verdict("https://hooks.example.org/") == "timeout"
    over.set()
    assert time.monotonic() - began < PATIENCE / 2


@pytest.fixture
def encrypted(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    with Receiver(tls=True) as server:
        yield server


def test_tls_is_for_the_name_though_the_address_is_dialled(rules, names, encrypted):
    rules(encrypted.port, allow=("hooks.example.org",))
    names["hooks.example.org"] = [HOST]
    assert verdict(f"https://hooks.example.org:{encrypted.port}/status/200") == 200
    assert encrypted.names == ["hooks.example.org"]
    assert encrypted.requests[0]["headers"]["host"] == f"hooks.example.org:{encrypted.port}"


@pytest.mark.parametrize("host", ["other.example.org", "localhost", HOST])
def test_a_certificate_for_another_name_is_refused(rules, names, encrypted, host):
    rules(encrypted.port, allow=(host,))
    names[host] = [HOST]
    assert verdict(f"https://{host}:{encrypted.port}/status/200") == "tls_failed"
    assert encrypted.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused(rules, names, encrypted, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    rules(encrypted.port, allow=("hooks.example.org",))
    names["hooks.example.org"] = [HOST]
    assert verdict(f"https://hooks.example.org:{encrypted.port}/status/200") == "tls_failed"


def test_a_receiver_that_speaks_no_tls_is_refused(rules, names, receiver):
    rules(receiver.port, allow=("hooks.example.org",))
    names["hooks.example.org"] = [HOST]
    assert verdict(f"https://hooks.example.org:{receiver.port}/status/200") in {"tls_failed", "unreachable", "timeout"}


# Nobody reaches a private address: a listener on every loopback address of this machine, on the ports that are asked for.


@pytest.fixture
def inside(rules):
    with ExitStack() as stack:
        for _ in range(20):  # until a port is free in both worlds
            four = stack.enter_context(Listener("0.0.0.0"))
            with suppress(OSError):
                six = stack.enter_context(Listener("::1", four.port))
                break
        rules(four.port, 443, 8443)
        yield lambda: four.connections + six.connections, four.port


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_no_way_to_write_a_private_address_reaches_it(inside, scheme):
    connections, port = inside
    forms = [f"{scheme}://{host}:{port}/" for host in (*WRITTEN_AS_ADDRESSES, *NOT_AS_NAMES)]
    answers = post(*forms, *URLS)
    assert len(answers) == len(forms) + len(URLS) > 100
    assert all(answer.status is None and answer.fault for answer in answers)
    assert connections() == 0


@pytest.mark.parametrize("address", [HOST, "127.8.9.10", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"])
def test_no_public_name_leads_to_a_private_address(inside, names, address):
    connections, port = inside
    names["hooks.example.org"] = [address]
    assert verdict(f"https://hooks.example.org:{port}/") == "forbidden_address"
    names["hooks.example.org"] = ["8.8.8.8", address]
    assert verdict(f"https://hooks.example.org:{port}/") == "forbidden_address"
    assert connections() == 0


def test_control_without_the_rules_the_listener_is_reached(inside, names, monkeypatch):
    connections, port = inside
    names["hooks.example.org"] = [HOST]
    monkeypatch.setattr("bursar.adapters.webhooks_http.check_address", lambda *_: None)
    verdict(f"https://hooks.example.org:{port}/")
    assert connections() == 1


def test_a_name_that_changes_after_it_was_judged_is_not_asked_again(inside, names, monkeypatch):
    """DNS rebinding: the first answer is public, every later one is not. What was judged is what is dialled."""
    connections, port = inside
    dialled = []
    monkeypatch.setattr(
        "httpcore.SyncBackend.connect_tcp",
        lambda _, host, *rest: dialled.append(host) or (_ for _ in ()).throw(OSError),
    )
    names["hooks.example.org"] = [["8.8.8.8"], [HOST], [HOST]]
    verdict(f"https://hooks.example.org:{port}/")
    assert (dialled, names["asked"]) == (["8.8.8.8"], ["hooks.example.org"])
    assert verdict(f"https://hooks.example.org:{port}/") == "forbidden_address"
    assert connections() == 0


def test_permitting_one_name_permits_no_other_at_the_same_address(inside, names, rules):
    connections, port = inside
    rules(port, allow=("receiver.intern",))
    names["hooks.example.org"] = names["receiver.intern"] = [HOST]
    assert verdict(f"https://hooks.example.org:{port}/") == "forbidden_address"
    assert connections() == 0
    verdict(f"https://receiver.intern:{port}/")
    assert connections() == 1
