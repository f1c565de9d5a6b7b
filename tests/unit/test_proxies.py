"""Where a request comes from: forwarded headers count only from proxies that are named (row H9)."""

from ipaddress import ip_network

import pytest

from bursar.project.proxies import FORWARDED, heed

TRUSTED = ("127.0.0.1", "10.0.0.0/8", "2001:db8:aaaa::/48")


def after(remote, forwarded=None, proto=None, trusted=TRUSTED):
    meta = {"REMOTE_ADDR": remote, "wsgi.url_scheme": "http", "HTTP_X_FORWARDED_HOST": "evil.example"}
    meta |= {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    meta |= {} if proto is None else {"HTTP_X_FORWARDED_PROTO": proto}
    heed(meta, [ip_network(entry) for entry in trusted])
    assert not set(FORWARDED) & meta.keys()
    return meta["REMOTE_ADDR"], meta["wsgi.url_scheme"]


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "1.2.3.4, 198.51.100.1, 10.1.1.1", "198.51.100.1"),
        ("127.0.0.1", "1.2.3.4,nonsense, 10.1.1.1", "10.1.1.1"),
        ("127.0.0.1", "10.2.2.2, 10.1.1.1", "10.2.2.2"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1:4711", "127.0.0.1"),
        ("::ffff:10.1.1.1", "2001:db8::7", "2001:db8::7"),
        ("2001:db8:aaaa::1", "198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_client_is_the_last_hop_that_no_trusted_proxy_is(remote, forwarded, client):
    assert after(remote, forwarded)[0] == client


def test_nobody_is_trusted_unless_named():
    assert after("127.0.0.1", "198.51.100.1", "https", trusted=()) == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    ("remote", "proto", "scheme"),
    [
        ("127.0.0.1", "https", "https"), ("127.0.0.1", "http", "http"), ("127.0.0.1", "gopher", "http"),
        ("127.0.0.1", "https,http", "http"), ("203.0.113.9", "https", "http"),
    ],
)  # fmt: skip
def test_the_scheme_is_what_a_trusted_proxy_says(remote, proto, scheme):
    assert after(remote, proto=proto)[1] == scheme


def test_a_long_row_of_hops_ends_somewhere():
    assert after("127.0.0.1", ", ".join(["10.1.1.1"] * 10_000))[0] == "10.1.1.1"
