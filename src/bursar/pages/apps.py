"""Registers the app under the label `bursar_pages`."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """`bursar.pages` in a host project's INSTALLED_APPS."""

    name = "bursar.pages"
    label = "bursar_pages"
