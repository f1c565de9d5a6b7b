"""Messages from their cause to their end: enqueued, claimed, settled, taken up again, withdrawn, replayed."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from bursar.kernel import clock
from bursar.outbox import registry
from bursar.outbox.claims import Delivered
from bursar.outbox.models import Message, State
from bursar.outbox.services import (
    Item,
    Recovered,
    Settlement,
    backlog,
    claim_due,
    commit_intent,
    dead_letters,
    enqueue_many,
    fates,
    next_ordinals,
    no_intent_once,
    recover,
    release_many,
    replay,
    settle_alone,
    settle_many,
    unsettled,
    withdraw_many,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = 2 * MINUTE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture(autouse=True)
def _topics(monkeypatch):
    monkeypatch.setattr(registry, "_topics", {})
    registry.register("mail", lambda claims: Delivered(), resend_unknown=lambda kind: kind == "notify")


def enqueue(count=1, kind="notify", subjects=None, **options):
    items = [Item(subject, 1) for subject in subjects or [uuid4() for _ in range(count)]]
    options.setdefault("customer", None)
    assert enqueue_many("mail", kind, items, **options) == len(items)
    return [item.subject for item in items]


def claimed(count=1, **options):
    enqueue(count, **options)
    return claim_due(count, worker="w")


def on_its_way(**options):
    (claim,) = claimed(**options)
    assert commit_intent(claim)
    return claim


def row(claim):
    return Message.objects.get(uuid=claim.uuid)


def settle(claim, outcome, **words):
    return settle_many([Settlement(claim, outcome, **words)])


def statements(function, *args, **options):
    with CaptureQueriesContext(connection) as captured:
        function(*args, **options)
    return len(captured)


# Enqueueing


def test_a_message_waits_with_its_key_its_customer_and_its_turn():
    customer, subject = uuid4(), uuid4()
    enqueue_many("mail", "remind", [Item(subject, 2, 3)], customer=customer, priority=10, due_at=NOON + MINUTE)
    message = Message.objects.get()
    assert message.key == str(message) == f"mail:remind:{subject}:2:3"
    assert (message.topic, message.kind, message.subject_uuid, message.customer_uuid) == (
        "mail",
        "remind",
        subject,
        customer,
    )
    assert (message.cycle, message.ordinal, message.priority, message.due_at) == (2, 3, 10, NOON + MINUTE)
    assert (message.state, message.attempts, message.fence, message.settled_at) == (State.PENDING, 0, 0, None)
    assert message.created == NOON


def test_the_table_has_no_room_for_addresses_or_texts():
    kinds = {type(field) for field in Message._meta.get_fields()}
    assert not kinds & {models.EmailField, models.TextField, models.JSONField, models.BinaryField}


def test_nothing_to_enqueue_is_nothing_written():
    assert enqueue_many("mail", "notify", [], customer=None) == 0
    assert not Message.objects.exists()


def test_a_cause_that_is_rolled_back_owes_no_message():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue(3)
        raise ZeroDivisionError
    assert claim_due(10, worker="w") == []
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_message_without_a_transaction_around_it_is_refused():
    with pytest.raises(TransactionManagementError):
        enqueue()
    with pytest.raises(TransactionManagementError):
        withdraw_many("mail", ["notify"], [uuid4()], reason="cancelled")
    with pytest.raises(TransactionManagementError):
        settle_many([])


def test_the_same_message_twice_is_refused_by_the_database_and_nothing_of_the_call_stays():
    (subject,) = enqueue()
    with pytest.raises(IntegrityError), transaction.atomic():
        enqueue(subjects=[uuid4(), subject])
    assert Message.objects.count() == 1


def test_the_next_ordinal_counts_per_kind_subject_and_cycle():
    often, never = uuid4(), uuid4()
    enqueue_many("mail", "remind", [Item(often, 1, 1), Item(often, 1, 2), Item(often, 2, 1)], customer=None)
    enqueue_many("mail", "nudge", [Item(never, 1, 1)], customer=None)
    enqueue_many("post", "remind", [Item(never, 1, 1)], customer=None)
    pairs = [(often, 1), (often, 2), (often, 3), (never, 1)]
    assert next_ordinals("mail", "remind", pairs) == {(often, 1): 3, (often, 2): 2, (often, 3): 1, (never, 1): 1}
    assert next_ordinals("mail", "remind", []) == {}


def test_a_message_is_unsettled_until_it_has_ended():
    sent, waiting = enqueue(2)
    (claim,) = [claim for claim in claim_due(2, worker="w") if claim.subject == sent]
    assert unsettled("mail", "notify", [sent, waiting, uuid4()]) == {(sent, 1), (waiting, 1)}
    settle(claim, "sent")
    assert unsettled("mail", "notify", [sent, waiting]) == {(waiting, 1)}
    assert unsettled("mail", "remind", [waiting]) == set()
    assert unsettled("mail", "notify", []) == set()


def test_a_hundred_messages_cost_as_many_statements_as_one():
    assert statements(enqueue, 1) == statements(enqueue, 100) <= 1
    one = statements(claim_due, 1, worker="w")
    assert one == statements(claim_due, 100, worker="w")
    claims = claimed(1) + claimed(100)
    assert Message.objects.filter(state=State.CLAIMED).count() == 202
    for outcome in ("sent", "retry"):
        with transaction.atomic():
            one = statements(settle_many, [Settlement(claims[0], outcome)])
            assert one == statements(settle_many, [Settlement(claim, outcome) for claim in claims[1:]])
            transaction.set_rollback(True)
    some = [claim.subject for claim in claims]
    assert statements(unsettled, "mail", "notify", some) == 1
    assert statements(next_ordinals, "mail", "notify", [(subject, 1) for subject in some]) == 1
    assert statements(withdraw_many, "mail", ["notify"], some, reason="cancelled") == 1


# Claiming


def test_the_most_urgent_message_goes_first_then_the_one_due_longest():
    (late,) = enqueue(priority=50, due_at=NOON - MINUTE)
    (early,) = enqueue(priority=50, due_at=NOON - 2 * MINUTE)
    (urgent,) = enqueue(priority=10)
    assert [claim.subject for claim in claim_due(2, worker="w")] == [urgent, early]
    assert [claim.subject for claim in claim_due(2, worker="w")] == [late]


def test_a_message_is_not_claimed_before_it_is_due():
    enqueue(due_at=NOON + MINUTE)
    assert claim_due(10, worker="w") == []
    assert len(claim_due(10, worker="w", now=NOON + MINUTE)) == 1


def test_a_claimed_message_has_its_holder_its_lease_and_its_fence_and_is_nobody_elses():
    customer = uuid4()
    (claim,) = claimed(customer=customer)
    message = row(claim)
    assert (claim.key, claim.topic, claim.kind, claim.subject) == (message.key, "mail", "notify", message.subject_uuid)
    assert (claim.cycle, claim.ordinal, claim.customer, claim.attempts) == (1, 1, customer, 0)
    assert (claim.fence, message.fence) == (1, 1)
    assert (message.state, message.lease_until) == (State.CLAIMED, NOON + LEASE)
    assert message.claimed_by.startswith("w#")
    assert claim_due(10, worker="other") == []


def test_a_row_that_another_worker_took_between_reading_and_writing_stays_his(monkeypatch):
    monkeypatch.setattr(type(connection.features), "has_select_for_update_skip_locked", False)
    lost, won = sorted(enqueue(2), key=lambda subject: Message.objects.get(subject_uuid=subject).uuid)

    def another_worker(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not taken:
            taken.append(True)
            Message.objects.filter(subject_uuid=lost).update(state=State.CLAIMED, fence=1, claimed_by="other#1")
        return execute(sql, params, many, context)

    taken = []
    with connection.execute_wrapper(another_worker):
        assert [claim.subject for claim in claim_due(10, worker="w")] == [won]
    assert Message.objects.get(subject_uuid=lost).claimed_by == "other#1"


def test_what_was_claimed_and_not_begun_can_be_put_back_at_once():
    waiting, leaving = claimed(2)
    assert commit_intent(leaving)
    assert release_many([waiting, leaving]) == 1
    assert fates([waiting, leaving]) == {waiting.uuid: State.PENDING, leaving.uuid: State.COMMITTING}
    (again,) = claim_due(10, worker="w")
    assert release_many([waiting]) == 0
    assert (again.uuid, row(again).state) == (waiting.uuid, State.CLAIMED)


# Intent and fence


def test_the_intent_is_committed_once_and_renews_the_lease():
    (claim,) = claimed()
    with clock.at(NOON + MINUTE):
        assert commit_intent(claim)
        assert not commit_intent(claim)
    assert (row(claim).state, row(claim).lease_until) == (State.COMMITTING, NOON + MINUTE + LEASE)


def test_a_zombie_is_fenced_out_wherever_it_wakes():
    (zombie,) = claimed()
    assert recover(NOON + LEASE + MINUTE) == Recovered(released=1)
    assert not commit_intent(zombie)
    (claim,) = claim_due(1, worker="w2")
    assert (claim.uuid, claim.fence) == (zombie.uuid, zombie.fence + 1)
    assert not commit_intent(zombie)
    assert settle(zombie, "sent") == set()
    assert fates([zombie]) == {}
    assert commit_intent(claim)
    assert settle(zombie, "failed") == set()
    assert settle(claim, "sent") == {claim.uuid}
    assert row(claim).state == State.SENT


def settle_without_fence(settlements):
    for item in settlements:
        Message.objects.filter(uuid=item.claim.uuid).update(state=State.PENDING, due_at=NOON)


@pytest.mark.parametrize(
    ("settle_zombies", "left_for_a_third"), [(settle_without_fence, 1), (settle_many, 0)], ids=["control", "fenced"]
)
def test_what_a_zombie_says_of_a_message_does_not_make_a_third_worker_send_it(settle_zombies, left_for_a_third):
    zombie = on_its_way(kind="notify")
    recover(NOON + LEASE + 11 * MINUTE)
    (claim,) = claim_due(1, worker="w")
    assert commit_intent(claim)
    settle_zombies([Settlement(zombie, "retry")])
    assert len(claim_due(1, worker="third", now=NOON + timedelta(days=9))) == left_for_a_third


def test_a_stopping_worker_commits_no_further_intent():
    first, second = claimed(2)
    stopped = []
    with no_intent_once(lambda: bool(stopped)):
        assert commit_intent(first)
        stopped.append(True)
        assert not commit_intent(second)
    assert commit_intent(second)


# Settling


@pytest.mark.parametrize(("outcome", "attempts"), [("sent", 1), ("dropped", 0), ("failed", 1), ("unknown", 1)])
def test_a_settled_message_keeps_how_and_when_it_ended(outcome, attempts):
    (claim,) = claimed()
    with clock.at(NOON + MINUTE):
        assert settle(claim, outcome, error_code="smtp_refused", reason="accepted") == {claim.uuid}
    message = row(claim)
    assert (message.state, message.settled_at, message.attempts) == (outcome, NOON + MINUTE, attempts)
    assert (message.error_code, message.reason, message.lease_until) == ("smtp_refused", "accepted", None)
    assert settle(claim, "sent") == set()
    assert claim_due(10, worker="w", now=NOON + timedelta(days=400)) == []


def test_a_failing_message_is_retried_by_the_schedule_and_then_given_up():
    enqueue()
    now = NOON
    for wait in [MINUTE, 5 * MINUTE, 30 * MINUTE, 120 * MINUTE, 360 * MINUTE, 1440 * MINUTE]:
        with clock.at(now):
            (claim,) = claim_due(1, worker="w")
            assert settle(claim, "retry", error_code="smtp_temporary") == {claim.uuid}
        message = row(claim)
        assert (message.state, message.error_code, message.settled_at) == (State.PENDING, "smtp_temporary", None)
        assert 0.8 * wait <= message.due_at - now <= 1.2 * wait
        now = message.due_at
        assert claim_due(1, worker="w", now=now - timedelta(seconds=1)) == []
    with clock.at(now):
        (claim,) = claim_due(1, worker="w")
        assert claim.is_last_attempt
        settle(claim, "retry", error_code="smtp_temporary")
    assert (row(claim).state, row(claim).attempts, row(claim).settled_at) == (State.FAILED, 7, now)


def test_of_many_settled_at_once_only_ours_are_written_and_returned():
    sent, dropped, lost = claimed(3)
    Message.objects.filter(uuid=lost.uuid).update(fence=2)
    ours = settle_many(
        [Settlement(sent, "sent"), Settlement(dropped, "dropped", reason="accepted"), Settlement(lost, "failed")]
    )
    assert ours == {sent.uuid, dropped.uuid}
    assert [row(claim).state for claim in (sent, dropped, lost)] == [State.SENT, State.DROPPED, State.CLAIMED]


def test_claims_of_different_fences_are_settled_together():
    enqueue(2)
    (first,) = claim_due(1, worker="w")
    release_many([first])
    claims = claim_due(2, worker="w")
    assert {claim.fence for claim in claims} == {1, 2}
    assert settle_many([Settlement(claim, "sent") for claim in claims]) == {claim.uuid for claim in claims}
    assert Message.objects.filter(state=State.SENT).count() == 2


def test_a_settlement_that_is_rolled_back_has_not_happened():
    (claim,) = claimed()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert settle(claim, "sent") == {claim.uuid}
        raise ZeroDivisionError
    assert row(claim).state == State.CLAIMED


def test_the_outbox_settles_through_the_owner_of_the_topic():
    told = []

    def owner(settlements):
        settle_many(settlements)
        told.extend(settlements)

    registry.register("post", lambda claims: Delivered(), resend_unknown=lambda kind: False, settle=owner)
    enqueue_many("post", "hook", [Item(uuid4(), 1)], customer=None)
    (claim,) = claim_due(1, worker="w")
    settle_alone([Settlement(claim, "failed", error_code="handler_error")])
    assert [item.claim for item in told] == [claim]
    assert row(claim).state == State.FAILED


def test_an_owner_whose_records_fail_does_not_keep_the_message_alive(caplog):
    def owner(settlements):
        raise LookupError("ana@example.org is gone")

    registry.register("post", lambda claims: Delivered(), resend_unknown=lambda kind: False, settle=owner)
    enqueue_many("post", "hook", [Item(uuid4(), 1)], customer=None)
    (claim,) = claim_due(1, worker="w")
    settle_alone([Settlement(claim, "failed")])
    assert row(claim).state == State.FAILED
    assert "LookupError" in caplog.text
    assert "ana@" not in caplog.text


# Recovery


def test_a_message_whose_worker_died_before_it_left_waits_again_once_the_lease_is_over():
    (claim,) = claimed()
    assert recover(NOON + LEASE) == Recovered()
    assert recover(NOON + LEASE + MINUTE) == Recovered(released=1)
    assert (row(claim).state, row(claim).lease_until, row(claim).attempts) == (State.PENDING, None, 0)


def test_a_message_that_may_have_left_is_not_touched_for_ten_minutes():
    claim = on_its_way()
    assert recover(NOON + LEASE + 10 * MINUTE) == Recovered()
    assert row(claim).state == State.COMMITTING


def test_a_message_that_may_have_left_is_sent_again_under_the_same_key_if_its_kind_says_so():
    claim = on_its_way(kind="notify")
    assert recover(NOON + LEASE + 11 * MINUTE) == Recovered(resent=1)
    (again,) = claim_due(1, worker="w")
    assert (again.uuid, again.key, again.attempts, again.fence) == (claim.uuid, claim.key, 1, 2)
    assert row(claim).error_code == "outcome_unknown"


def test_a_message_that_may_have_left_stays_unknown_if_its_kind_says_so_and_is_listed():
    claim = on_its_way(kind="nudge")
    assert recover(NOON + LEASE + 11 * MINUTE) == Recovered(unknown=1)
    assert (row(claim).state, row(claim).error_code) == (State.UNKNOWN, "outcome_unknown")
    assert [message.uuid for message in dead_letters()] == [claim.uuid]
    assert recover(NOON + timedelta(days=1)) == Recovered()


def test_a_message_is_not_sent_again_for_ever_when_every_worker_dies_of_it():
    claim = on_its_way(kind="notify")
    Message.objects.filter(uuid=claim.uuid).update(attempts=6)
    assert recover(NOON + LEASE + 11 * MINUTE) == Recovered(unknown=1)


def test_a_message_that_may_have_left_and_has_no_owner_any_more_stays_unknown(monkeypatch):
    on_its_way(kind="notify")
    monkeypatch.setattr(registry, "_topics", {})
    assert recover(NOON + LEASE + 11 * MINUTE) == Recovered(unknown=1)


def test_the_owner_is_told_of_a_message_that_stays_unknown(monkeypatch):
    told = []

    def owner(settlements):
        told.extend((item.outcome, item.claim.uuid) for item in settlements)
        settle_many(settlements)

    claim = on_its_way(kind="nudge")
    monkeypatch.setattr(registry, "_topics", {})
    registry.register("mail", lambda claims: Delivered(), resend_unknown=lambda kind: False, settle=owner)
    assert recover(NOON + LEASE + 11 * MINUTE) == Recovered(unknown=1)
    assert told == [("unknown", claim.uuid)]


# Operators


def test_a_withdrawn_message_is_dropped_with_its_reason_and_one_in_hand_is_left_to_its_worker():
    waiting, other_kind, somebody_else = uuid4(), uuid4(), uuid4()
    (in_hand,) = claimed()
    enqueue(subjects=[waiting, somebody_else])
    enqueue(kind="cancel", subjects=[other_kind])
    subjects = [waiting, other_kind, in_hand.subject]
    assert withdraw_many("mail", ["notify", "remind"], subjects, reason="cancelled") == 1
    message = Message.objects.get(subject_uuid=waiting)
    assert (message.state, message.reason, message.settled_at) == (State.DROPPED, "cancelled", NOON)
    assert row(in_hand).state == State.CLAIMED
    assert {claim.subject for claim in claim_due(10, worker="w")} == {other_kind, somebody_else}
    assert withdraw_many("mail", ["notify"], [], reason="cancelled") == 0


def test_a_dead_letter_is_listed_and_can_be_replayed_with_all_its_attempts():
    customer = uuid4()
    (failed,), (sent,) = claimed(customer=customer), claimed()
    Message.objects.filter(uuid=failed.uuid).update(attempts=6)
    settle_many([Settlement(failed, "failed", error_code="smtp_refused"), Settlement(sent, "sent")])
    assert [message.uuid for message in dead_letters("mail", customer=customer)] == [failed.uuid]
    assert dead_letters("webhook") == dead_letters(customer=uuid4()) == dead_letters(limit=0) == []
    with clock.at(NOON + MINUTE):
        assert replay([failed.uuid, sent.uuid, uuid4()]) == 1
        (again,) = claim_due(10, worker="w")
    assert (again.uuid, again.key, again.attempts) == (failed.uuid, failed.key, 0)
    assert (row(failed).error_code, row(failed).settled_at, row(failed).due_at) == ("", None, NOON + MINUTE)


def test_the_backlog_counts_what_is_not_over_and_knows_the_longest_waiting():
    assert backlog().counts == dict.fromkeys(["pending", "claimed", "committing", "failed", "unknown"], 0)
    assert backlog().oldest_due is None
    failed, sent, in_hand = claimed(3)
    settle_many([Settlement(failed, "failed"), Settlement(sent, "sent")])
    commit_intent(in_hand)
    enqueue(due_at=NOON + MINUTE)
    enqueue(due_at=NOON - 3 * MINUTE)
    found = backlog()
    assert found.counts == {"pending": 2, "claimed": 0, "committing": 1, "failed": 1, "unknown": 0}
    assert found.oldest_due == NOON - 3 * MINUTE
    assert statements(backlog) == 1


def test_a_poll_does_not_read_what_was_sent_long_ago():
    if connection.vendor != "sqlite":
        pytest.skip("SQLite tells its plan without regard to the size of the table")
    settle_many([Settlement(claim, "sent") for claim in claimed(500)])
    enqueue()
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as captured:
        cursor.execute("ANALYZE")
        recover()
        claim_due(10, worker="w")
        backlog()
    reads = [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "UPDATE"))]
    assert len(reads) >= 5
    with connection.cursor() as cursor:
        for sql in reads:
            plan = " ".join(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
            assert "SCAN" not in plan, sql
