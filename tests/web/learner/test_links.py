"""Links of mails: one thing each, without account or cookies, nothing on GET, and over when what they are about is."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.db.verbs.steps import DAY, allocate, assigned, books, fresh, later, tick
from tests.pages.reading import Tags, words

from bursar.assignments import flows, services
from bursar.assignments.models import LearnerReply
from bursar.budgets.models import Transaction
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend
from bursar.people.answer_tokens import Purpose, answer_token, claim_of
from bursar.people.models import Person

pytestmark = pytest.mark.django_db
ADDRESS = "somebody@example.org"


@pytest.fixture
def row(house):
    """Something assigned to somebody who has no account."""
    (one,) = assigned(house.budget, [ADDRESS])
    return one


def link(row, purpose=Purpose.ACCEPT, lasting=120 * DAY):
    token = answer_token(purpose, row.pk, row.cycle, clock.now() + lasting, row.learner_email_key)
    return f"/answer/{token}/"


def text(response, status=200):
    assert response.status_code == status
    Tags(response.text)
    return words(response.text)


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("ask", ["get", "head"])
def test_opening_a_link_never_acts(stranger, row, purpose, ask):
    for _ in range(3):
        response = getattr(stranger, ask)(link(row, purpose), {"reason": "other", "run": "x"})
        assert response.status_code == 200
        assert not response.cookies
        assert response["Referrer-Policy"] == "no-referrer"
        assert "no-store" in response["Cache-Control"]
    assert fresh(row).state == "allocated"
    assert LearnerReply.objects.count() == 0


def test_somebody_without_an_account_accepts_and_twice_is_once(stranger, row, house):
    for _ in range(2):
        assert stranger.post(link(row)).status_code == 302
    assert fresh(row).state == "accepted"
    assert Transaction.objects.count() == 1
    assert books(house.budget)[:2] == (0, 4_900)
    assert "You are in" in text(stranger.get(link(row)))


def test_somebody_without_an_account_declines(stranger, row, house):
    for _ in range(2):
        assert stranger.post(link(row, Purpose.DECLINE), {"reason": "not_me"}).status_code == 302
    assert fresh(row).state == "cancelled"
    assert LearnerReply.objects.get().kind == "not_me"
    assert "You have declined it" in text(stranger.get(link(row, Purpose.DECLINE)))


def test_somebody_without_an_account_asks_for_more_time(stranger, row):
    assert stranger.post(link(row, Purpose.MORE_TIME), {"until": "2027-04-01", "words": "Ill"}).status_code == 302
    assert LearnerReply.objects.get().words == "Ill"
    assert "it has not been answered yet" in text(stranger.get(link(row, Purpose.MORE_TIME)))


def test_a_link_is_good_for_one_thing(stranger, row):
    assert stranger.post(link(row, Purpose.SEE), {"run": ""}).status_code == 405
    stranger.post(link(row, Purpose.MORE_TIME), {"reason": "other"})
    stranger.post(link(row, Purpose.DECLINE), {"run": ""})
    assert fresh(row).state == "allocated"
    assert "<form" not in stranger.get(link(row, Purpose.SEE)).text.split("</main>")[0]


def test_a_cancelled_assignment_ends_its_links(stranger, row):
    services.cancel_many([row.pk], actor=CONSOLE)
    for purpose in (Purpose.ACCEPT, Purpose.DECLINE, Purpose.MORE_TIME):
        assert stranger.get(link(row, purpose)).status_code == 410
    assert "reason_learner_assignment_cancelled" in text(stranger.post(link(row)), 409)
    assert fresh(row).state == "cancelled"


def test_a_renewed_assignment_has_new_links(stranger, row, house):
    services.cancel_many([row.pk], actor=CONSOLE)
    allocate(house.budget, [ADDRESS])
    assert "There is a newer mail" in text(stranger.post(link(row)), 410)
    assert fresh(row).state == "allocated"
    assert text(stranger.get(link(fresh(row))))


def test_a_link_that_is_too_old_does_nothing(stranger, row):
    old = link(row, lasting=DAY)
    with later(2 * DAY):
        assert "too old" in text(stranger.post(old), 410)
    assert fresh(row).state == "allocated"


def test_a_forgotten_address_ends_its_links(stranger, row):
    mine = link(row)
    flows.erase_person(Person.objects.get(email=ADDRESS), actor=CONSOLE)
    assert "does not work" in text(stranger.get(mine), 404)


def test_an_altered_link_is_none(stranger, row):
    token = link(row).split("/")[2]
    other = link(row, Purpose.DECLINE).split("/")[2]
    for wrong in (token[:-1], token[:30] + other[30:], token.swapcase(), "A" * 60, "ä" * 60, "x"):
        assert stranger.get(f"/answer/{wrong}/").status_code == 404
    octets = urlsafe_b64decode(token)
    for fewer in (1, 2):  # padding makes them as long as whole ones
        cut = urlsafe_b64encode(octets[:-fewer]).decode()
        assert len(cut) == len(token)
        assert stranger.get(f"/answer/{cut}/").status_code == 404
    strange = answer_token(Purpose.SEE, uuid4(), 1, clock.now() + DAY, row.learner_email_key)
    assert stranger.get(f"/answer/{strange}/").status_code == 404
    empty = answer_token(Purpose.SEE, row.pk, 1, clock.now() + DAY, "")
    assert stranger.get(f"/answer/{empty}/").status_code == 404


def test_a_link_names_nobody(row):
    token = link(row).split("/")[2]
    assert row.learner_email_key not in token
    assert ADDRESS not in token
    assert claim_of(token).assignment == row.pk


def test_guessing_is_slowed_down(stranger, row, configure):
    configure(answer_limit=3)
    codes = [stranger.get(f"/answer/{'A' * 60}/").status_code for _ in range(4)]
    assert codes == [404, 404, 404, 429]
    assert stranger.get(link(row)).status_code == 429
    with later(timedelta(minutes=1)):
        assert stranger.get(link(row)).status_code == 200


def test_a_page_of_a_link_stays_within_ten_statements(stranger, row, django_assert_max_num_queries):
    for purpose in Purpose:
        with django_assert_max_num_queries(10):
            text(stranger.get(link(row, purpose)))


def test_the_page_speaks_the_language_and_zone_of_its_reader(stranger, row):
    Person.objects.filter(email=ADDRESS).update(language="de", time_zone="Europe/Berlin")
    shown = text(stranger.get(link(row)))
    assert "Annehmen" in shown
    assert "13:00" in shown


# Mails


def test_the_mail_leads_to_accepting_declining_and_more_time(stranger, row, configure):
    configure(answer_url="{base_url}/answer/{token}/")
    tick()
    (mail,) = backend("mail_port").sent
    tokens = [word.split("/")[-2] for word in mail.text.split() if "/answer/" in word]
    assert [claim_of(token).purpose for token in tokens] == [Purpose.ACCEPT, Purpose.DECLINE, Purpose.MORE_TIME]
    assert all(token in mail.html for token in tokens)
    assert "Accept" in text(stranger.get(f"/answer/{tokens[0]}/"))
