"""Registers the app under the label `bursar_people`."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """`bursar.people` in a host project's INSTALLED_APPS."""

    name = "bursar.people"
    label = "bursar_people"
    verbose_name = "Customers and people"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the system check look at our settings and the user model; every installation has this app."""
        from django.core.checks import register

        from bursar.kernel.checks import check_database, check_settings, check_user_model

        register(check_settings)
        register(check_database)
        register(check_user_model)
