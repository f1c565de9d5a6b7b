"""Whether this process answers, whether it is ready for requests, and what the whole installation measures."""

import hmac
from typing import Final

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from bursar.kernel.conf import setting
from bursar.outbox.health import health
from bursar.project.metrics import exposition

GONE: Final = {"status": "unavailable", "code": "database_gone"}


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Tell whether this process and its database answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return JsonResponse(GONE, status=503)
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Tell whether requests can be served: 503 without database or tables. Also names what an operator should look at.

    Problems of mail and ticks do not make it unready: pages work without them.
    """
    try:
        if _unapplied():
            return JsonResponse({"status": "unavailable", "code": "not_migrated"}, status=503)
        problems = [problem.code for problem in health().problems]
    except Error:
        return JsonResponse(GONE, status=503)
    return JsonResponse({"status": "ready", "problems": problems})


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Give Prometheus its figures; where the setting `metrics_token` is set, only to who brings it as a bearer token."""
    token = setting("metrics_token")
    given = request.headers.get("Authorization", "")
    if token and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    try:
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
    except Error:
        return JsonResponse(GONE, status=503)


def _unapplied() -> bool:
    """Tell whether the database lacks tables of this version; asked until it does not, as tables do not go away."""
    if not _seen_ready:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return True
        _seen_ready.append(True)
    return False


_seen_ready: Final[list[bool]] = []
