"""`bursar requests`: who asks for more time, granting and refusing it, and in which exit code a mistake ends."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from bursar.assignments import services
from bursar.assignments.models import LearnerContentAssignment, LearnerReply
from bursar.assignments.services import Reply
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE

ADA = "ada@acme.example"
UNTIL = (clock.now() + timedelta(days=200)).strftime("%Y-%m-%d")


@pytest.fixture
def request_of_ada(allocated):
    services.request_time_many([Reply(UUID(allocated[ADA]), words="I am ill.")], actor=CONSOLE)
    return LearnerReply.objects.get()


def test_requests_are_listed_and_granted(bursar, request_of_ada):
    shown = bursar("requests", "list")
    assert ADA in shown.out
    assert bursar("requests", "list", "--json").json["requests"][0]["words"] == "I am ill."
    bursar("requests", "grant", request_of_ada.pk, "--until", UNTIL)
    row = LearnerContentAssignment.objects.get(pk=request_of_ada.assignment_id)
    assert f"{row.expires_at:%Y-%m-%d}" == UNTIL
    assert "Nobody waits" in bursar("requests", "list").out


def test_what_is_decided_is_refused_and_nonsense_is_bad_input(bursar, request_of_ada):
    bursar("requests", "refuse", request_of_ada.pk, "--why", "Sorry")
    assert "wrong_state" in bursar("requests", "grant", request_of_ada.pk, code=3).out
    assert "There is no such request here. (not_found)" in bursar("requests", "refuse", uuid4(), code=3).out
    assert "invalid_uuid" in bursar("requests", "grant", "soon", code=4).err
