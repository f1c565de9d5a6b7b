"""What every mail adapter must do: mix `MailContract` into a test class and say how to make one and what it kept."""
# ruff: noqa: D102  the names of the tests are their sentences

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import replace
from uuid import UUID, uuid4

from bursar.ports.mail import Delivery, Mail, MailPort


class IntentError(Exception):
    """Raised by an intent that could not be committed."""


class Intents:
    """An intent that writes down what it is asked, in `asked`, and refuses the mails named."""

    def __init__(self, *, refused: Collection[UUID] = ()) -> None:
        self.asked: list[UUID] = []
        self._refused = refused

    def __call__(self, message: UUID) -> bool:
        self.asked.append(message)
        return message not in self._refused


def a_mail(to: str = "learner@example.org", *, subject: str = "Your course") -> Mail:
    """Return a mail that every adapter can send."""
    return Mail(
        message=uuid4(),
        reference=uuid4(),
        sender="Bursar <no-reply@example.org>",
        to=to,
        subject=subject,
        text="A course has been assigned to you.",
        html="<p>A course has been assigned to you.</p>",
    )


class MailContract(ABC):
    """The contract of `MailPort`. A subclass makes one adapter per test and reads what has arrived, in order."""

    @abstractmethod
    def make_port(self) -> MailPort:
        """Return a new adapter over an empty mail system."""

    @abstractmethod
    def arrived(self) -> list[UUID]:
        """Return the `message` of every mail that has left so far, in the order of leaving."""

    def send(self, *mails: Mail, intent: Callable[[UUID], bool] | None = None) -> list[Delivery]:
        """Send all of `mails` through a new adapter."""
        return list(self.make_port().send_many(mails, intent=intent or Intents()))

    def test_every_mail_leaves_once_and_in_order(self) -> None:
        mails = [a_mail(f"learner{number}@example.org") for number in range(3)]
        deliveries = self.send(*mails)
        assert [(delivery.message, delivery.outcome, delivery.code) for delivery in deliveries] == [
            (mail.message, "sent", "") for mail in mails
        ]
        assert self.arrived() == [mail.message for mail in mails]

    def test_nothing_to_send_is_nothing_done(self) -> None:
        assert self.send() == []
        assert self.arrived() == []

    def test_the_intent_is_asked_once_and_before_the_mail_leaves(self) -> None:
        mail = a_mail()
        arrived_when_asked: list[list[UUID]] = []

        def intent(message: UUID) -> bool:
            assert message == mail.message
            arrived_when_asked.append(self.arrived())
            return True

        self.send(mail, intent=intent)
        assert arrived_when_asked == [[]]

    def test_a_mail_whose_intent_is_refused_stays_here_and_nothing_is_said_of_it(self) -> None:
        first, second = a_mail("first@example.org"), a_mail("second@example.org")
        deliveries = self.send(first, second, intent=Intents(refused={first.message}))
        assert [delivery.message for delivery in deliveries] == [second.message]
        assert self.arrived() == [second.message]

    def test_a_mail_whose_intent_cannot_be_committed_stays_here(self) -> None:
        def intent(_message: UUID) -> bool:
            raise IntentError

        try:
            self.send(a_mail(), intent=intent)
        except IntentError:
            assert self.arrived() == []
        else:
            raise AssertionError("the error of the intent was swallowed")

    def test_each_mail_is_answered_before_the_next_is_begun(self) -> None:
        mails = [a_mail("first@example.org"), a_mail("second@example.org")]
        intent = Intents()
        deliveries = self.make_port().send_many(mails, intent=intent)
        assert next(deliveries).message == mails[0].message
        assert intent.asked == [mails[0].message]
        assert next(deliveries).message == mails[1].message

    def test_what_is_no_address_is_rejected_without_an_intent_and_harms_no_other(self) -> None:
        wrong, right = a_mail("nobody"), a_mail("somebody@example.org")
        intent = Intents()
        outcomes = [(delivery.message, delivery.outcome) for delivery in self.send(wrong, right, intent=intent)]
        assert outcomes == [(wrong.message, "rejected"), (right.message, "sent")]
        assert intent.asked == self.arrived() == [right.message]

    def test_one_recipient_never_becomes_two(self) -> None:
        (delivery,) = self.send(a_mail("first@example.org, second@example.org"))
        assert delivery.outcome == "rejected"
        assert self.arrived() == []

    def test_a_newline_in_the_subject_does_no_harm(self) -> None:
        mail = a_mail(subject="Your course\r\nBcc: everybody@example.org")
        assert [delivery.outcome for delivery in self.send(mail)] == ["sent"]
        assert self.arrived() == [mail.message]

    def test_a_mail_may_go_back_to_somebody_else_than_its_sender(self) -> None:
        mail = replace(a_mail(), envelope_from="bounces+token@example.org")
        assert [delivery.outcome for delivery in self.send(mail)] == ["sent"]
        assert self.arrived() == [mail.message]

    def test_nobody_says_of_a_mail_that_left_that_it_did_not(self) -> None:
        port, mail = self.make_port(), a_mail()
        list(port.send_many([mail], intent=Intents()))
        assert port.find_many([mail.message]) in ({}, {mail.message: True})
        assert port.find_many([]) == {}

    def test_after_a_refused_intent_the_same_adapter_still_sends(self) -> None:
        port, first, second = self.make_port(), a_mail("first@example.org"), a_mail("second@example.org")
        assert list(port.send_many([first], intent=Intents(refused={first.message}))) == []
        assert [delivery.outcome for delivery in port.send_many([second], intent=Intents())] == ["sent"]
        assert self.arrived() == [second.message]

    def test_forgetting_what_was_never_sent_forgets_nothing(self) -> None:
        assert self.make_port().forget_many([uuid4()]) == 0
