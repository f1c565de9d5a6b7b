"""The tick as a task: enqueued every `tick_every` by whoever keeps the time, run once by whatever engine there is."""

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Final

from bursar.assignments import jobs
from bursar.assignments.jobs import Ticked
from bursar.kernel.conf import setting
from bursar.kernel.tasks import task
from bursar.outbox import pulses
from bursar.outbox.tasks import AT_MOST, TaskFailed, enqueue
from bursar.outbox.worker import stopping

logger = logging.getLogger("bursar.tick")

SLOT: Final = "tick:slot"
PACE: Final = "tick:pace"
WAITS_AT_MOST: Final = timedelta(hours=1)  # a tick that nobody runs is not enqueued again and again meanwhile
RUNS_AT_MOST: Final = timedelta(minutes=5)  # whoever is killed with the slot gives it back after that


class StoppedError(Exception):
    """Raised between two commits of a tick, when the process was told to stop."""


@task
def run_tick() -> None:
    """Do all that is due; told to stop, it ends between two commits and the next tick does the rest.

    A backlog of mail is left to the drains: however slowly it moves, what is due to be forgotten is forgotten.
    """
    try:
        pulses.hold(SLOT, lasting=RUNS_AT_MOST)
        pulses.beat(pulses.WORKER)
        _log(jobs.tick(progress=_go_on, should_stop=stopping, mail_for=AT_MOST))
    except StoppedError:
        return
    except Exception as error:  # noqa: BLE001  whatever it is, its words stay here and the next tick tries again
        logger.error("this tick failed with %s", type(error).__name__)  # noqa: TRY400  a stack may name people
        raise TaskFailed(type(error).__name__) from None
    finally:
        pulses.free(SLOT)


def schedule_tick() -> bool:
    """Enqueue a tick if the last one was enqueued `tick_every` ago and has been run; tells whether it did."""
    is_time = pulses.take(PACE, lasting=setting("tick_every"))
    return is_time and enqueue(run_tick, SLOT, waiting_for=WAITS_AT_MOST)


def _go_on(_: int) -> None:
    """Keep the slot for the rest of this tick, unless the process was told to stop."""
    if stopping():
        raise StoppedError
    pulses.hold(SLOT, lasting=RUNS_AT_MOST)


def _log(done: Ticked) -> None:
    counts = asdict(done)
    counts |= counts.pop("mail")
    said = [f"{name} {number}" for name, number in counts.items() if number]
    if said:
        logger.info("done: %s", ", ".join(said))
