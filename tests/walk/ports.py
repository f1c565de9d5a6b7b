"""The world outside, as the walk scripts it: a mail system and a learning platform that do as they are told."""

from bursar.ports.enrolment import EnrolmentAnswer
from bursar.ports.mail import Delivery

# By assignment, what its next mail or enrolment meets; set by the walk before each step.
mail_says = None
platform_says = None


class Mailing:
    """A mail port: `mail_says` gives send, retry, reject or raise for an assignment."""

    def send_many(self, mails, *, intent):
        for mail in mails:
            if not intent(mail.message):
                continue
            step = mail_says(mail.reference)
            if step == "raise":
                raise RuntimeError("the mail system broke its promise")
            outcome = {"send": "sent", "retry": "retry", "reject": "rejected"}[step]
            yield Delivery(
                mail.message, outcome, "" if step == "send" else "smtp", None if step == "send" else OSError()
            )

    def find_many(self, messages):
        return {}  # nobody can tell which have left

    def forget_many(self, references):
        return 0


class Platform:
    """An enrolment port: `platform_says` gives enrolled, refused, unclear, silent or lie for a transaction."""

    def enrol_many(self, requests):
        return [answer for request in requests if (answer := self._answer(request))]

    find_many = enrol_many

    def _answer(self, request):
        step = platform_says(request.key)
        if step == "silent":
            return None
        if step == "lie":
            return EnrolmentAnswer(request.key, "enrolled", request.lms_user_id + 1, request.run_key)
        return EnrolmentAnswer(request.key, step, request.lms_user_id, request.run_key, code=step)
