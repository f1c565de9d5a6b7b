"""Registers the app under the label `bursar_admin_portal`."""

from django.apps import AppConfig


class AdminPortalConfig(AppConfig):
    """`bursar.admin_portal` in a host project's INSTALLED_APPS."""

    name = "bursar.admin_portal"
    label = "bursar_admin_portal"
