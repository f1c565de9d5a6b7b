"""Putting messages off untried: what must wait for the other side as a whole, and is not at fault itself."""

from collections.abc import Sequence
from datetime import datetime

from bursar.kernel.transactions import writes
from bursar.outbox.claims import Claim
from bursar.outbox.models import Message, State


@writes
def postpone_many(claims: Sequence[Claim], *, until: datetime) -> int:
    """Put back what was claimed and not begun, not due before `until`, and return how many; their tries stay as they are.

    A transaction of its own; what another worker has taken over, or has begun to leave, is left alone.
    """
    fences: dict[int, list[Claim]] = {}
    for claim in claims:
        fences.setdefault(claim.fence, []).append(claim)
    put_off = {"state": State.PENDING, "lease_until": None, "due_at": until}
    postponed = 0
    for fence, held in sorted(fences.items()):
        rows = Message.objects.filter(uuid__in=[claim.uuid for claim in held], fence=fence, state=State.CLAIMED)
        postponed += rows.update(**put_off)
    return postponed
