"""Mails about signing in leave beside the answer, not before it: its time tells nothing of whether there was one."""

import logging
import threading
from typing import Final

from django.core.mail import EmailMessage

from bursar.assignments import flows

PATIENCE: Final = 30

logger = logging.getLogger(__name__)
_leaving: Final[set[threading.Thread]] = set()


def send_later(message: EmailMessage) -> None:
    """Send a mail from a thread of its own; how many there are is bounded by how often somebody may try to sign in."""
    thread = threading.Thread(target=_send, args=(message,))
    _leaving.add(thread)
    thread.start()


def wait() -> None:
    """Wait until all mails of this process have left, or could not."""
    for thread in list(_leaving):
        thread.join(PATIENCE)


def _send(message: EmailMessage) -> None:
    try:
        outcome = flows.send_now(message.to[0], str(message.subject), str(message.body))
    except Exception as error:  # noqa: BLE001  whoever waits for the mail asks for another one
        outcome = type(error).__name__
    finally:
        _leaving.discard(threading.current_thread())
    if outcome != "sent":
        logger.warning("a mail about signing in was not sent: %s", outcome)
