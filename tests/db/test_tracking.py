"""What mail providers say through anymail, as what is recorded: by our metadata or our Message-ID, and nobody else's."""

import importlib
from base64 import b64encode
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from django.test import override_settings

from bursar.assignments import flows
from bursar.assignments.services import Feedback
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.people.models import Mailbox
from bursar.project import tracking
from bursar.testing.factories import make_course, make_house, make_people

MESSAGE = UUID("8f14e45f-ceea-467f-a0e6-6b1d3d0c5a11")
EMPTY = {"metadata": {}, "message_id": None, "reject_reason": None, "mta_response": None, "description": None}


def event(event_type="bounced", **facts):
    return SimpleNamespace(event_type=event_type, **EMPTY | facts)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"metadata": {"message": str(MESSAGE)}}, MESSAGE),
        ({"message_id": f"<{MESSAGE}@learn.example.org>"}, MESSAGE),
        ({"message_id": f"{MESSAGE}@learn.example.org"}, MESSAGE),
        ({"metadata": {"message": "x"}, "message_id": f"<{MESSAGE}@learn.example.org>"}, MESSAGE),
        ({"metadata": {"message": str(MESSAGE)}, "message_id": f"<{uuid4()}@learn.example.org>"}, MESSAGE),
        ({"metadata": None, "message_id": "0100018c-provider-s-own"}, None),
        ({"metadata": "text", "message_id": None}, None),
        ({"metadata": {"message": None}}, None),
        ({}, None),
    ],
)
def test_an_event_is_about_the_message_that_we_gave_it(facts, expected):
    assert tracking.message_of(event(**facts)) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (event("bounced", reject_reason="bounced"), ["hard"]),
        (event("bounced", reject_reason="invalid"), ["hard"]),
        (event("bounced"), ["hard"]),
        (event("bounced", reject_reason="timed_out"), ["soft"]),
        (event("bounced", reject_reason="blocked"), ["soft"]),
        (event("bounced", reject_reason="bounced", mta_response="452 4.2.2 mailbox full"), ["soft"]),
        (event("bounced", reject_reason="other", mta_response="550 5.1.1 unknown"), ["hard"]),
        (event("bounced", reject_reason="bounced", description="smtp; 550 5.7.1 blocked"), ["soft"]),
        (event("rejected", reject_reason="bounced"), ["hard"]),
        (event("rejected", reject_reason="spam"), ["complaint", "soft"]),
        (event("rejected", reject_reason="unsubscribed"), ["unsubscribed", "soft"]),
        (event("rejected", reject_reason="blocked"), ["soft"]),
        (event("rejected"), ["soft"]),
        (event("complained"), ["complaint"]),
        (event("unsubscribed"), ["unsubscribed"]),
        (event("delivered"), ["delivered"]),
        *(
            (event(name), [])
            for name in ("queued", "sent", "deferred", "opened", "clicked", "autoresponded", "unknown", "")
        ),
    ],
)
def test_each_event_is_recorded_as_what_it_means(said, expected):
    assert [str(item) for item in tracking.feedback_of(said)] == expected


def test_what_is_said_is_recorded_with_the_servers_code_and_never_its_words(monkeypatch):
    heard = []
    monkeypatch.setattr(tracking, "record_feedback", lambda *given, **more: heard.append((*given, more)))
    metadata = {"message": str(MESSAGE)}
    tracking.receive(sender=None, event=event(mta_response="550 5.1.1 <ann@example.org> unknown", metadata=metadata))
    tracking.receive(sender=None, event=event(metadata=metadata), esp_name="any")
    tracking.receive(sender=None, event=event("opened", metadata=metadata))
    tracking.receive(sender=None, event=event())
    assert heard == [(MESSAGE, Feedback.HARD, {"code": "5.1.1"}), (MESSAGE, Feedback.HARD, {"code": "hard"})]


@pytest.mark.django_db
def test_an_event_about_a_message_that_there_is_not_is_no_fault():
    tracking.receive(sender=None, event=event(metadata={"message": str(uuid4())}))


def test_webhooks_are_answered_only_where_a_provider_sends_our_mail(settings):
    from bursar.project import urls

    def answered():
        return [str(item.pattern) for item in importlib.reload(urls).urlpatterns if "anymail" in str(item.pattern)]

    assert answered() == []
    with_anymail = [*settings.INSTALLED_APPS, "anymail"]
    settings.INSTALLED_APPS = with_anymail
    assert answered() == []
    settings.EMAIL_BACKEND = "anymail.backends.test.EmailBackend"
    assert answered() == ["anymail/"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert answered() == []


@pytest.mark.django_db
def test_a_providers_webhook_marks_the_message_and_stops_the_address(settings, client):
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "x", "WEBHOOK_SECRET": "us:secret"}
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "anymail"]  # the apps get ready again, and listen
    (row,) = flows.allocate(
        flows.AllocationRequest(make_house().budget, make_course().key), make_people(1), actor=CONSOLE
    ).created
    message = Message.objects.get(subject_uuid=row.assignment)
    Message.objects.update(state="sent", settled_at=clock.now())
    said = {
        "RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "ID": 7, "MessageID": str(uuid4()),
        "Metadata": {"message": str(message.pk)}, "Email": "learner1@example.org", "BouncedAt": "2026-11-22T12:00:00Z",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist",
    }  # fmt: skip

    def post(secret):
        return client.post(
            "/postmark/tracking/", said, content_type="application/json", headers={"authorization": secret}
        )

    with override_settings(ROOT_URLCONF="anymail.urls"):
        forged = "Basic " + b64encode(b"us:wrong").decode()
        assert post(forged).status_code == 400
        assert Message.objects.get(pk=message.pk).state == "sent"
        assert post("Basic " + b64encode(b"us:secret").decode()).status_code == 200
    message.refresh_from_db()
    assert (message.state, message.error_code) == ("bounced", "5.1.1")
    assert Mailbox.objects.get().suppressed_reason == "bounced"
