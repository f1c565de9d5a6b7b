"""How far a sweep over very many rows has come: a page at each tick, and the whole within a day whatever the ticks' interval."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bursar.assignments.models import Sweep
from bursar.kernel import clock
from bursar.kernel.transactions import writes

PASS_WITHIN: Final = timedelta(days=1)

Page = Callable[[UUID | None], UUID | None]


def sweep_on(name: str, page: Page) -> None:
    """Look at the next page of a sweep, or, if this pass over all began a day ago, at all the rest.

    `page` gets the key of the last row looked at (None: it begins) and returns that of its own last one, None at the
    end. What fits on one page is looked at whole every time and leaves no mark. Two at once look at the same twice.
    """
    row = Sweep.objects.filter(pk=name).first()
    position, began_at = (row.position, row.began_at) if row else (None, clock.now())
    while True:
        reached = page(position)
        if position is None and reached is None:
            return
        if position is None:
            began_at = clock.now()
        _mark(name, reached, began_at)
        if reached is None or began_at > clock.now() - PASS_WITHIN:
            return
        position = reached


@writes
def _mark(name: str, position: UUID | None, began_at: datetime) -> None:
    Sweep.objects.update_or_create(pk=name, defaults={"position": position, "began_at": began_at})
