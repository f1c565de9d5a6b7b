"""Stopping under Celery: each of its processes finishes the message in hand and puts the rest back."""

import os
import signal
from contextlib import suppress
from typing import Any

from billiard.process import active_children

from bursar.outbox.worker import stop_on_signals


def heed_signals(**_: Any) -> None:
    """In a process that runs tasks: let SIGTERM end the task in hand early; Celery itself ends the process after it."""
    stop_on_signals(signal.SIGTERM)


def tell_processes(**_: Any) -> None:
    """In the process that was told to stop: pass it on to those that run tasks, which Celery lets work until they are done."""
    for child in active_children():
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)
