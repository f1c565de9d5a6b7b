"""The names of what is told and recorded: spelled out once, stored in rows, so never changed by accident."""

from bursar.assignments.events import TOPIC_MAIL, HistoryReason, MessageKind
from bursar.assignments.states import STEPS


def test_the_messages_are_these_five():
    assert [kind.value for kind in MessageKind] == [
        *("assigned", "reminded", "cancelled", "expired", "nudged"),
        *("extended", "time_granted", "time_refused"),
    ]


def test_every_message_that_a_step_owes_has_a_kind_and_every_kind_a_step():
    assert {step.message for step in STEPS.values() if step.message} | {
        "extended",
        "time_granted",
        "time_refused",
    } == {kind.value for kind in MessageKind}


def test_declined_handed_over_and_cancelled_are_told_apart_by_the_history_reason():
    reasons = {HistoryReason.CANCELLED_BY_ADMIN, HistoryReason.DECLINED_BY_LEARNER, HistoryReason.HANDED_OVER}
    assert len({reason.value for reason in reasons}) == 3


def test_no_two_history_reasons_read_alike():
    assert len({reason.value for reason in HistoryReason}) == len(HistoryReason.__members__)


def test_messages_about_assignments_have_the_topic_mail():
    assert TOPIC_MAIL == "mail"
