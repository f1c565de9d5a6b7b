"""The adapters that enrol people, under one contract; and the scripted one, doing what its script says and nothing else."""

import pytest
from django.utils.module_loading import import_string

from bursar.kernel.conf import BY_NAME
from bursar.testing.enrolment_contract import EnrolmentContract, a_request, by_key
from bursar.testing.fake_mail import Died
from bursar.testing.scripted_enrolment import ScriptedEnrolment


class TestDirectEnrolment(EnrolmentContract):
    def make_port(self):
        return import_string(BY_NAME["enrolment_port"].default)()

    def test_the_course_is_taken_up_where_the_settings_say(self, configure):
        configure(course_url="{base_url}/go/{content_key}", base_url="https://learn.example.org/")
        (answer,) = self.make_port().enrol_many([a_request("course-v1:A+B+C")])
        assert answer.courseware_url == "https://learn.example.org/go/course-v1%3AA%2BB%2BC"

    def test_whoever_asks_is_enrolled(self):
        request = a_request()
        (found,) = self.make_port().find_many([request])
        assert (found.outcome, found.reference) == ("enrolled", str(request.key))


class TestScriptedEnrolment(EnrolmentContract):
    def make_port(self):
        return ScriptedEnrolment()

    @pytest.fixture
    def port(self):
        return ScriptedEnrolment()

    @pytest.fixture
    def request_(self):
        return a_request(email="ana@example.org")

    def test_whoever_was_never_enrolled_is_not_found(self, port, request_):
        (found,) = port.find_many([request_])
        assert found.outcome == "refused"

    def test_one_key_is_one_enrolment_however_often_it_is_asked(self, port, request_):
        port.script("ana@example.org", "lose", "omit", "twice")
        for _ in range(5):
            port.enrol_many([request_])
        assert list(port.enrolments) == [request_.key]
        assert [call for call, _ in port.asked] == ["enrol_many"] * 5

    @pytest.mark.parametrize(
        ("step", "outcomes", "enrolled"),
        [
            ("enrol", ["enrolled"], True),
            ("refuse", ["refused"], False),
            ("unclear", ["unclear"], False),
            ("lose", ["unclear"], True),
            ("omit", [], True),
            ("twice", ["enrolled", "enrolled"], True),
            ("contradict", ["enrolled", "refused"], True),
            ("wrong_user", ["enrolled"], True),
            ("wrong_run", ["enrolled"], True),
        ],
    )
    def test_each_step_answers_and_enrols_as_it_says(self, port, request_, step, outcomes, enrolled):
        port.script("ana@example.org", step)
        answers = port.enrol_many([request_])
        assert [answer.outcome for answer in answers] == outcomes
        assert (request_.key in port.enrolments) is enrolled
        (after,) = port.enrol_many([request_])
        assert after.outcome == "enrolled", "a script that is used up ends in the truth"

    def test_a_lie_names_somebody_or_something_else(self, port, request_):
        port.script("ana@example.org", "wrong_user", "wrong_run")
        (user,), (run,) = port.enrol_many([request_]), port.enrol_many([request_])
        assert (user.lms_user_id != request_.lms_user_id, user.run_key) == (True, request_.run_key)
        assert (run.lms_user_id, run.run_key != request_.run_key) == (request_.lms_user_id, True)

    @pytest.mark.parametrize(
        ("step", "error", "enrolled"),
        [
            ("raise_before", TimeoutError, False),
            ("raise_after", TimeoutError, True),
            ("die_before", Died, False),
            ("die_after", Died, True),
        ],
    )
    def test_it_breaks_where_it_is_told_to(self, port, request_, step, error, enrolled):
        port.script("ana@example.org", step)
        with pytest.raises(error):
            port.enrol_many([request_])
        assert (request_.key in port.enrolments) is enrolled

    @pytest.mark.parametrize(("finding", "outcomes"), [("tell", ["enrolled"]), ("unclear", ["unclear"]), ("omit", [])])
    def test_looking_answers_as_it_is_told_to(self, port, request_, finding, outcomes):
        port.enrol_many([request_])
        port.script_find("ana@example.org", finding)
        assert [answer.outcome for answer in port.find_many([request_])] == outcomes

    def test_looking_can_raise(self, port, request_):
        port.script_find("ana@example.org", "raise")
        with pytest.raises(TimeoutError):
            port.find_many([request_])

    def test_the_script_of_one_is_not_the_script_of_another(self, port, request_):
        other = a_request(email="bob@example.org")
        port.script("ana@example.org", "refuse")
        answers = by_key(port.enrol_many([other, request_]))
        assert (answers[other.key].outcome, answers[request_.key].outcome) == ("enrolled", "refused")

    def test_slowness_comes_before_anything_is_done(self, port, request_):
        seen = []
        port.slowness = lambda request: seen.append((request.key, dict(port.enrolments)))
        port.enrol_many([request_])
        assert seen == [(request_.key, {})]
