"""A mail system that takes nothing is a problem, though every message waits for its next turn; one full mailbox is none."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from bursar.kernel import clock
from bursar.kernel.transactions import writes
from bursar.outbox import pulses
from bursar.outbox.health import health
from bursar.outbox.services import Item, Settlement, claim_due, enqueue_many, settle_many

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon():
    with clock.at(NOON):
        enqueue()
        yield


@writes
def enqueue():
    enqueue_many("mail", "assigned", [Item(uuid4(), 1)], customer=None)


@writes
def try_in_vain(code):
    settle_many([Settlement(claim, "retry", code) for claim in claim_due.__wrapped__(10, worker="w")])


def codes():
    pulses.beat(pulses.WORKER)
    pulses.beat(pulses.TICK)
    return [problem.code for problem in health().problems]


@pytest.mark.parametrize("code", ["smtp_unreachable", "provider_settings", "mail_files_unavailable"])
def test_a_mail_system_that_takes_nothing_is_named_after_ten_minutes(code):
    for minute in (0, 2, 9):
        with clock.at(NOON + minute * MINUTE):
            try_in_vain(code)
            assert codes() == []
    with clock.at(NOON + 11 * MINUTE):
        assert codes() == ["mail_untaken"]
        assert health().problems[0].words == "The mail system takes no mail; messages waiting for it: 1."


def test_a_mailbox_that_is_full_is_no_problem_of_ours():
    try_in_vain("smtp_temporary")
    with clock.at(NOON + 11 * MINUTE):
        try_in_vain("smtp_temporary")
        assert codes() == []
