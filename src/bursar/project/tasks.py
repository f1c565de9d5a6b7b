"""BURSAR_BROKER_URL → the settings of the engine that runs tasks: Celery on that broker, else the database."""

from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

from bursar.kernel.errors import Misconfigured

DATABASE: Final = "django_tasks_db"
CELERY: Final = "django_tasks_fennel"
BROKERS: Final = frozenset({"redis", "rediss", "redis+socket", "amqp", "amqps"})
REDELIVER_SECONDS: Final = 600


def task_apps(bursar: dict[str, Any]) -> list[str]:
    """Return the apps that the engine brings."""
    return [CELERY] if bursar["broker_url"] else [DATABASE]


def task_settings(bursar: dict[str, Any]) -> dict[str, Any]:
    """Return Django's TASKS and, with a broker, what Celery reads; raises `Misconfigured` for a broker that is none."""
    url = bursar["broker_url"]
    if not url:
        return {"TASKS": {"default": {"BACKEND": f"{DATABASE}.DatabaseBackend"}}}
    if _scheme(url) not in BROKERS:
        raise _refused("must start with redis:// or amqp://")
    if find_spec("celery") is None or find_spec(CELERY) is None:
        raise _refused('needs Celery, which is not installed (pip install "bursar[celery]")')
    return {
        "TASKS": {"default": {"BACKEND": f"{CELERY}.CeleryBackend"}},
        "CELERY_BROKER_URL": url,
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        "CELERY_BROKER_TRANSPORT_OPTIONS": {"visibility_timeout": REDELIVER_SECONDS} if url.startswith("redis") else {},
        "CELERY_TASK_IGNORE_RESULT": True,  # the outbox is the truth; nothing is asked of results
        "CELERY_TASK_ACKS_LATE": True,  # a task whose worker is killed runs again, which changes nothing if it had run
        "CELERY_TASK_REJECT_ON_WORKER_LOST": True,
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
        "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
        "CELERY_DB_REUSE_MAX": 10_000,
    }


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:  # its words may quote the password
        return ""


def _refused(what: str) -> Misconfigured:
    return Misconfigured(f"BURSAR_BROKER_URL {what}.", setting="BURSAR_BROKER_URL")
