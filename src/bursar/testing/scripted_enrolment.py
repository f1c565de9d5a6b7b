"""A learning platform for tests: enrols honestly, or is slow, refuses, loses its answer, answers twice, lies or dies."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Literal
from uuid import UUID

from bursar.ports.enrolment import EnrolmentAnswer, EnrolmentRequest
from bursar.testing.fake_mail import Died

Step = Literal[
    "enrol", "refuse", "unclear", "lose", "omit", "twice", "contradict", "wrong_user", "wrong_run",
    "raise_before", "raise_after", "die_before", "die_after",
]  # fmt: skip
Finding = Literal["tell", "unclear", "omit", "raise"]

# What each step does before it answers: whether somebody is then enrolled on the platform.
ENROLLING: Final[frozenset[Step]] = frozenset(
    {"enrol", "lose", "omit", "twice", "contradict", "wrong_user", "wrong_run", "raise_after", "die_after"}
)


class ScriptedEnrolment:
    """An `EnrolmentPort` in memory. `script` says by address what the next requests meet; without it they are enrolled.

    `enrol` tells the truth. `refuse` and `unclear` answer so and enrol nobody. `lose` enrols and answers `unclear`,
    `omit` enrols and answers nothing, `twice` answers the same twice, `contradict` answers `enrolled` and then
    `refused`, `wrong_user` and `wrong_run` name somebody or something else. `raise_before` and `raise_after` raise
    before or after they enrol; `die_before` and `die_after` end the process there, as after kill -9.

    `script_find` does the same for `find_many`: `tell` the truth, `unclear`, `omit`, `raise`. While `slowness` is set
    it is called with each request before anything else, as the place to let time pass or other callers act.
    `enrolments` holds who is enrolled, by key; `asked` every request, with the name of the call.
    """

    def __init__(self) -> None:
        self.enrolments: dict[UUID, EnrolmentRequest] = {}
        self.asked: list[tuple[str, EnrolmentRequest]] = []
        self.slowness: Callable[[EnrolmentRequest], object] | None = None
        self._script: defaultdict[str, deque[Step]] = defaultdict(deque)
        self._findings: defaultdict[str, deque[Finding]] = defaultdict(deque)

    def script(self, email: str, *steps: Step) -> None:
        """Append what the next requests to enrol this address meet, one step each."""
        self._script[email].extend(steps)

    def script_find(self, email: str, *findings: Finding) -> None:
        """Append what the next questions about this address are answered, one each."""
        self._findings[email].extend(findings)

    def enrol_many(self, requests: Sequence[EnrolmentRequest]) -> list[EnrolmentAnswer]:
        """Enrol as the port promises, or as the script says."""
        return [answer for request in requests for answer in self._enrol(request)]

    def find_many(self, requests: Sequence[EnrolmentRequest]) -> list[EnrolmentAnswer]:
        """Tell who is enrolled, or what the script says."""
        return [answer for request in requests for answer in self._find(request)]

    def _enrol(self, request: EnrolmentRequest) -> list[EnrolmentAnswer]:
        self._note("enrol_many", request)
        steps = self._script[request.email]
        step: Step = steps.popleft() if steps else "enrol"
        if step == "raise_before":
            raise TimeoutError(f"no connection while enrolling {request.email}")
        if step == "die_before":
            raise Died
        if step in ENROLLING:
            self.enrolments.setdefault(request.key, request)
        if step == "raise_after":
            raise TimeoutError(f"the connection broke while enrolling {request.email}")
        if step == "die_after":
            raise Died
        return _answers(step, request)

    def _find(self, request: EnrolmentRequest) -> list[EnrolmentAnswer]:
        self._note("find_many", request)
        findings = self._findings[request.email]
        finding: Finding = findings.popleft() if findings else "tell"
        if finding == "raise":
            raise TimeoutError(f"no connection while looking for {request.email}")
        if finding == "omit":
            return []
        if finding == "unclear":
            return [EnrolmentAnswer(request.key, "unclear", code="busy")]
        return [_enrolled(request) if request.key in self.enrolments else _refused(request)]

    def _note(self, call: str, request: EnrolmentRequest) -> None:
        self.asked.append((call, request))
        if self.slowness is not None:
            self.slowness(request)


def _answers(step: Step, request: EnrolmentRequest) -> list[EnrolmentAnswer]:
    """Return what a step answers, once it has done what it does."""
    truth, refused = _enrolled(request), _refused(request)
    unclear = EnrolmentAnswer(request.key, "unclear", code="timeout", error=TimeoutError("no answer in time"))
    by_step: dict[Step, list[EnrolmentAnswer]] = {
        "refuse": [refused],
        "unclear": [unclear],
        "lose": [unclear],
        "omit": [],
        "twice": [truth, truth],
        "contradict": [truth, refused],
        "wrong_user": [replace(truth, lms_user_id=request.lms_user_id + 1)],
        "wrong_run": [replace(truth, run_key=f"{request.run_key}+other")],
    }
    return by_step.get(step, [truth])


def _enrolled(request: EnrolmentRequest) -> EnrolmentAnswer:
    return EnrolmentAnswer(
        request.key, "enrolled", request.lms_user_id, request.run_key, reference=f"enrolment-{request.key}",
        courseware_url=f"https://learn.example.org/{request.key}",
    )  # fmt: skip


def _refused(request: EnrolmentRequest) -> EnrolmentAnswer:
    error = PermissionError("enrolment is closed")
    return EnrolmentAnswer(request.key, "refused", request.lms_user_id, request.run_key, code="closed", error=error)
