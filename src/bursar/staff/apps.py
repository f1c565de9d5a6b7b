"""Registers the app under the label `bursar_staff`."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """`bursar.staff` in INSTALLED_APPS, behind `unfold` and `django.contrib.admin`."""

    name = "bursar.staff"
    label = "bursar_staff"
