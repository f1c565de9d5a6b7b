"""The one table of messages: what is owed to the world outside, by ids only, and what became of it."""

from typing import Final
from uuid import uuid4

from django.db import models

from bursar.kernel.fields import CreatedField, ExactCharField
from bursar.outbox.claims import WORD_LENGTH


class State(models.TextChoices):
    """Where a message stands."""

    PENDING = "pending", "waiting for its turn"
    CLAIMED = "claimed", "in the hands of a worker"
    COMMITTING = "committing", "on its way out"
    SENT = "sent", "handed over"
    DROPPED = "dropped", "no longer needed"
    FAILED = "failed", "given up"
    UNKNOWN = "unknown", "possibly handed over"
    BOUNCED = "bounced", "handed over and sent back"


HELD: Final = frozenset({State.CLAIMED, State.COMMITTING})
UNSETTLED: Final = HELD | {State.PENDING}
LEFT: Final = frozenset({State.COMMITTING, State.SENT, State.UNKNOWN})
DEAD: Final = frozenset({State.FAILED, State.UNKNOWN})


class Message(models.Model):
    """One message: a topic's handler knows what it says and to whom; here are ids, never an address or a text.

    `attempts` are the tries that ended, `fence` grows with every claim, `lease_until` is when another worker may take
    the message over. `error_code` and `reason` are fixed words.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    key = models.CharField(max_length=200)
    topic = models.CharField(max_length=WORD_LENGTH)
    kind = models.CharField(max_length=WORD_LENGTH)
    customer_uuid = models.UUIDField(null=True)
    subject_uuid = models.UUIDField(db_index=True)
    cycle = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField(default=1)
    priority = models.SmallIntegerField(default=50, help_text="Lower goes first.")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    claimed_by = models.CharField(max_length=120, default="", blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, default="", blank=True)
    reason = models.CharField(max_length=200, default="", blank=True)
    created = CreatedField()
    settled_at = models.DateTimeField(null=True, blank=True)
    resent_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it was last put back though it may have left: somebody may have it twice.",
    )

    class Meta:
        """One index serves claims, recovery and the lists of an operator: each asks for a state first.

        The natural key is unique by a constraint: a unique field of text would get a second index on PostgreSQL.
        """

        db_table = "bursar_outbox_message"
        constraints = [models.UniqueConstraint(fields=["key"], name="bursar_outbox_key")]
        indexes = [
            models.Index(fields=["state", "priority", "due_at", "uuid"], name="bursar_outbox_claim"),
            models.Index(
                fields=["resent_at"], name="bursar_outbox_resent", condition=models.Q(resent_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Pulse(models.Model):
    """When something that should run all the time last did (`beat_at`), and until when somebody has it in hand."""

    name = ExactCharField(max_length=40, primary_key=True)
    beat_at = models.DateTimeField(null=True, blank=True)
    taken_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "bursar_outbox_pulse"
