"""Registers the app under the label `bursar_catalog`."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """`bursar.catalog` in a host project's INSTALLED_APPS."""

    name = "bursar.catalog"
    label = "bursar_catalog"
    verbose_name = "Catalog"
    default_auto_field = "django.db.models.BigAutoField"
