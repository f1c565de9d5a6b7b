"""The enrolment port: enrol people in runs, find out whether they are enrolled. Asking twice with one key enrols once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

Outcome = Literal["enrolled", "refused", "unclear"]


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """One enrolment. `key` is the same at every try; `run_key` may be a course key where a course has no runs."""

    key: UUID
    lms_user_id: int
    run_key: str
    course_key: str
    email: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EnrolmentAnswer:
    """What the platform says. It must name the user and the run that it means, or it counts as no answer.

    `refused` is for good; `unclear` is everything else: asked again later. `error` is for operators.
    """

    key: UUID
    outcome: Outcome
    lms_user_id: int | None = None
    run_key: str | None = None
    reference: str = ""
    courseware_url: str = ""
    code: str = ""
    error: BaseException | None = field(default=None, repr=False)


class EnrolmentPort(Protocol):
    """What Bursar needs from a learning platform. Requests left out of an answer count as unclear."""

    def enrol_many(self, requests: Sequence[EnrolmentRequest]) -> list[EnrolmentAnswer]:
        """Enrol each; somebody enrolled already under the same key is answered `enrolled` again."""
        ...

    def find_many(self, requests: Sequence[EnrolmentRequest]) -> list[EnrolmentAnswer]:
        """Tell of each whether it is enrolled (`enrolled`), certainly not (`refused`), or not known (`unclear`)."""
        ...
