"""Which error ends with which exit code, and that nobody sees a stack who has not asked for one."""

import sqlite3

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError, connection

from bursar.budgets import selectors
from bursar.cli import failures
from bursar.cli.main import run
from bursar.kernel.errors import BadInput, BursarError, Misconfigured, NotFound, Refused, Unavailable


def caused(error, cause):
    error.__cause__ = cause
    return error


class WithState(Exception):
    sqlstate = "42P01"


@pytest.mark.parametrize(
    ("error", "exit_code", "code"),
    [
        (Misconfigured("x"), 2, "misconfigured"),
        (ImproperlyConfigured("x"), 2, "misconfigured"),
        (Refused("x"), 3, "refused"),
        (BursarError("x"), 3, "error"),
        (BadInput("x"), 4, "bad_input"),
        (NotFound("x"), 4, "not_found"),
        (ValidationError(["one", "two"]), 4, "invalid_value"),
        (Unavailable("x"), 5, "unavailable"),
        (OperationalError("no such table: bursar_people_customer"), 5, "not_migrated"),
        (caused(ProgrammingError("relation does not exist"), WithState()), 5, "not_migrated"),
        (OperationalError(1146, "Table 'x' doesn't exist"), 5, "not_migrated"),
        (OperationalError("database is locked"), 5, "database_busy"),
        (OperationalError("unable to open database file"), 5, "database_unusable"),
        (OperationalError("attempt to write a readonly database"), 5, "database_unusable"),
        (OperationalError("connection to server at 127.0.0.1 failed"), 5, "database_gone"),
        (InterfaceError("connection already closed"), 5, "database_gone"),
        (IntegrityError("duplicate key (ada@acme.example)"), 5, "database_error"),
        (DataError("value ada@acme.example too long"), 5, "database_error"),
        (OSError(28, "No space left on device"), 5, "system_error"),
        (TypeError("ada@acme.example"), 70, "internal_error"),
    ],
)
def test_every_error_has_its_exit_code_and_quotes_nobody(error, exit_code, code):
    failure = failures.failure_of(error)
    assert (failure.exit_code, failure.code) == (exit_code, code)
    assert "ada@acme.example" not in failure.message


def test_a_fault_of_our_own_shows_its_stack_only_on_demand(db, bursar, monkeypatch, capsys):
    def broken(*_):
        raise TypeError("ada@acme.example")

    monkeypatch.setattr("bursar.cli.handlers.customers.Customer", broken)
    result = bursar("customer", "list", "--json", code=70)
    assert result.json["error"]["code"] == "internal_error"
    assert "bursar --debug" in result.err
    assert run(["--debug", "customer", "list"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_stopping_by_keyboard_ends_with_130_and_no_stack(db, bursar, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bursar.cli.handlers.budgets.find_budget", stopped)
    assert bursar("budget", "show", "Team", code=130).out == ""


def test_a_lost_race_with_the_fund_tells_the_currency(world, bursar, people):
    bursar("budget", "set-limit", "Team", "10")
    assert (
        bursar("allocate", people, "--budget", "Team", "--content", "Org+ONE", "--json", code=3).json["error"][
            "currency"
        ]
        == "USD"
    )


def test_a_database_that_stops_answering_ends_with_five(world, bursar, monkeypatch):
    def gone(*_, **__):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(selectors, "find_one", gone)
    result = bursar("budget", "show", "Team", "--json", code=5)
    assert result.json["error"]["code"] == "database_gone"
    assert "does not answer" in result.err


@pytest.mark.django_db(transaction=True)
def test_a_locked_database_is_said_to_be_busy(bursar, monkeypatch, settings):
    if connection.vendor != "sqlite":
        pytest.skip("other databases lock rows, not files")
    bursar("customer", "create", "Acme")
    settings.BURSAR = {**settings.BURSAR, "retry_limit": 1}
    connection.close()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        result = bursar("customer", "create", "Other", "--json", code=5)
        assert result.json["error"]["code"] == "database_busy"
    finally:
        other.close()
        connection.close()
    assert [item["slug"] for item in bursar("customer", "list", "--json").json["customers"]] == ["acme"]
