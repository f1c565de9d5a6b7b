"""Registers the app under the label `bursar_outbox`."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """`bursar.outbox` in a host project's INSTALLED_APPS."""

    name = "bursar.outbox"
    label = "bursar_outbox"
    verbose_name = "Messages"
    default_auto_field = "django.db.models.BigAutoField"
