"""The port to the keys of those who sign tokens."""

from typing import Protocol


class KeySetPort(Protocol):
    """What Bursar needs to know the signatures of another system."""

    def fetch(self, url: str) -> bytes:
        """Return what stands at `url`, at most 64 KiB, within five seconds and without following it elsewhere.

        Raises OSError when that cannot be had; the words of the error hold nothing secret.
        """
        ...
