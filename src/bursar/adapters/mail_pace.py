"""How fast mails leave: the setting `mail_per_second`, over all threads of a process."""

import threading
import time
from collections.abc import Callable

from bursar.kernel.conf import setting


class Pace:
    """Lets the callers of `wait` through one after the other, evenly spaced."""

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Wait for this caller's turn; there is none to wait for without the setting."""
        per_second = setting("mail_per_second")
        if not per_second:
            return
        with self._lock:
            now = self._monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / per_second
        if turn > now:
            self._sleep(turn - now)


pace = Pace()
