"""Where a webhook may go: every known way to write an address of this machine or its neighbours is refused."""

from ipaddress import ip_address

import pytest

from bursar.webhooks.egress import (
    LONGEST_URL,
    ForbiddenTargetError,
    Rules,
    check_address,
    is_public,
    literal_address,
    read_target,
)

STRICT = Rules.of((443, 8443), ())
EVERY_PORT = Rules.of((443, 8443, 80, 22), ())

WRITTEN_AS_ADDRESSES = [
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1",
    "172.31.255.255", "192.168.0.1", "192.168.255.255", "169.254.169.254", "169.254.0.1", "100.64.0.1",
    "100.127.255.254", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]", "[::ffff:8.8.8.8]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a00:1::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[2001::1]", "[2001:db8::1]", "[fc00::1]", "[fd00:ec2::254]",
    "[fe80::1]", "[fec0::1]", "[ff02::1]", "[100::1]", "[3fff::1]", "[5f00::1]", "[4000::1]",
]  # fmt: skip
NOT_AS_NAMES = [
    "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0",
    "1.2.3", "127.0.0.1.", "localhost", "localhost.", "LOCALHOST", "intranet", "foo.localhost", "metadata.google.internal",
    "printer.local", "router.home.arpa", "x.onion", "127.0.0.0x1", "example.0x7f", "exa_mple..com", "-x.example.com",
    "a" * 64 + ".example.com", "[::1%25eth0]", "[fe80::1%25lo]", "[::1", "::1", "[127.0.0.1]", "[v1.fe80]",
    "%6c%6f%63alhost.example", "example.com%00.localhost", "ⓔⓧample.com", "１２７.0.0.1", "127。0。0。1",
]  # fmt: skip
URLS = [
    "http://hooks.example.org/", "ftp://hooks.example.org/", "gopher://hooks.example.org:443/_x", "file:///etc/passwd",
    "//hooks.example.org/", "https:hooks.example.org", "https:///path", "https://", "", "hooks.example.org", "ldap://x.example.org",
    "https://user@hooks.example.org/", "https://user:secret@hooks.example.org/", "https://@hooks.example.org/",
    "https://hooks.example.org@127.0.0.1/", "https://127.0.0.1#@hooks.example.org/", "https://hooks.example.org/#x",
    "https://hooks.example.org#", "https://hooks.example.org\\@127.0.0.1/", "https://hooks.example.org\\.evil/",
    "https://hooks.example.org :443/", "https://hooks.example.org\t/", "https://hooks.example.org/\n", "https://hooks .org/",
    "https://hooks.example.org:22/", "https://hooks.example.org:25/", "https://hooks.example.org:5432/",
    "https://hooks.example.org:80/", "https://hooks.example.org:0/", "https://hooks.example.org:65536/",
    "https://hooks.example.org:443x/", "https://hooks.example.org:/", "https://hooks.example.org:-443/",
    "https://hooks.example.org:４４３/", f"https://hooks.example.org/{'x' * LONGEST_URL}", "https://hooks.example.org/\x00",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.215.14", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
          "192.167.0.1", "11.0.0.1", "2606:4700::1111", "2a00:1450:4001::1", "2003::1"]  # fmt: skip


def refused(url, rules=STRICT):
    try:
        read_target(url, rules)
    except ForbiddenTargetError as error:
        return error.code
    return None


def test_there_are_more_than_sixty_forms():
    assert len({*WRITTEN_AS_ADDRESSES, *NOT_AS_NAMES}) + len(set(URLS)) > 100


@pytest.mark.parametrize("host", WRITTEN_AS_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(host):
    assert refused(f"https://{host}/hook") == "forbidden_address"
    assert refused(f"https://{host}:8443/hook") == "forbidden_address"


@pytest.mark.parametrize("host", NOT_AS_NAMES)
def test_what_is_no_full_public_name_is_refused(host):
    assert refused(f"https://{host}/hook") in {"invalid_host", "forbidden_host", "invalid_url"}


@pytest.mark.parametrize("url", URLS)
def test_other_schemes_ports_users_fragments_and_tricks_are_refused(url):
    assert refused(url) is not None


@pytest.mark.parametrize("host", WRITTEN_AS_ADDRESSES)
def test_an_address_is_not_public_either_when_a_name_resolves_to_it(host):
    address = ip_address(host.strip("[]"))
    assert not is_public(address)
    with pytest.raises(ForbiddenTargetError):
        check_address(address, "hooks.example.org", STRICT)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.org", ("https", "hooks.example.org", 443, "/")),
        ("https://Hooks.Example.ORG/a/b?c=d%20e", ("https", "hooks.example.org", 443, "/a/b?c=d%20e")),
        ("https://hooks.example.org:8443/?x", ("https", "hooks.example.org", 8443, "/?x")),
        ("https://xn--bcher-kva.example/", ("https", "xn--bcher-kva.example", 443, "/")),
        ("https://8.8.8.8/", ("https", "8.8.8.8", 443, "/")),
        ("https://[2606:4700::1111]:8443/", ("https", "2606:4700::1111", 8443, "/")),
        ("https://1.example.org/", ("https", "1.example.org", 443, "/")),
    ],
)
def test_public_receivers_are_taken_apart(url, target):
    found = read_target(url, STRICT)
    assert (found.scheme, found.host, found.port, found.path) == target


@pytest.mark.parametrize(
    "url",
    ["http://10.1.2.3/", "https://10.1.2.3/", "http://hooks.intern/", "https://HOOKS.intern/x", "http://[fd00::7]/"],
)
def test_what_an_operator_permits_may_be_private_and_plain(url):
    rules = Rules.of((443, 80), ("10.1.0.0/16", "hooks.intern", "fd00::/8"))
    assert read_target(url, rules).port in (443, 80)


@pytest.mark.parametrize("url", ["http://10.2.0.1/", "https://10.2.0.1/", "http://other.intern/", "https://intern/",
                                 "http://hooks.intern.example.org/", "http://8.8.8.8/", "https://[::ffff:10.1.2.3]/"])  # fmt: skip
def test_permitting_one_receiver_permits_no_other(url):
    assert refused(url, Rules.of((443, 80), ("10.1.0.0/16", "hooks.intern"))) is not None


def test_a_permitted_receiver_keeps_to_the_ports_too():
    assert refused("https://10.1.2.3:22/", Rules.of((443,), ("10.0.0.0/8",))) == "forbidden_port"


def test_a_refusal_quotes_nothing_of_the_url():
    with pytest.raises(ForbiddenTargetError) as caught:
        read_target("https://user:secret@hooks.example.org/", STRICT)
    assert "secret" not in str(caught.value)


def test_names_are_no_addresses():
    assert literal_address("hooks.example.org") is None
    assert literal_address("127.1") is None
