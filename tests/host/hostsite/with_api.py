"""The same host with the API as the guide tells it: two apps more, one line of addresses, and two pieces of middleware."""

from hostsite.settings import *  # noqa: F403
from hostsite.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.sessions", "django.contrib.staticfiles", "bursar.api", "ninja"]
MIDDLEWARE = [
    "bursar.api.cors.CrossOrigin",
    "bursar.api.limits.RateHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "hostsite.urls"
STATIC_URL = "static/"
ALLOWED_HOSTS = ["testserver"]
