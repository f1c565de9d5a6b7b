"""What every enrolment adapter must do: mix `EnrolmentContract` into a test class and say how to make one."""
# ruff: noqa: D102  the names of the tests are their sentences

from abc import ABC, abstractmethod
from collections import Counter
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from bursar.ports.enrolment import EnrolmentAnswer, EnrolmentPort, EnrolmentRequest


def a_request(run_key: str = "course-v1:DemoX+D101+R1", *, lms_user_id: int = 7, email: str = "") -> EnrolmentRequest:
    """Return a request that every adapter can grant."""
    key = uuid4()
    return EnrolmentRequest(key, lms_user_id, run_key, "DemoX+D101", email or f"{key.hex}@example.org")


def by_key(answers: list[EnrolmentAnswer]) -> dict[UUID, EnrolmentAnswer]:
    """Return answers by the key of their request."""
    return {answer.key: answer for answer in answers}


class EnrolmentContract(ABC):
    """The contract of `EnrolmentPort`, with a platform that can be reached and refuses nobody."""

    @abstractmethod
    def make_port(self) -> EnrolmentPort:
        """Return a new adapter to a platform where nobody is enrolled."""

    def test_everybody_is_enrolled_and_answered_once(self) -> None:
        requests = [a_request(lms_user_id=number) for number in range(1, 4)]
        answers = self.make_port().enrol_many(requests)
        assert Counter(answer.key for answer in answers) == Counter(request.key for request in requests)
        assert {answer.outcome for answer in answers} == {"enrolled"}

    def test_each_answer_names_the_user_and_the_run_that_were_asked_for(self) -> None:
        requests = [a_request(f"course-v1:DemoX+D101+R{number}", lms_user_id=number) for number in range(1, 4)]
        answers = by_key(self.make_port().enrol_many(requests))
        for request in requests:
            answer = answers[request.key]
            assert (answer.lms_user_id, answer.run_key) == (request.lms_user_id, request.run_key)

    def test_asking_again_under_the_same_key_is_answered_the_same(self) -> None:
        port, request = self.make_port(), a_request()
        assert port.enrol_many([request]) == port.enrol_many([request])

    def test_two_enrolments_of_one_person_have_a_reference_each(self) -> None:
        first, second = port_answers = self.make_port().enrol_many([a_request(), a_request("DemoX+D102")])
        assert all(answer.reference for answer in port_answers)
        assert first.reference != second.reference

    def test_an_enrolled_person_is_found_as_enrolled(self) -> None:
        port, request = self.make_port(), a_request()
        (enrolled,) = port.enrol_many([request])
        (found,) = port.find_many([request])
        assert (found.outcome, found.lms_user_id, found.run_key, found.reference) == (
            "enrolled", enrolled.lms_user_id, enrolled.run_key, enrolled.reference,
        )  # fmt: skip

    def test_looking_answers_for_everybody_asked_about(self) -> None:
        port, known, strange = self.make_port(), a_request(), a_request(lms_user_id=8)
        port.enrol_many([known])
        assert by_key(port.find_many([known, strange])).keys() == {known.key, strange.key}

    def test_the_course_has_an_address_that_a_browser_can_open(self) -> None:
        answers = self.make_port().enrol_many([a_request(), a_request("course-v1:Ü/ /?#&+R1")])
        for answer in answers:
            address = urlsplit(answer.courseware_url)
            assert address.scheme in ("http", "https")
            assert address.hostname
            assert answer.courseware_url.isascii()
            assert not any(character.isspace() for character in answer.courseware_url)

    def test_no_answer_carries_the_address_of_a_person(self) -> None:
        request = a_request(email="somebody@example.org")
        (answer,) = self.make_port().enrol_many([request])
        assert "somebody" not in f"{answer} {answer.reference} {answer.courseware_url} {answer.code}"

    def test_asking_for_nobody_answers_nothing(self) -> None:
        port = self.make_port()
        assert list(port.enrol_many([])) == []
        assert list(port.find_many([])) == []
