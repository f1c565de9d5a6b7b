"""Registers the pages of the ready-made service."""

from django.apps import AppConfig

from bursar.kernel.conf import setting
from bursar.kernel.failpoints import arm


class ProjectConfig(AppConfig):
    """Start page, health and demo mail; only in the ready-made service."""

    name = "bursar.project"
    label = "bursar_project"

    def ready(self) -> None:
        """Arm the points of failure that a test has asked for, and hear what a mail provider says of our mails."""
        from bursar.kernel import pruning
        from bursar.project import tracking
        from bursar.project.signin.sessions import prune_sessions

        pruning.register("sessions", prune_sessions)
        arm(setting("failpoint"))
        if setting("broker_url"):
            from celery import signals

            from bursar.project import fleet

            signals.worker_process_init.connect(fleet.heed_signals, dispatch_uid="bursar_heed_signals")
            signals.worker_shutting_down.connect(fleet.tell_processes, dispatch_uid="bursar_tell_processes")
        if tracking.is_used():
            from anymail.signals import tracking as tracked

            tracked.connect(tracking.receive, dispatch_uid="bursar_tracking")
