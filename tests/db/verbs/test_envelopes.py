"""The outside of a mail: how to unsubscribe, where it comes back to; and nothing that anybody wrote gets into its head."""

from email import message_from_bytes, policy

import pytest
from django.core import mail as django_mail
from django.core.exceptions import ValidationError
from tests.db.verbs.steps import assigned, in_state

from bursar.assignments.flows.envelopes import envelope, unsubscribe_link
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many, expire_many, nudge_many, remind_many
from bursar.catalog.models import Course
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.outbox.worker import drain
from bursar.people.bounces import marks_in
from bursar.people.keys import key_of
from bursar.people.mail_tokens import message_of, owner_of
from bursar.people.models import Customer, Person
from bursar.testing.factories import make_house

ANA = "learner1@example.org"
BREAKS = ["\r\n", "\n", "\r", "\0", "\u2028", "\x0b", "\x85", "\r\n "]


@pytest.fixture(autouse=True)
def _address(configure):
    configure(base_url="https://learn.example.org", bounce_address="bounces@mail.example.org")


@pytest.fixture
def posted(settings, configure):
    """Send through the real adapter into memory; returns the list of what left."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    configure(mail_port="bursar.adapters.mail_django.DjangoMail")
    django_mail.outbox = []
    return django_mail.outbox


def send_each_kind(house):
    """Return the assignments, by the kind of the message that each of them owes last."""
    told, cancelled, expired, accepted = assigned(house.budget, 3) + in_state(
        "accepted", house.budget, ["dee@example.org"]
    )
    drain()
    remind_many([told.pk], actor=CONSOLE)
    cancel_many([cancelled.pk], actor=CONSOLE)
    LearnerContentAssignment.objects.filter(pk=expired.pk).update(expires_at=clock.now())
    expire_many([expired.pk], actor=CONSOLE)
    nudge_many([accepted.pk], days=3, actor=CONSOLE)
    drain()


@pytest.mark.usefixtures("unaudited")
def test_reminders_and_nudges_offer_to_unsubscribe_and_news_does_not(house, course, mail):
    send_each_kind(house)
    kinds = dict(Message.objects.values_list("uuid", "kind"))
    offered = {
        kinds[item.message]: sorted(name for name in item.headers if name.startswith("List-")) for item in mail.sent
    }
    both = ["List-Unsubscribe", "List-Unsubscribe-Post"]
    assert offered == {"assigned": [], "cancelled": [], "expired": [], "reminded": both, "nudged": both}
    for item in mail.sent:
        at_foot = ["/unsubscribe/" in part for part in (item.text, item.html)]
        assert at_foot == [bool(offered[kinds[item.message]])] * 2


def test_the_link_is_the_readers_own_and_one_click_is_said_as_the_rfc_says(house, course, mail):
    (row,) = assigned(house.budget)
    drain()
    remind_many([row.pk], actor=CONSOLE)
    drain()
    headers = mail.sent[-1].headers
    link = headers["List-Unsubscribe"]
    assert link.startswith("<https://learn.example.org/unsubscribe/")
    assert link.endswith(">")
    assert owner_of(link[1:-1].rpartition("/")[2]) == (house.customer.pk, key_of(ANA))
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("kind", ["digest", "admin_digest", "manager_digest"])
def test_digests_offer_it_to_whomever_they_go(house, kind):
    headers = envelope(Message().uuid, kind, house.customer, key_of("boss@example.org")).headers
    assert owner_of(headers["List-Unsubscribe"][1:-1].rpartition("/")[2]) == (
        house.customer.pk,
        key_of("boss@example.org"),
    )


@pytest.mark.parametrize("kind", ["budget_used", "fund_ending"])
def test_warnings_about_money_do_not(house, kind):
    assert set(envelope(Message().uuid, kind, house.customer, key_of(ANA)).headers) == {"Auto-Submitted"}


def test_one_click_is_offered_only_where_nobody_on_the_way_reads_along(house, configure):
    configure(base_url="http://127.0.0.1:8000")
    headers = envelope(Message().uuid, "reminded", house.customer, key_of(ANA)).headers
    assert headers["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/unsubscribe/")
    assert "List-Unsubscribe-Post" not in headers


def test_a_host_project_has_a_page_of_its_own_or_none(house, configure):
    configure(unsubscribe_url="https://host.example/mail/{token}")
    assert unsubscribe_link(house.customer.pk, key_of(ANA)).startswith("https://host.example/mail/")
    configure(unsubscribe_url="")
    assert set(envelope(Message().uuid, "nudged", house.customer, key_of(ANA)).headers) == {"Auto-Submitted"}


def test_every_mail_comes_back_to_an_address_of_its_own(house, course, mail):
    assigned(house.budget, 3)
    drain()
    paths = {item.envelope_from for item in mail.sent}
    assert len(paths) == 3
    assert {message_of(marks_in(item.envelope_from)) for item in mail.sent} == {item.message for item in mail.sent}


def test_without_a_mailbox_for_them_mails_come_back_to_the_sender(house, course, mail, configure):
    configure(bounce_address="")
    from bursar.kernel.backends import backend

    assigned(house.budget)
    drain()
    assert backend("mail_port").sent[-1].envelope_from == ""


@pytest.mark.parametrize("break_", BREAKS)
def test_nothing_that_anybody_wrote_adds_a_header_or_a_recipient(posted, course, break_):
    injected = f"x{break_}Bcc: evil@example.net{break_}X-Evil: 1{break_}{break_}body"
    storable = injected.replace("\0", "") if break_ == "\0" else injected
    house = make_house()
    Customer.objects.filter(pk=house.customer.pk).update(name=storable)
    Course.objects.update(title=storable)
    (row,) = assigned(house.budget)
    Person.objects.update(name=storable, department=storable)
    LearnerContentAssignment.objects.update(content_title=storable)
    drain()
    remind_many([row.pk], actor=CONSOLE)
    drain()
    assert len(posted) == 2, list(Message.objects.values_list("kind", "state", "error_code", "reason"))
    for letter in posted:
        assert letter.recipients() == [ANA]
        read = message_from_bytes(letter.message().as_bytes(), policy=policy.default)
        assert set(read.keys()) - {"List-Unsubscribe", "List-Unsubscribe-Post"} == {
            "Content-Type", "MIME-Version", "Subject", "From", "To", "Auto-Submitted", "Message-ID", "Date",
            "X-Bursar-Message", "X-Bursar-Assignment",
        }  # fmt: skip
        assert (read["To"], read["Bcc"], read["X-Evil"]) == (ANA, None, None)
        assert "\n" not in read["Subject"]


@pytest.mark.parametrize("break_", BREAKS)
def test_a_contact_address_with_a_line_break_is_refused_at_input(db, break_):
    with pytest.raises(ValidationError):
        make_house(contact_email=f"a@example.org{break_}Bcc: evil@example.net")


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r"])
def test_one_that_was_written_past_us_is_never_sent(posted, course, break_):
    house = make_house()
    Customer.objects.filter(pk=house.customer.pk).update(contact_email=f"a@example.org{break_}Bcc: evil@example.net")
    assigned(house.budget)
    drain()
    assert posted == []
    assert Message.objects.get().error_code == "bad_header"


def test_the_head_of_a_reminder_survives_the_way_to_the_reader(posted, house, course):
    (row,) = assigned(house.budget)
    drain()
    remind_many([row.pk], actor=CONSOLE)
    drain()
    link = unsubscribe_link(house.customer.pk, key_of(ANA))
    for rules in (policy.default, policy.SMTP):
        raw = posted[-1].message().as_bytes()
        read = message_from_bytes(raw, policy=rules)
        assert "".join(read["List-Unsubscribe"].split()) == f"<{link}>"
        assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert b"=?utf-8" not in raw.partition(b"\n\n")[0].lower().replace(b"subject: =?utf-8", b"")
