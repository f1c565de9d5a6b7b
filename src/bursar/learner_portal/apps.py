"""Registers the app under the label `bursar_learner_portal`."""

from django.apps import AppConfig


class LearnerPortalConfig(AppConfig):
    """`bursar.learner_portal` in a host project's INSTALLED_APPS."""

    name = "bursar.learner_portal"
    label = "bursar_learner_portal"
