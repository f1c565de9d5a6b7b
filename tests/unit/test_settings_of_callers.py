"""Settings about who is asking that contradict each other, or hold no key, are refused at start, by name."""

import json

import pytest
from joserfc.jwk import ECKey, RSAKey

from bursar.kernel.conf import read_environment
from bursar.kernel.errors import Misconfigured
from bursar.project.consistency import consistent

KEY = ECKey.generate_key("P-256")
PEM = KEY.as_pem(private=False).decode()
WHO = {"BURSAR_JWT_ISSUER": "https://lms.example.org/oauth2", "BURSAR_JWT_AUDIENCE": "openedx"}
ORIGIN = "https://admin.example.org"


def read(tmp_path, **environment):
    return consistent(read_environment({"BURSAR_DATA_DIR": str(tmp_path)} | environment))


def refused(tmp_path, **environment):
    with pytest.raises(Misconfigured) as refusal:
        read(tmp_path, **environment)
    return refusal.value.facts["setting"]


def test_a_key_is_taken_as_text_on_one_line_or_from_a_file(tmp_path):
    (tmp_path / "key.pem").write_text(PEM)
    for given in (PEM, PEM.replace("\n", "\\n"), str(tmp_path / "key.pem")):
        assert read(tmp_path, BURSAR_JWT_PUBLIC_KEY=given, **WHO)["jwt_audience"] == ("openedx",)


def test_a_set_of_keys_is_an_address_or_a_file(tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    for given in ("https://lms.example.org/jwks", "http://127.0.0.1:8000/jwks", str(tmp_path / "keys.json")):
        assert read(tmp_path, BURSAR_JWT_JWKS=given, **WHO)["jwt_jwks"] == given


@pytest.mark.parametrize("missing", sorted(WHO))
def test_whose_tokens_and_for_whom_must_be_said(tmp_path, missing):
    given = {name: value for name, value in WHO.items() if name != missing}
    assert refused(tmp_path, BURSAR_JWT_PUBLIC_KEY=PEM, **given) == missing


@pytest.mark.parametrize("name", sorted(WHO))
def test_an_issuer_without_a_key_is_refused(tmp_path, name):
    assert refused(tmp_path, **{name: WHO[name]}) == name


@pytest.mark.parametrize(
    "given",
    [
        KEY.as_pem(private=True).decode(), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "/no/such/file", "nonsense",
        ECKey.generate_key("P-384").as_pem(private=False).decode(), "\n-----BEGIN RSA PRIVATE KEY-----",
    ],
)  # fmt: skip
def test_what_is_no_public_key_is_refused_without_quoting_it(tmp_path, given):
    with pytest.raises(Misconfigured) as refusal:
        read(tmp_path, BURSAR_JWT_PUBLIC_KEY=given, **WHO)
    assert refusal.value.facts["setting"] == "BURSAR_JWT_PUBLIC_KEY"
    assert "AAAA" not in refusal.value.message
    assert "BEGIN" not in refusal.value.message


@pytest.mark.parametrize(
    "given",
    [
        "http://lms.example.org/jwks", "ftp://lms.example.org/jwks", "https://", "https://user:pw@lms.example.org/jwks",
        "https://lms.example.org:99999/jwks", "https://lms.example.org/jwks#a", "/no/such/file", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_keys_come_from_https_or_a_file(tmp_path, given):
    assert refused(tmp_path, BURSAR_JWT_JWKS=given, **WHO) == "BURSAR_JWT_JWKS"


@pytest.mark.parametrize("content", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AAAA"}]}'])
def test_a_file_without_a_usable_key_is_refused(tmp_path, content):
    (tmp_path / "keys.json").write_text(content)
    assert refused(tmp_path, BURSAR_JWT_JWKS=str(tmp_path / "keys.json"), **WHO) == "BURSAR_JWT_JWKS"


@pytest.mark.parametrize("given", ["none", "HS256", "RS256,HS256", "", "rs256", "ES256K"])
def test_only_algorithms_with_a_public_key_can_be_named(tmp_path, given):
    assert refused(tmp_path, BURSAR_JWT_ALGORITHMS=given) == "BURSAR_JWT_ALGORITHMS"


def test_an_lms_that_signs_with_rs512_can_be_named(tmp_path):
    pem = RSAKey.generate_key(2048).as_pem(private=False).decode()
    read_values = read(tmp_path, BURSAR_JWT_ALGORITHMS="RS512", BURSAR_JWT_PUBLIC_KEY=pem, **WHO)
    assert read_values["jwt_algorithms"] == ("RS512",)


@pytest.mark.parametrize(
    "given",
    [
        "*", "null", "https://*.example.org", "https://admin.example.org/", "https://admin.example.org/x", "admin.example.org",
        "HTTPS://admin.example.org", "https://a@b.example", "ftp://admin.example.org", f"{ORIGIN},*", "https://admin.example.org:x",
    ],
)  # fmt: skip
def test_origins_are_named_exactly(tmp_path, given):
    assert refused(tmp_path, BURSAR_CORS_ORIGINS=given) == "BURSAR_CORS_ORIGINS"


def test_several_origins_can_be_named(tmp_path):
    given = f"{ORIGIN}, http://localhost:1991"
    assert read(tmp_path, BURSAR_CORS_ORIGINS=given)["cors_origins"] == (ORIGIN, "http://localhost:1991")


@pytest.mark.parametrize("given", ["nonsense", "10.0.0.0/33", "*", "127.0.0.1:80", "proxy.example.org"])
def test_proxies_are_addresses_and_networks(tmp_path, given):
    assert refused(tmp_path, BURSAR_TRUSTED_PROXIES=given) == "BURSAR_TRUSTED_PROXIES"
    assert read(tmp_path, BURSAR_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8")["trusted_proxies"] == (
        "127.0.0.1",
        "10.0.0.0/8",
    )
