"""Fetching keys from a real socket: nothing is followed, nothing lasts, nothing grows."""

import time

import pytest
from tests.db.webhooks.receiver import PATIENCE, Receiver

from bursar.adapters import keysets_http
from bursar.adapters.keysets_http import HttpKeySets

HOST = "127.0.0.1"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(keysets_http, "SECONDS", 0.5)
    with Listener() as found:
        yield found


class Listener(Receiver):
    def keys(self, client, rest):
        client.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"keys":[]}')


def test_what_stands_there_is_returned(server):
    assert HttpKeySets().fetch(f"http://{HOST}:{server.port}/keys") == b'{"keys":[]}'


@pytest.mark.parametrize(
    "path",
    ["redirect/301", "redirect/307", "status/404", "status/500", "hang", "drip", "reset", "close", "garbage", "big/200", "endless/200"],
)  # fmt: skip
def test_anything_else_is_an_error_without_details(server, path):
    began = time.monotonic()
    with pytest.raises(OSError):
        HttpKeySets().fetch(f"http://{HOST}:{server.port}/{path}")
    assert time.monotonic() - began < PATIENCE / 2


def test_a_redirect_leads_nowhere():
    with Receiver() as other, Listener(redirect_to=f"http://{HOST}:{other.port}/status/200") as server:
        with pytest.raises(OSError):
            HttpKeySets().fetch(f"http://{HOST}:{server.port}/redirect/302")
        assert other.connections == 0


def test_nobody_there_is_an_error():
    with Receiver() as server:
        port = server.port
    with pytest.raises(OSError):
        HttpKeySets().fetch(f"http://{HOST}:{port}/keys")


def test_a_certificate_that_nobody_vouches_for_is_refused():
    with Receiver(tls=True) as server, pytest.raises(OSError):
        HttpKeySets().fetch(f"https://localhost:{server.port}/status/200")
