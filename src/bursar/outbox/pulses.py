"""Signs of life and slots: when something last ran, and who may run it now. One row a name, never one a process."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from bursar.kernel import clock
from bursar.kernel.transactions import require_transaction, writes
from bursar.outbox.models import Pulse

WORKER: Final = "worker"
TICK: Final = "tick"
DELIVERY: Final = "delivery"
SPARSELY: Final = timedelta(seconds=10)
CLOCKS_DIFFER: Final = timedelta(minutes=5)  # what is later than that was written under a clock since moved back


def beat(name: str) -> None:
    """Note that `name` is alive; written at most every ten seconds, however often this is called."""
    now = clock.now()
    is_old = Q(beat_at=None) | Q(beat_at__lt=now - SPARSELY) | Q(beat_at__gt=now + CLOCKS_DIFFER)
    stale = Pulse.objects.filter(is_old, name=name)
    if stale.exists() or not Pulse.objects.filter(name=name).exists():
        _beat(name)


@writes
def _beat(name: str) -> None:
    now = clock.now()
    if not Pulse.objects.filter(name=name).update(beat_at=now):
        Pulse.objects.bulk_create([Pulse(name=name, beat_at=now)], ignore_conflicts=True)


def beats() -> Mapping[str, datetime]:
    """Return when each name was last alive; those that never were are left out."""
    return {name: at for name, at in Pulse.objects.values_list("name", "beat_at") if at}


def take_within(name: str, *, lasting: timedelta) -> bool:
    """Take the slot `name` for at most `lasting`, in the caller's transaction; False while somebody else has it.

    Whoever dies with it loses it then. One that is taken for much longer than that was taken in a demonstration, whose
    clock is moved: it is free now.
    """
    require_transaction()
    now = clock.now()
    is_free = Q(taken_until=None) | Q(taken_until__lte=now) | Q(taken_until__gt=now + lasting + CLOCKS_DIFFER)
    if Pulse.objects.filter(is_free, name=name).update(taken_until=now + lasting):
        return True
    if Pulse.objects.filter(name=name).exists():
        return False
    # Of two who make the row at once, one meets the other's key, is run again and finds the slot taken.
    Pulse.objects.create(name=name, taken_until=now + lasting)
    return True


@writes
def take(name: str, *, lasting: timedelta) -> bool:
    """Take the slot `name` as `take_within` does, in a transaction of its own."""
    return take_within(name, lasting=lasting)


@writes
def hold(name: str, *, lasting: timedelta) -> None:
    """Keep the slot `name`, which the caller was given, for `lasting` from now."""
    Pulse.objects.filter(name=name).update(taken_until=clock.now() + lasting)


@writes
def free(name: str) -> None:
    """Give the slot `name` back."""
    Pulse.objects.filter(name=name).update(taken_until=None)
