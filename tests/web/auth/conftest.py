"""Who asks in these tests: an issuer whose JWTs are believed, and requests to an API that says who asked."""

import pytest
from tests.web.auth.probe import PATH

from bursar.testing.jwts import Issuer


@pytest.fixture
def configure(settings):
    """Return a function that sets settings of ours."""

    def put(**values):
        settings.BURSAR = {**settings.BURSAR, **values}

    return put


@pytest.fixture(scope="session")
def issuer():
    return Issuer()


@pytest.fixture
def believed(issuer, configure):
    """The issuer, once its JWTs are accepted."""
    configure(**issuer.settings())
    return issuer


@pytest.fixture
def ask(client, settings):
    """Return a function that asks with these headers, and returns the answer."""
    settings.ROOT_URLCONF = "tests.web.auth.probe"

    def send(method="get", **headers):
        return getattr(client, method)(PATH, headers={name.replace("_", "-"): text for name, text in headers.items()})

    return send
