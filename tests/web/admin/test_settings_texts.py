"""Message texts: written, shown as they will look, refused at their place, given back, and kinds that are not sent."""

import pytest
from tests.pages.reading import words
from tests.web.admin.settings_steps import said, text

from bursar.assignments import services
from bursar.assignments.models import MessageText
from bursar.kernel.actor import CONSOLE
from bursar.people.models import AuditEntry

pytestmark = pytest.mark.django_db
HERE = "/admin-portal/acme/settings/texts/"
GOOD = {"subject": "For you, {{ name }}", "body": "Hello {{ name }}.\n\nStart here: {{ link }}"}


def test_a_text_that_is_written_is_the_one_that_is_sent(house, operator):
    assert "The text is kept" in said(operator, operator.post(f"{HERE}assigned/de/", GOOD))
    row = MessageText.objects.get()
    assert (row.kind, row.language, row.subject) == ("assigned", "de", GOOD["subject"])
    assert "Deutsch : Invitation Your own" in text(operator.get(HERE))
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.facts) == ("text.set", {"kind": "assigned", "language": "de"})


@pytest.mark.parametrize(
    ("change", "said_of_it"),
    [
        (
            {"body": "No link in it."},
            "This mail needs a placeholder that is missing: without it nobody can act on it. (link)",
        ),
        ({"body": "{{ link }} {{ price_of_gold }}"}, "There is no placeholder of this name here"),
        ({"body": "{{ link }} {% if name %}"}, "A text has placeholders and no tags"),
        ({"subject": ""}, "Write something here."),
        ({"subject": "x" * 201}, "This is too long."),
        ({"subject": "{{ link }}"}, "There is no placeholder of this name here"),
        ({"subject": "}"}, "There is a brace outside of a placeholder."),
    ],
)
def test_what_is_wrong_is_said_at_its_place_and_what_was_typed_stays(operator, change, said_of_it):
    response = operator.post(f"{HERE}assigned/en/", GOOD | change)
    assert said_of_it in text(response, 422)
    (part,) = change
    assert f'id="id_{part}_error"' in response.text
    assert not MessageText.objects.exists()


def test_the_frame_shows_the_mail_with_sample_data_in_text_and_html(ada):
    response = ada.get(f"{HERE}assigned/en/mail/")
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "script-src" not in response["Content-Security-Policy"]
    shown = words(response.text)
    assert "Subject: Acme has assigned you a course" in shown
    assert shown.count("Writing well") >= 2
    assert "As plain text" in shown


def test_the_frame_shows_a_draft_that_is_not_kept(operator):
    draft = {"subject": "Draft for {{ name }}", "body": "<b>Bold</b> {{ link }}"}
    response = operator.post(f"{HERE}assigned/en/mail/", draft)
    assert "Draft for Ada Example" in words(response.text)
    assert "&lt;b&gt;Bold" in response.text
    assert not MessageText.objects.exists()


def test_the_frame_says_in_words_why_a_draft_cannot_be_shown(operator):
    response = operator.post(f"{HERE}assigned/en/mail/", {"subject": "x", "body": "<script>{% x %}"})
    assert "This text cannot be shown yet" in words(response.text)
    assert "<script" not in response.text


def test_the_text_of_a_digest_names_its_own_placeholders(operator):
    shown = text(operator.get(f"{HERE}digest/en/"))
    assert "{{ courses }}" in shown
    assert "{{ course_title }}" not in shown
    assert operator.get(f"{HERE}digest/en/mail/").status_code == 200


def test_going_back_to_ours_removes_the_own_one_and_again_changes_nothing(house, operator):
    services.set_text(house.customer.pk, "assigned", "en", **GOOD, actor=CONSOLE)
    for _ in range(2):
        assert "The standard text is used again." in said(operator, operator.post(f"{HERE}assigned/en/reset/"))
    assert not MessageText.objects.exists()


def test_a_kind_is_stopped_and_sent_again(house, operator):
    page = said(operator, operator.post(f"{HERE}mute/", {"kind": "nudged", "muted": "yes"}))
    assert "Mails of this kind are not sent any more." in page
    assert "Before the course starts Not sent" in page
    assert services.policy_of(house.customer.pk).muted == ["nudged"]
    assert "They are sent again." in said(operator, operator.post(f"{HERE}mute/", {"kind": "nudged", "muted": "no"}))
    assert services.policy_of(house.customer.pk).muted == []


@pytest.mark.parametrize("kind", ["", "digest", "nonsense", "\0"])
def test_a_kind_that_cannot_be_stopped_is_refused_in_words(operator, kind):
    assert "A kind of mail is one of" in said(operator, operator.post(f"{HERE}mute/", {"kind": kind, "muted": "yes"}))


def test_an_admin_writes_the_texts_of_their_organisation(house, ada):
    ada.post(f"{HERE}assigned/en/", GOOD)
    assert MessageText.objects.get().customer_uuid == house.customer.pk
    ada.post(f"{HERE}assigned/en/reset/")
    assert not MessageText.objects.exists()
