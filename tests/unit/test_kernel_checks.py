"""A host project hears of wrong settings before anything runs."""

from types import SimpleNamespace

import pytest
from django.db import models

from bursar.kernel.checks import check_database, check_settings, check_user_model


def test_a_setting_that_nobody_knows_is_named(settings):
    settings.BURSAR = {**settings.BURSAR, "chunksize": 5}
    (error,) = check_settings()
    assert error.id == "bursar.E001"
    assert "chunksize" in error.msg


def test_our_own_settings_are_fine(settings):
    assert check_settings() == []


def database(monkeypatch, engine, **options):
    databases = {"default": {"ENGINE": f"django.db.backends.{engine}", "OPTIONS": options}}
    monkeypatch.setattr("bursar.kernel.checks.settings", SimpleNamespace(DATABASES=databases))


def test_sqlite_without_immediate_transactions_is_warned_of(monkeypatch):
    database(monkeypatch, "sqlite3")
    assert [message.id for message in check_database()] == ["bursar.W001"]


def test_sqlite_with_immediate_transactions_is_fine(monkeypatch):
    database(monkeypatch, "sqlite3", transaction_mode="immediate")
    assert check_database() == []


def test_another_database_needs_no_such_option(monkeypatch):
    database(monkeypatch, "postgresql")
    assert check_database() == []


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (models.AutoField(), []),
        (models.BigAutoField(), []),
        (models.PositiveIntegerField(), []),
        (models.OneToOneField("auth.User", models.CASCADE), []),
        (models.UUIDField(), ["bursar.W002"]),
        (models.CharField(), ["bursar.W002"]),
    ],
)
def test_a_user_model_whose_keys_are_no_integers_is_warned_of(monkeypatch, key, found):
    if key.remote_field:
        monkeypatch.setattr(type(key), "target_field", models.AutoField())
    model = SimpleNamespace(_meta=SimpleNamespace(pk=key, label="shop.Human"))
    monkeypatch.setattr("bursar.kernel.checks.get_user_model", lambda: model)
    assert [message.id for message in check_user_model()] == found
