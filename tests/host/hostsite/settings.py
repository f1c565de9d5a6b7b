"""The smallest host project: its own user model, the core apps, no project app of ours."""

import os
from pathlib import Path

from bursar.project.databases import database

SECRET_KEY = "host-project-under-test"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "simple_history",
    "bursar.outbox",
    "bursar.people",
    "bursar.catalog",
    "bursar.budgets",
    "bursar.webhooks",
    "bursar.assignments",
    "hostsite",
]
AUTH_USER_MODEL = "hostsite.Member"
DATABASES = {"default": database("", Path(os.environ["HOST_DIR"]))}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
EMAIL_BACKEND = "bursar.adapters.mail_files.FileBackend"
EMAIL_FILE_PATH = os.environ["HOST_DIR"] + "/mail"
BURSAR = {"mode": "test"}
