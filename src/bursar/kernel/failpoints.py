"""Named points at which a test ends, breaks or delays this process; free, and without effect, in any other."""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bursar.kernel.conf import setting, words
from bursar.kernel.errors import Misconfigured

NAMES: Final = frozenset(
    {
        *("before_guard", "after_guard", "before_commit", "after_commit"),
        *("after_intent", "before_dot", "after_dot", "after_250"),
    }
)
MODES: Final = frozenset({"demo", "test"})
SLEEP_SECONDS: Final = 0.1
FORM: Final = "name:action or name:action:probability, separated by commas"


class InjectedFault(RuntimeError):
    """What the action `raise` raises: no error that the product knows."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at a point, and how often of all times that it is reached."""

    action: str
    probability: float = 1.0


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _raise() -> None:
    raise InjectedFault


def _sleep() -> None:
    time.sleep(SLEEP_SECONDS)


ACTIONS: Final[Mapping[str, Callable[[], None]]] = MappingProxyType({"kill9": _kill, "raise": _raise, "sleep": _sleep})

_armed: Final[dict[str, Fault]] = {}


def fail_point(name: str) -> None:
    """Do what is armed at `name`; nothing where nothing is."""
    if _armed:
        _reach(name)


def arm(text: str) -> None:
    """Arm what `text` (the setting `failpoint`) says, and nothing else; raises `Misconfigured` outside demo and test."""
    faults = dict(map(_read, words(text)))
    if faults and setting("mode") not in MODES:
        raise _refused("is for demonstration and tests only")
    _armed.clear()
    _armed.update(faults)


def _reach(name: str) -> None:
    fault = _armed.get(name)
    if fault is not None and random.random() < fault.probability:
        ACTIONS[fault.action]()


def _read(word: str) -> tuple[str, Fault]:
    name, _, rest = word.partition(":")
    action, _, chance = rest.partition(":")
    try:
        probability = float(chance or 1)
    except ValueError:
        raise _refused(f"must be {FORM}") from None
    if name not in NAMES or action not in ACTIONS or not 0 <= probability <= 1:
        raise _refused(f"must be {FORM}")
    return name, Fault(action, probability)


def _refused(what: str) -> Misconfigured:
    return Misconfigured(f"BURSAR_FAILPOINT {what}.", setting="BURSAR_FAILPOINT")
