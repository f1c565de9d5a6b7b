"""The WSGI entry point for granian: its new processes would otherwise miss being stopped until everything is loaded.

They inherit handlers that only their parent reads, so the default is put back first; granian sets its own at the end.
"""

import signal

for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)

from bursar.project.wsgi import application  # noqa: E402

__all__ = ["application"]
