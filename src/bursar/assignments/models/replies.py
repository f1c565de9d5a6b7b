"""What learners answer to an assignment beside taking it up: that they decline it, or would like more time."""

import uuid
from typing import Final

from django.db import models

from bursar.assignments.models.assignment import LearnerContentAssignment
from bursar.kernel.fields import CreatedField, ExactCharField, ModifiedField

LONGEST_WORDS: Final = 1000


class ReplyKind(models.TextChoices):
    """What somebody answers."""

    DECLINED = "declined"
    NOT_ME = "not_me"
    MORE_TIME = "more_time"


class DeclineReason(models.TextChoices):
    """Why somebody declines, as far as they say; `not_me` says that the assignment was meant for somebody else."""

    NO_TIME = "no_time"
    NOT_USEFUL = "not_useful"
    KNOWN_ALREADY = "known_already"
    NOT_ME = "not_me"
    OTHER = "other"


class ReplyState(models.TextChoices):
    """Whether anybody has to answer: `noted` asks for nothing."""

    NOTED = "noted"
    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"


class LearnerReply(models.Model):
    """One answer of a learner in one cycle of an assignment; of requests for more time at most one is open.

    `words` are the learner's own and `answer` those of whoever decided: both may name people, and go with the address.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    assignment = models.ForeignKey(LearnerContentAssignment, on_delete=models.CASCADE, related_name="replies")
    cycle = models.IntegerField()
    kind = ExactCharField(max_length=16, choices=ReplyKind.choices)
    reason = ExactCharField(max_length=16, choices=DeclineReason.choices, blank=True, default="")
    words = models.TextField(blank=True, default="")
    until = models.DateTimeField(null=True, blank=True, help_text="Until when time is asked for, or was granted.")
    state = ExactCharField(max_length=16, choices=ReplyState.choices)
    answer = models.TextField(blank=True, default="")
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.IntegerField(null=True, blank=True, help_text="The host's user who decided.")
    created = CreatedField()
    modified = ModifiedField()

    class Meta:
        db_table = "content_assignments_learnerreply"
        verbose_name_plural = "learner replies"
        indexes = [models.Index(fields=("state", "created", "uuid"), name="bursar_replies_by_state")]
