"""Where the reports live, below a customer's `reports/`."""

from django.urls import path

from bursar.admin_portal.reports import views

urlpatterns = [
    path("", views.reach, name="reports"),
    path("time/", views.time, name="reports_time"),
    path("spend/", views.spend, name="reports_spend"),
    path("not-accepted/", views.unaccepted, name="reports_open"),
    path("not-accepted/addresses/", views.addresses, name="reports_addresses"),
    path("not-accepted/export.<str:kind>", views.export_people, name="reports_open_export"),
    path("tables/<slug:table>.<str:kind>", views.export_table, name="reports_table"),
]
