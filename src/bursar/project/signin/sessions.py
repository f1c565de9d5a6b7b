"""Sessions that are over are removed: they hold who signed in, and the address that was typed."""

from django.contrib.sessions.models import Session
from django.utils import timezone

from bursar.kernel.transactions import writes


@writes
def prune_sessions() -> int:
    """Remove the sessions that have ended; returns how many."""
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]  # noqa: TID251  Django's own clock set it
