"""Delivers the topic `count`: one row per message, in the commit that settles it, with the process that did it."""

import os
import time

from django.apps import AppConfig


class Fleet(AppConfig):
    name = "tests.e2e"
    label = "fleet"

    def ready(self):
        from bursar.kernel.transactions import writes
        from bursar.outbox import registry
        from bursar.outbox.services import Delivered, Settlement, settle_many

        @writes
        def deliver(claims):
            from django.contrib.auth.models import Group

            ours = settle_many([Settlement(claim, "sent") for claim in claims])
            Group.objects.bulk_create(
                Group(name=f"{claim.subject} {os.getpid()}") for claim in claims if claim.uuid in ours
            )
            time.sleep(0.01)  # in the transaction, where being killed hurts most
            return Delivered(sent=len(ours))

        registry.register("count", deliver, resend_unknown=lambda kind: True)
