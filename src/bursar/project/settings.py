"""Django settings of the ready-made service, from the environment alone (docs/reference/settings.md)."""

import os
from pathlib import Path
from typing import Any

from bursar.kernel.conf import read_environment
from bursar.project.consistency import consistent
from bursar.project.databases import database
from bursar.project.logs import logging_settings
from bursar.project.mail import mail_apps, mail_settings
from bursar.project.secrets import secret_key
from bursar.project.signin import conf as signin
from bursar.project.tasks import task_apps, task_settings
from bursar.staff.look import UNFOLD as STAFF_LOOK

BURSAR: dict[str, Any] = consistent(read_environment(os.environ))

DATA_DIR = Path(BURSAR["data_dir"])
SECRET_KEY = BURSAR["secret_key"] or secret_key(DATA_DIR)
DEBUG = BURSAR["debug"]
ALLOWED_HOSTS = list(BURSAR["allowed_hosts"])

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "simple_history",
    "bursar.outbox",
    "bursar.people",
    "bursar.catalog",
    "bursar.budgets",
    "bursar.webhooks",
    "bursar.assignments",
    "bursar.pages",
    "bursar.admin_portal",
    "bursar.learner_portal",
    "bursar.staff",
    "bursar.api",
    "bursar.project",
    *signin.APPS,
    "ninja",
    "django_htmx",
    "template_partials",
]

MIDDLEWARE = [
    "bursar.project.proxies.TrustedProxies",
    "django.middleware.security.SecurityMiddleware",
    "bursar.project.csp.ContentSecurityPolicy",
    "bursar.api.cors.CrossOrigin",
    "bursar.project.bounds.Bounds",
    "bursar.api.limits.RateHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "bursar.project.locale.PagesInTheReadersLanguage",
    "bursar.pages.middleware.ReadersZone",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "bursar.project.signin.policy.LoginLimit",
    "bursar.project.signin.policy.SecondFactor",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "bursar.project.urls"
WSGI_APPLICATION = "bursar.project.wsgi.application"
CSRF_FAILURE_VIEW = "bursar.project.errors.csrf_failure"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bursar.pages.context.page",
            ],
        },
    },
]

DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""), DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

IS_SECURE = BURSAR["base_url"].startswith("https://")
SESSION_ENGINE = "bursar.project.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_SECURE
CSRF_TRUSTED_ORIGINS = ["/".join(BURSAR["base_url"].split("/")[:3]), *BURSAR["cors_origins"]]
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = BURSAR["request_limit_bytes"]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]
LANGUAGE_COOKIE_NAME = "bursar_language"
LANGUAGE_COOKIE_SECURE = IS_SECURE
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

UNFOLD = STAFF_LOOK

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # files are served from the packages that hold them: no step between install and start
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False

vars().update(signin.signin_settings(is_secure=IS_SECURE))
vars().update(mail_settings(BURSAR))
INSTALLED_APPS += mail_apps(BURSAR)
vars().update(task_settings(BURSAR))
INSTALLED_APPS += task_apps(BURSAR)
LOGGING = logging_settings(BURSAR["log_level"], BURSAR["log_format"])
LOGGING_CONFIG = "logging.config.dictConfig"
