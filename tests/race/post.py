"""A mail system that counts what it was handed, from all threads of the process."""

from collections import Counter

from bursar.ports.mail import Delivery

sent = Counter()


class CountingMail:
    def send_many(self, mails, *, intent):
        for mail in mails:
            if intent(mail.message):
                sent[mail.message] += 1
                yield Delivery(mail.message, "sent")

    def find_many(self, messages):
        return {message: bool(sent[message]) for message in messages}

    def forget_many(self, references):
        return 0
