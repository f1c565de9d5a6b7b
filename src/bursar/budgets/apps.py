"""Registers the app under the label `bursar_budgets`."""

from django.apps import AppConfig


class BudgetsConfig(AppConfig):
    """`bursar.budgets` in a host project's INSTALLED_APPS."""

    name = "bursar.budgets"
    label = "bursar_budgets"
    verbose_name = "Money"
    default_auto_field = "django.db.models.BigAutoField"
