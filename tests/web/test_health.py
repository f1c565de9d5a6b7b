"""Health, readiness, figures, and what staff are told when mail does not move."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from prometheus_client.parser import text_string_to_metric_families
from tests.pages.reading import words

from bursar.kernel import clock
from bursar.kernel.transactions import writes
from bursar.outbox import pulses
from bursar.outbox.health import health
from bursar.outbox.models import Message
from bursar.outbox.services import Item, enqueue_many
from bursar.project import health as views

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon():
    with clock.at(NOON):
        yield


@writes
def enqueue():
    enqueue_many("mail", "assigned", [Item(uuid4(), 1)], customer=None)


def alive():
    pulses.beat(pulses.WORKER)
    pulses.beat(pulses.TICK)


def codes():
    return [problem.code for problem in health().problems]


def test_a_fresh_installation_has_no_problem(client):
    assert client.get("/readyz").json() == {"status": "ready", "problems": []}


def test_mail_that_has_not_moved_for_ten_minutes_is_a_problem_in_words_and_code(client):
    enqueue()
    with clock.at(NOON + 9 * MINUTE):
        alive()
        assert codes() == []
    with clock.at(NOON + 25 * MINUTE):
        alive()
        (problem,) = health().problems
        assert (problem.code, problem.words) == (
            "mail_stuck", "Mail has not moved for 25 minutes; 1 wait or will be tried again.",
        )  # fmt: skip
        assert client.get("/readyz").json() == {"status": "ready", "problems": ["mail_stuck"]}


def test_a_long_backlog_that_moves_is_none():
    enqueue()
    with clock.at(NOON + 24 * MINUTE):
        pulses.beat(pulses.DELIVERY)
    with clock.at(NOON + 25 * MINUTE):
        alive()
        assert codes() == []
    with clock.at(NOON + 34 * MINUTE):
        alive()
        assert "for 10 minutes" in health().problems[0].words


def test_mail_that_is_tried_again_later_is_none(client):
    enqueue()
    Message.objects.update(due_at=NOON + 120 * MINUTE)
    with clock.at(NOON + 100 * MINUTE):
        alive()
        assert codes() == []


def test_workers_and_ticks_that_stopped_are_named_and_those_never_started_once_something_waits():
    alive()
    with clock.at(NOON + 10 * MINUTE):
        assert codes() == ["worker_silent", "tick_late"]
        words = [problem.words for problem in health().problems]
    assert words[0] == "No worker has run for 10 minutes: start `bursar worker`."
    pulses.Pulse.objects.all().delete()
    enqueue()
    with clock.at(NOON + 3 * 24 * 60 * MINUTE):
        assert codes() == ["mail_stuck", "worker_silent"]
        assert "for 3 days" in health().problems[0].words
        assert "No worker has run at all" in health().problems[1].words


def test_a_tick_that_comes_seldom_by_setting_is_late_only_after_three(settings):
    settings.BURSAR = {**settings.BURSAR, "tick_every": 60 * MINUTE}
    alive()
    with clock.at(NOON + 179 * MINUTE):
        pulses.beat(pulses.WORKER)
        assert codes() == []
    with clock.at(NOON + 180 * MINUTE):
        assert "tick_late" in codes()
        assert "3 hours ago" in health().problems[-1].words


def test_staff_are_told_on_the_start_page_and_nobody_else(client):
    enqueue()
    with clock.at(NOON + 25 * MINUTE):
        assert "has not moved" not in client.get("/").content.decode()
        somebody = get_user_model().objects.create_user("ada", is_staff=False)
        client.force_login(somebody)
        assert "has not moved" not in client.get("/").content.decode()
        somebody.is_staff = True
        somebody.save()
        page = client.get("/").content.decode()
        assert "Mail has not moved for 25 minutes" in page
        assert "Last worker – Last tick – Messages that wait 1" in words(page)


def test_staff_see_when_workers_and_ticks_last_ran(admin_client):
    with clock.at(NOON):
        pulses.beat(pulses.WORKER)
        pulses.beat(pulses.TICK)
        page = admin_client.get("/").content.decode()
    assert "Last worker 2 Mar 2026, 12:00 Last tick 2 Mar 2026, 12:00" in words(page)


def test_a_database_that_is_gone_or_not_prepared_is_not_ready(client, monkeypatch):
    monkeypatch.setattr(views, "_seen_ready", [])
    with monkeypatch.context() as old:
        old.setattr(views.MigrationExecutor, "migration_plan", lambda *_: ["a step"])
        response = client.get("/readyz")
        assert (response.status_code, response.json()["code"]) == (503, "not_migrated")

    def refuse():
        raise OperationalError("connection refused to db.internal")

    monkeypatch.setattr(connection, "cursor", refuse)
    for address in ("/readyz", "/metrics"):
        response = client.get(address)
        assert (response.status_code, response.json()["code"]) == (503, "database_gone")
        assert "db.internal" not in response.content.decode()


def test_prometheus_can_read_the_figures(client, django_assert_max_num_queries):
    enqueue()
    alive()
    with clock.at(NOON + 25 * MINUTE), django_assert_max_num_queries(12):
        response = client.get("/metrics")
    assert response["Content-Type"].startswith("text/plain")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }
    assert found["bursar_outbox_messages", "pending", "mail"] == 1
    assert found["bursar_outbox_oldest_due_seconds",] == 25 * 60
    assert found["bursar_heartbeat_age_seconds", "worker"] == 25 * 60
    assert found["bursar_problem", "mail_stuck"] == 1
    assert found["bursar_assignments", "", "accepted"] == 0


def test_the_figures_may_ask_for_a_token(client, settings):
    settings.BURSAR = {**settings.BURSAR, "metrics_token": "s3cret"}
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer s3crét"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code == 200


@pytest.mark.parametrize("address", ["/readyz", "/metrics"])
def test_health_is_read_and_nothing_else_and_never_kept(client, address):
    assert client.post(address).status_code == 405
    assert "no-store" in client.get(address)["Cache-Control"]
