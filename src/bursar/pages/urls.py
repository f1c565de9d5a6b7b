"""The addresses that every page needs, whatever the portal."""

from django.urls import path

from bursar.pages.preferences import choose

app_name = "bursar_pages"
urlpatterns = [path("preferences/", choose, name="preferences")]
