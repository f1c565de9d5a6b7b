"""What a database keeps about itself: the pepper, and whether it is a demonstration."""

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, transaction

from bursar.kernel.errors import Refused
from bursar.people import installation
from bursar.people.installation import (
    check_clock_offset,
    is_demo,
    is_demonstration,
    mark_as_demo,
    pepper,
    require_movable_clock,
)
from bursar.people.models import Installation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh():
    Installation.objects.all().delete()


@pytest.fixture
def mode(settings):
    """Set the mode that the settings name, and the shift of the clock."""

    def choose(name, offset=timedelta(0)):
        settings.BURSAR = {**settings.BURSAR, "mode": name, "clock_offset": offset}

    return choose


def test_the_pepper_is_made_at_first_need_and_the_same_for_ever():
    first = pepper()
    assert len(first) == 32
    assert pepper() == first
    assert Installation.objects.get().pepper == first.hex()


def test_the_pepper_of_another_database_is_another():
    first = pepper()
    Installation.objects.all().delete()
    assert pepper() != first


def test_the_pepper_does_not_follow_from_the_secret_key(settings):
    first = pepper()
    settings.SECRET_KEY = "another key altogether, which has nothing to do with it"
    assert pepper() == first


def test_a_pepper_that_somebody_else_made_in_between_is_taken(monkeypatch):
    rows = installation._rows
    calls = []

    def slow_rows():
        calls.append(1)
        if len(calls) == 2:  # looked, found nothing, and now somebody is faster
            Installation.objects.create(pk=1, pepper="ab" * 32)
        return rows()

    monkeypatch.setattr(installation, "_rows", slow_rows)
    assert pepper() == bytes.fromhex("ab" * 32)
    assert Installation.objects.count() == 1


def test_there_is_one_row_and_no_other():
    pepper()
    with pytest.raises(IntegrityError), transaction.atomic():
        Installation.objects.create(pk=2, pepper="00")


def test_a_database_is_no_demonstration_until_it_is_marked():
    assert is_demo() is False
    pepper()
    assert is_demo() is False
    mark_as_demo()
    assert is_demo() is True
    assert Installation.objects.count() == 1


def test_marking_keeps_the_pepper():
    first = pepper()
    mark_as_demo()
    mark_as_demo()
    assert pepper() == first


def test_a_database_without_our_tables_is_no_demonstration(monkeypatch):
    def no_table():
        raise ProgrammingError("no such table")

    monkeypatch.setattr(installation, "_rows", no_table)
    assert is_demo() is False


@pytest.mark.parametrize(
    ("name", "marked", "movable"),
    [
        ("test", False, True),
        ("demo", False, True),
        ("production", False, False),
        ("production", True, False),
        ("", False, False),
        ("", True, True),
    ],
)
def test_the_clock_moves_in_demonstrations_and_tests_only(mode, name, marked, movable):
    mode(name, timedelta(days=91))
    if marked:
        mark_as_demo()
    assert is_demonstration() is movable
    for check in (require_movable_clock, check_clock_offset):
        if movable:
            check()
        else:
            with pytest.raises(Refused) as caught:
                check()
            assert caught.value.code == "clock_not_movable"


def test_a_clock_that_is_not_shifted_needs_no_demonstration(mode):
    mode("production")
    check_clock_offset()


def test_migrating_makes_the_pepper_and_migrating_again_keeps_it():
    make_installation = import_module("bursar.people.migrations.0003_installation").make_installation
    editor = SimpleNamespace(connection=connection)
    Installation.objects.all().delete()
    make_installation(apps, editor)
    made = Installation.objects.get(pk=1).pepper
    make_installation(apps, editor)
    assert len(bytes.fromhex(made)) == 32
    assert Installation.objects.get(pk=1).pepper == made
