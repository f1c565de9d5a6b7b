"""The API among the host's own addresses."""

from django.urls import include, path

urlpatterns = [path("", include("bursar.api.urls"))]
