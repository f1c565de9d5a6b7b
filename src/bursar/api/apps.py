"""Registers the app under the label `bursar_api`."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """`bursar.api` in a host project's INSTALLED_APPS."""

    name = "bursar.api"
    label = "bursar_api"
    verbose_name = "API"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let old answers be pruned with all else that is kept for a while only."""
        from bursar.api.idempotency import prune_keys
        from bursar.kernel import pruning

        pruning.register("idempotency keys", prune_keys)
