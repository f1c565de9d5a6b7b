"""Mails of which nobody knows whether they left, and workers that stop among their mails."""

from datetime import timedelta

from tests.db.verbs.steps import HOUR, actions, assigned, later, messages, tick
from tests.smtp_server import RESET, smtp_server

from bursar.assignments.flows import deliver_many
from bursar.assignments.services import remind_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.outbox.services import Delivered, claim_due, no_intent_once
from bursar.outbox.worker import drain
from bursar.testing.fake_mail import FakeMail


def states():
    return sorted(Message.objects.values_list("state", flat=True))


def test_a_mail_whose_answer_was_lost_stays_on_its_way_and_the_others_leave(house, course, mail):
    first, second = assigned(house.budget, 2)
    mail.script(first.learner_email, "lose_answer")
    assert drain() == Delivered(sent=1)
    assert messages(first) == [("assigned", 1, 1, "committing")]
    assert "notified" not in [action for action, _ in actions(first)]
    assert actions(second)[-1] == ("notified", None)


def test_what_a_look_up_finds_is_sent_and_nothing_is_doubled(house, course, mail):
    first, _ = assigned(house.budget, 2)
    mail.script(first.learner_email, "lose_answer")
    drain()
    mail.can_look_up = True
    with later(timedelta(minutes=15)):
        tick()
    assert states() == ["sent", "sent"]
    assert actions(first)[-1] == ("notified", None)
    assert len(mail.sent) == 2


def test_without_a_look_up_news_is_sent_again_and_a_reminder_is_left(house, course, mail):
    (row,) = assigned(house.budget)
    mail.script(row.learner_email, "lose_answer")
    drain()
    with later(HOUR):
        tick()
        remind_many([row.pk], actor=CONSOLE)
        mail.script(row.learner_email, "lose_answer")
        drain()
        with later(HOUR):
            tick()
    assert messages(row) == [("assigned", 1, 1, "sent"), ("reminded", 1, 1, "unknown")]
    assert [sent.message for sent in mail.sent[:2]] == [mail.sent[0].message] * 2
    assert len(mail.sent) == 3


class Counting(FakeMail):
    """Counts how many intents were asked."""

    asked = 0

    def send_many(self, mails, *, intent):
        def counted(message):
            type(self).asked += 1
            return intent(message)

        yield from super().send_many(mails, intent=counted)


def test_a_stopping_worker_begins_no_other_mail_and_gives_the_rest_back(house, course, configure):
    configure(mail_port=f"{__name__}.Counting")
    Counting.asked = 0
    assigned(house.budget, 3)
    assert drain(should_stop=lambda: Counting.asked >= 2) == Delivered(sent=1)
    assert Counting.asked == 2
    assert states() == ["pending", "pending", "sent"]


def test_a_worker_whose_lease_is_over_begins_no_other_mail(house, course, configure):
    configure(mail_port=f"{__name__}.Counting")
    Counting.asked = 0
    assigned(house.budget, 3)
    claims = claim_due(3, worker="slow")
    with clock.at(clock.now() + HOUR), no_intent_once(lambda: False):
        Message.objects.update(fence=9)
        assert deliver_many(claims) == Delivered()
    assert Counting.asked == 1


def test_over_our_own_smtp_a_lost_answer_is_settled_by_the_log_of_the_mail_server(
    house, course, configure, settings, tmp_path
):
    log = tmp_path / "mail.log"
    settings.EMAIL_HOST = "127.0.0.1"
    configure(
        mail_port="bursar.adapters.mail_smtp.SmtpMail",
        mail_lookup="bursar.adapters.mail_lookup_postfix.find",
        mail_log=str(log),
    )
    first, second = assigned(house.budget, 2)
    with smtp_server() as server:
        settings.EMAIL_PORT = server.port
        server.at("taken", RESET)
        assert drain() == Delivered(sent=1)
        assert states() == ["committing", "sent"]
        log.write_text("".join(f"taken message-id={taken.mail['Message-ID']}\n" for taken in server.taken))
        with later(timedelta(minutes=15)):
            tick()
    assert states() == ["sent", "sent"]
    assert len(server.taken) == 2
    assert {actions(first)[-1], actions(second)[-1]} == {("notified", None)}
