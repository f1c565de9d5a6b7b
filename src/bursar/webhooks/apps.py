"""Registers the app under the label `bursar_webhooks`."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """`bursar.webhooks` in a host project's INSTALLED_APPS."""

    name = "bursar.webhooks"
    label = "bursar_webhooks"
    verbose_name = "Webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Deliver events to endpoints, and let every poll publish what has committed since."""
        from bursar.outbox import registry, retries
        from bursar.webhooks import flows, services

        registry.register(
            services.TOPIC,
            flows.deliver_many,
            resend_unknown=flows.resend_unknown,
            settle=services.settle_without_posting,
            waits=retries.WEBHOOKS,
        )
        registry.register_source(services.TOPIC, registry.Source(services.has_unpublished, services.publish_due))
