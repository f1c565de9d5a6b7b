"""A JWT in the Authorization header: what it must be to be believed, and what it then says (row I-8)."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from joserfc import jws
from joserfc.jwk import RSAKey

from bursar.kernel import clock
from bursar.people.access import Permission, customers
from bursar.people.jwts import LEEWAY_SECONDS, LONGEST
from bursar.testing import factories
from bursar.testing.jwts import AUDIENCE, ISSUER, LIFE_SECONDS, Issuer

pytestmark = pytest.mark.django_db

LEARNER = 4711
CUSTOMER = uuid4()


@pytest.fixture(scope="module")
def rsa():
    return Issuer(RSAKey.generate_key(2048), "RS256")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(data):
    return b64(json.dumps(data).encode())


def now():
    return int(clock.now().timestamp())


def status(ask, token):
    return ask(Authorization=f"Bearer {token}").status_code


def test_a_token_of_the_issuer_says_who_asks_and_as_what(ask, believed):
    found = ask(**believed.bearer(LEARNER, [f"enterprise_admin:{CUSTOMER}"])).json()
    assert found == {
        "kind": "person", "name": f"learner {LEARNER}", "user_id": None, "lms_user_id": LEARNER, "roles": [f"admin:{CUSTOMER}"],
    }  # fmt: skip


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "JWT"])
def test_the_scheme_is_that_of_everybody_or_of_open_edx(ask, believed, scheme):
    assert ask(Authorization=f"{scheme} {believed.token(LEARNER)}").status_code == 200


def test_rsa_signatures_are_believed_under_the_key_that_is_pinned(ask, configure, rsa):
    configure(**rsa.settings())
    assert status(ask, rsa.token(LEARNER)) == 200


def test_the_user_with_that_id_is_the_one_who_asks(ask, believed):
    user = factories.make_user(lms_user_id=LEARNER)
    assert ask(**believed.bearer(LEARNER)).json()["user_id"] == user.pk


def test_a_user_made_inactive_is_nobody_at_once(ask, believed):
    user = factories.make_user(lms_user_id=LEARNER)
    shown = believed.bearer(LEARNER)
    assert ask(**shown).status_code == 200
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    assert ask(**shown).status_code == 401


def test_without_a_key_no_jwt_is_accepted(ask, issuer):
    answer = ask(**issuer.bearer(LEARNER))
    assert (answer.status_code, answer["WWW-Authenticate"], answer.json()["code"]) == (401, "Bearer", "unauthenticated")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example/oauth2"}, {"iss": ISSUER + "/"}, {"iss": None}, {"iss": [ISSUER]},
        {"aud": "someone-else"}, {"aud": None}, {"aud": []}, {"aud": ["x", 1]}, {"aud": {"openedx": 1}}, {"aud": "open"},
        {"exp": None}, {"exp": "2999-01-01"}, {"exp": True}, {"iat": None}, {"iat": "now"}, {"nbf": "then"},
        {"user_id": None}, {"user_id": "4711"}, {"user_id": 0}, {"user_id": -1}, {"user_id": True}, {"user_id": 2**31},
        {"user_id": 1.5}, {"is_restricted": True},
    ],
)  # fmt: skip
def test_a_claim_that_is_not_right_makes_it_nobody_s(ask, believed, claims):
    assert status(ask, believed.token(LEARNER, **claims)) == 401


@pytest.mark.parametrize(
    ("shift", "claims"),
    [
        (LIFE_SECONDS + LEEWAY_SECONDS + 1, {}),
        (-LEEWAY_SECONDS - 1, {}),
        (0, {"nbf": LEEWAY_SECONDS + 1}),
        (86_400 + LEEWAY_SECONDS + 1, {"exp": 10**6}),
    ],
)
def test_a_token_is_good_from_its_beginning_to_its_end_and_never_for_longer_than_a_day(ask, believed, shift, claims):
    at = clock.now()
    with clock.at(at):
        token = believed.token(LEARNER, **{name: now() + seconds for name, seconds in claims.items()})
    with clock.at(at + timedelta(seconds=shift)):
        assert status(ask, token) == 401


@pytest.mark.parametrize("shift", [LIFE_SECONDS + LEEWAY_SECONDS - 2, -LEEWAY_SECONDS + 2, 0])
def test_clocks_may_differ_by_half_a_minute(ask, believed, shift):
    at = clock.now()
    with clock.at(at):
        token = believed.token(LEARNER)
    with clock.at(at + timedelta(seconds=shift)):
        assert status(ask, token) == 200


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+JWT"])
def test_the_type_is_that_of_a_token_of_access(ask, believed, kind):
    assert status(ask, believed.token(LEARNER, header={"typ": kind})) == 200


@pytest.mark.parametrize("kind", ["JOSE", "", "logout+jwt", "dpop+jwt", 7, None, ["JWT"]])
def test_any_other_type_is_refused(ask, believed, kind):
    head = {"alg": "ES256", "typ": kind}
    token = jws.serialize_compact({"alg": "ES256"}, "{}", believed.key, algorithms=["ES256"])
    assert status(ask, token) == 401
    signed = f"{part(head)}.{part(believed.claims(LEARNER))}"
    signature = believed.key.private_key.sign(signed.encode(), *_ecdsa())
    assert status(ask, f"{signed}.{b64(_raw(signature))}") == 401


def test_the_same_way_of_signing_by_hand_is_believed_with_the_right_type(ask, believed):
    signed = f"{part({'alg': 'ES256', 'typ': 'JWT'})}.{part(believed.claims(LEARNER))}"
    assert status(ask, f"{signed}.{b64(_raw(believed.key.private_key.sign(signed.encode(), *_ecdsa())))}") == 200


def _ecdsa():
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    return (ECDSA(SHA256()),)


def _raw(signature):
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(signature))


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", "HS256", "ES256K", "RS256"])
def test_an_unsigned_token_or_one_of_another_algorithm_is_refused(ask, believed, name):
    head = part({"alg": name, "typ": "JWT"})
    body = part(believed.claims(LEARNER))
    good = believed.token(LEARNER).rpartition(".")[2]
    assert {status(ask, f"{head}.{body}.{tail}") for tail in ("", good)} == {401}


def test_the_public_key_is_no_shared_secret(ask, configure, rsa):
    configure(**rsa.settings())
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(rsa.claims(LEARNER))}"
    for secret in (rsa.key.as_pem(private=False), rsa.key.as_der(private=False)):
        tag = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        assert status(ask, f"{signed}.{b64(tag)}") == 401


def test_an_algorithm_that_is_not_listed_is_refused_even_with_the_right_key(ask, configure, rsa):
    other = Issuer(rsa.key, "RS512")
    configure(**rsa.settings())
    assert status(ask, other.token(LEARNER)) == 401
    configure(jwt_algorithms=("RS512",))
    assert status(ask, other.token(LEARNER)) == 200


@pytest.mark.parametrize(
    "head",
    [
        {"kid": "../../../../dev/null"}, {"kid": "/etc/passwd"}, {"kid": "' OR 1=1 --"}, {"kid": "http://evil.example/k"},
        {"kid": ["a"]}, {"kid": 7}, {"kid": {"a": 1}}, {"kid": "x" * 300}, {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
    ],
)  # fmt: skip
def test_the_name_of_a_key_only_picks_among_ours(ask, configure, tmp_path, issuer, head):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [issuer.key.as_dict(private=False, kid="ours")]}))
    configure(**issuer.settings() | {"jwt_public_key": "", "jwt_jwks": str(path)})
    assert status(ask, issuer.token(LEARNER, header={"kid": "ours"})) == 200
    assert status(ask, _forged(issuer, head)) == 401


def _forged(issuer, head):
    signed = f"{part({'alg': 'ES256', 'typ': 'JWT'} | head)}.{part(issuer.claims(LEARNER))}"
    return f"{signed}.{b64(_raw(issuer.key.private_key.sign(signed.encode(), *_ecdsa())))}"


def test_a_key_that_the_token_brings_along_is_not_looked_at(ask, believed):
    stranger = Issuer()
    own = stranger.key.as_dict(private=False)
    for head in ({"jwk": own}, {"jku": "https://evil.example/jwks.json"}, {"x5u": "https://evil.example/c.pem"}):
        assert status(ask, _forged(stranger, head)) == 401
    assert status(ask, _forged(believed, {"jwk": own})) == 200


@pytest.mark.parametrize(
    "token",
    [
        "", ".", "..", "...", "a.b.c", "é.é.é", "bursar_", "bursar_" + "x" * 43, "e30.e30.e30", "W10.W10.W10", "bnVsbA.e30.e30",
        "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.W10.AAAA", "x" * (LONGEST + 1), "[" * 8000 + "..", "\x00.\x00.\x00",
    ],
)  # fmt: skip
def test_garbage_is_nobody_s(ask, believed, token):
    assert ask(Authorization=f"Bearer {token}".encode().decode("latin-1")).status_code == 401


def test_each_part_counts(ask, believed):
    head, body, tail = believed.token(LEARNER).split(".")
    other = believed.token(LEARNER + 1).split(".")
    assert status(ask, f"{head}.{other[1]}.{tail}") == 401
    assert status(ask, f"{head}.{body}.{other[2]}") == 401
    assert status(ask, f"{head}.{body}.{tail[:-2]}") == 401
    assert status(ask, f"{head}.{body}.{tail}.{tail}") == 401


def test_a_bad_token_is_not_made_good_by_a_session(ask, client, believed):
    client.force_login(factories.make_user())
    assert ask().status_code == 200
    for shown in ("Bearer nonsense", "Bearer ", "Bearer bursar_nonsense", "Basic YTpi"):
        assert ask(Authorization=shown).status_code == 401


def test_roles_are_those_of_the_customer_named_or_of_all(ask, believed):
    other = uuid4()
    listed = [
        f"enterprise_learner:{CUSTOMER}", f"enterprise_admin:{other}", "enterprise_admin:**", "enterprise_learner:* ",
        "enterprise_openedx_operator", "enterprise_admin", f"administrator:{CUSTOMER}", "staff:*", "operator:*",
        f"admin:{CUSTOMER}", "enterprise_admin:nonsense", 7, None, ["enterprise_openedx_operator:*"], f"enterprise_admin:{other}",
    ]  # fmt: skip
    token = believed.bearer(LEARNER, listed, administrator=True, is_staff=True, is_superuser=True)
    assert ask(**token).json()["roles"] == [f"learner:{CUSTOMER}", f"admin:{other}"]
    everywhere = [f"{name}:*" for name in ("enterprise_learner", "enterprise_admin", "enterprise_openedx_operator")]
    assert ask(**believed.bearer(LEARNER, everywhere)).json()["roles"] == ["learner:*", "admin:*", "operator:*"]


@pytest.mark.parametrize("roles", ["enterprise_openedx_operator:*", {"enterprise_openedx_operator:*": 1}, None, 7])
def test_roles_that_are_no_list_are_none(ask, believed, roles):
    token = believed.token(LEARNER, **({"roles": roles} if roles is not None else {}))
    assert ask(Authorization=f"Bearer {token}").json()["roles"] == []


def test_a_membership_taken_away_is_gone_with_the_next_request(believed):
    from bursar.people.flows import jwt_claims
    from bursar.people.jwts import actor_of
    from bursar.people.models import Membership

    customer = factories.make_customer()
    factories.make_member(customer, user=factories.make_user(lms_user_id=LEARNER))
    token = believed.token(LEARNER)
    assert customers(actor_of(jwt_claims(token)), Permission.ALLOCATE) == {customer.pk}
    Membership.objects.all().delete()
    assert customers(actor_of(jwt_claims(token)), Permission.ALLOCATE) == frozenset()


def test_a_token_costs_one_statement(ask, believed, django_assert_num_queries):
    with django_assert_num_queries(1):
        ask(**believed.bearer(LEARNER))


def test_the_audience_may_be_one_of_several(ask, believed):
    assert status(ask, believed.token(LEARNER, aud=["other", AUDIENCE])) == 200
