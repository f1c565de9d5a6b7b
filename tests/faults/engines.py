"""The databases of the faults: the one that DATABASE_URL names, emptied after each test, or a SQLite file."""

from urllib.parse import quote

from django.db import connection

from bursar.people.keys import _pepper
from bursar.people.models import Installation


def url_of_this_database() -> str:
    """Return the URL of the database that this test uses, for commands that are started beside it."""
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{quote(str(told['NAME']))}"
    host, user, port = quote(told["HOST"], safe=""), quote(told["USER"]), told["PORT"] or 5432
    return f"postgres://{user}:{quote(told['PASSWORD'])}@{host}:{port}/{told['NAME']}"


def keep_the_pepper() -> None:
    """Write the pepper that this process knows into the emptied database, for processes that read it there."""
    Installation.objects.get_or_create(pk=1, defaults={"pepper": _pepper().hex()})


def through(port: int) -> None:
    """Let this process talk to the database through the proxy that listens on `port`."""
    connection.close()
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port)}
