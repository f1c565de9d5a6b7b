"""How much memory one large call takes over what the process has when it is idle."""

import gc
from pathlib import Path

from bench import house
from bursar.assignments import flows
from bursar.assignments.flows import AllocationRequest
from bursar.kernel.actor import CONSOLE

STATUS = Path("/proc/self/status")


def measure(people: int) -> float | None:
    """Return the high-water mark of one allocate call over the idle process in megabytes; None where nobody keeps it.

    The list of people counts with the call: whoever reads a file has it.
    """
    request = AllocationRequest(house.budget(), house.COURSE)
    flows.allocate(request, house.people(3 * 10**7, 1), actor=CONSOLE)  # what is loaded at first use is no part of it
    if not STATUS.exists():
        return None
    gc.collect()
    idle = kilobytes("VmRSS")
    flows.allocate(request, house.people(4 * 10**7, people), actor=CONSOLE)
    return (kilobytes("VmHWM") - idle) / 1000


def kilobytes(name: str) -> int:
    """Return one of the kernel's figures about this process."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[name].split()[0])
