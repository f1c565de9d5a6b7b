"""Registers the app under the label `content_assignments`, which the records' tables are named after."""

from django.apps import AppConfig


class AssignmentsConfig(AppConfig):
    """`bursar.assignments` in a host project's INSTALLED_APPS."""

    name = "bursar.assignments"
    label = "content_assignments"
    verbose_name = "Assignments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Deliver messages about assignments, and link users of the host project as they appear."""
        from django.conf import settings
        from django.db.models.signals import post_save

        from bursar.assignments import events, flows, jobs, services
        from bursar.outbox import registry
        from bursar.webhooks.registry import declare

        declare(events.EventType)
        registry.register(
            events.TOPIC_MAIL,
            jobs.deliver,
            resend_unknown=flows.deliveries.resend_unknown,
            settle=services.settle_without_sending,
            find=jobs.look_up,
        )
        registry.register(events.TOPIC_FAN_OUT, services.fan_out, resend_unknown=services.fanout.resend_unknown)
        registry.register(events.TOPIC_FILL, flows.fill_waiting, resend_unknown=services.fanout.resend_unknown)
        registry.register(
            events.TOPIC_NOTICE,
            jobs.deliver_notices,
            resend_unknown=flows.notices.resend_unknown,
            find=jobs.look_up,
        )
        registry.register(
            events.TOPIC_DIGEST,
            jobs.deliver_digests,
            resend_unknown=flows.digests.resend_unknown,
            settle=services.settle_digests,
            find=jobs.look_up,
        )
        post_save.connect(jobs.link_saved_user, sender=settings.AUTH_USER_MODEL, dispatch_uid="bursar_link_user")
