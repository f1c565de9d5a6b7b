"""Every message as the learner reads it: one-line subject, text and HTML, nothing hostile, the right moment and amount."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.utils import timezone, translation
from tests.db.verbs.steps import DAY, assigned, fresh, later, tick

from bursar.assignments.events import MessageKind
from bursar.assignments.mail_words import price_text
from bursar.assignments.messages import Course, course_link, render
from bursar.assignments.texts import OwnText
from bursar.kernel import clock
from bursar.people.models import Customer, Person
from bursar.testing.factories import make_course, make_house, make_run

KINDS = [str(kind) for kind in MessageKind]
HOSTILE = '<script>alert("x")</script> & "quotes" \'single\' {{ name }} {% now %}'

each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def row(course):
    """Return an assignment of one customer, loaded from the database."""
    house = make_house(name="Acme", contact_email="learning@acme.example")
    (made,) = assigned(house.budget)
    return made


@pytest.fixture
def customer(row):
    return Customer.objects.get()


@pytest.fixture
def person(row):
    return Person.objects.get()


def course_of(title="Writing well", **facts):
    return Course(title, **{"partner": "DemoX", "start": datetime(2027, 1, 15, 9, tzinfo=UTC), **facts})


class Reader(HTMLParser):
    """Reads HTML as a mail program does: the text, the links, and which tags there are."""

    def __init__(self, html):
        super().__init__()
        self.words, self.links, self.tags, self.attributes, self.open = [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "br", "img"}:
            self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


class TestEveryMessage:
    @each_kind
    def test_says_the_same_at_every_try(self, kind, row, customer, person):
        owed_at, said = clock.now(), []
        for span in (0 * DAY, 2 * DAY):
            with later(span):
                said.append(render(kind, row, customer, person, course_of(), owed_at=owed_at))
        assert said[0] == said[1]

    @each_kind
    def test_has_a_subject_of_one_line_that_names_the_course(self, kind, row, customer, person):
        message = render(kind, row, customer, person, course_of("Writing\r\nBcc: all@example.org\nwell"))
        assert message.subject == " ".join(message.subject.split())
        assert message.subject.isprintable()
        assert "Writing Bcc: all@example.org well" in message.subject

    @each_kind
    def test_says_the_same_in_text_and_in_html(self, kind, row, customer, person):
        person.name = "Ana"
        message = render(kind, row, customer, person, course_of())
        html = Reader(message.html).text
        for words in ("Hello Ana,", "Writing well", "DemoX", "Starts on 15 January 2027",
                      "Questions? Write to learning@acme.example at Acme."):  # fmt: skip
            assert words in " ".join(message.text.split())
            assert words in html

    @each_kind
    def test_greets_somebody_without_a_name_all_the_same(self, kind, row, customer):
        message = render(kind, row, customer, None, course_of())
        assert message.text.startswith("Hello,\n")
        assert "Hello," in Reader(message.html).text

    @each_kind
    def test_without_a_contact_says_on_whose_behalf_it_is_sent(self, kind, row, customer, person):
        customer.contact_email = ""
        message = render(kind, row, customer, person, course_of())
        for text in (message.text, message.html):
            assert "Sent on behalf of Acme." in text
            assert "Questions?" not in text

    @each_kind
    def test_without_partner_and_start_says_nothing_of_them(self, kind, row, customer, person):
        message = render(kind, row, customer, person, Course("Writing well"))
        for text in (message.text, message.html):
            assert "Starts on" not in text
            assert "None" not in text
            assert "Writing well" in text

    @each_kind
    def test_is_well_formed_html_of_one_document(self, kind, row, customer, person):
        message = render(kind, row, customer, person, course_of())
        reader = Reader(message.html)
        assert reader.open == []
        assert message.html.startswith("<!doctype html>")
        assert dict(reader.attributes)["lang"] == "en"

    @each_kind
    def test_leaves_no_template_code_and_no_html_in_the_text(self, kind, row, customer, person):
        message = render(kind, row, customer, person, course_of())
        for text in (message.subject, message.text, message.html):
            assert "{{" not in text
            assert "{%" not in text
        assert "<" not in message.subject + message.text
        assert "&" not in message.subject + message.text
        assert "\n\n\n\n" not in message.text

    @each_kind
    def test_shows_nothing_of_it_when_it_is_logged(self, kind, row, customer, person):
        assert "Writing" not in repr(render(kind, row, customer, person, course_of()))


class TestHostileWords:
    @each_kind
    @pytest.mark.parametrize("place", ["title", "partner", "name", "customer", "contact"])
    def test_are_words_in_html_and_plain_in_text(self, kind, place, row, customer, person):
        facts = {}
        if place in ("title", "partner"):
            facts[place] = HOSTILE
        elif place == "name":
            person.name = HOSTILE
        elif place == "customer":
            customer.name = HOSTILE
        else:
            customer.contact_email = HOSTILE
        message = render(kind, row, customer, person, course_of(**facts))
        reader = Reader(message.html)
        assert "script" not in reader.tags
        assert HOSTILE in reader.text
        assert HOSTILE in message.text
        if place == "title":
            assert HOSTILE in message.subject

    @each_kind
    @pytest.mark.parametrize("name", ["brand_color", "logo_url"])
    def test_cannot_break_out_of_an_attribute(self, kind, name, row, customer, person):
        setattr(customer, name, '"><script>alert(1)</script><a href="https://evil.example')
        reader = Reader(render(kind, row, customer, person, course_of()).html)
        assert "script" not in reader.tags
        assert all(not link.startswith("https://evil") for link in reader.links)

    def test_in_a_key_cannot_leave_the_link(self, row):
        row.content_key = '"><script>/../?#&'
        assert course_link(row) == "http://127.0.0.1:8000/courses/%22%3E%3Cscript%3E%2F..%2F%3F%23%26"


class TestBranding:
    def test_the_colour_and_the_logo_are_the_customers(self, row, customer, person):
        customer.brand_color, customer.logo_url = "#123456", "https://acme.example/logo.png"
        html = render("assigned", row, customer, person, course_of()).html
        assert html.count("background:#123456") == 2
        assert ("src", "https://acme.example/logo.png") in Reader(html).attributes
        assert ("alt", "Acme") in Reader(html).attributes

    def test_without_a_logo_the_name_stands_at_the_top(self, row, customer, person):
        reader = Reader(render("assigned", row, customer, person, course_of()).html)
        assert "img" not in reader.tags
        assert reader.text.startswith("Writing well Acme")


class TestPrice:
    @each_kind
    def test_is_shown_where_the_customer_wants_it(self, kind, row, customer, person):
        customer.show_price = True
        message = render(kind, row, customer, person, course_of())
        for text in (message.text, message.html):
            assert "Price: 49.00 USD, paid by Acme" in text

    @each_kind
    def test_is_not_shown_where_the_customer_does_not(self, kind, row, customer, person):
        message = render(kind, row, customer, person, course_of())
        assert "49.00" not in message.text + message.html
        assert "Price" not in message.text + message.html

    def test_is_that_of_the_assignment_in_the_currency_of_the_fund(self, row, customer, person):
        customer.show_price = True
        row.content_quantity = -123_456
        assert "Price: 1234.56 EUR, paid" in render("assigned", row, customer, person, course_of(currency="EUR")).text

    @pytest.mark.parametrize(("cents", "text"), [(0, "0.00 USD"), (5, "0.05 USD"), (100_000_000, "1000000.00 USD")])
    def test_is_written_with_two_places(self, cents, text):
        assert price_text(cents, "USD") == text


class TestDeadline:
    """The deadline is told in the time zone of the person, else of the customer, with the reason for it."""

    def told(self, row, customer, person, kind="assigned"):
        message = render(kind, row, customer, person, course_of())
        html = Reader(message.html).text
        text = " ".join(message.text.split())
        sentence = text[text.index("Please enrol by") :].partition(" Go to")[0]
        assert sentence in html
        return sentence

    @pytest.mark.parametrize("kind", ["assigned", "reminded"])
    def test_after_ninety_days(self, kind, row, customer, person):
        assert self.told(row, customer, person, kind) == (
            "Please enrol by 20 February 2027, 12:00 UTC. "
            "An assignment that is not taken up lapses 90 days after you were told of it."
        )

    def test_when_enrolment_closes(self, row, customer, person):
        row.expires_at, row.expires_reason = clock.now() + 5 * DAY, "ENROLLMENT_DATE_PASSED"
        assert self.told(row, customer, person) == (
            "Please enrol by 27 November 2026, 12:00 UTC. Enrolment in the course closes then."
        )

    def test_when_the_fund_ends(self, row, customer, person):
        row.expires_at, row.expires_reason = clock.now() + 5 * DAY, "SUBSIDY_EXPIRED"
        assert self.told(row, customer, person).endswith("The money for it is available until then.")

    def test_in_the_time_zone_of_the_person(self, row, customer, person):
        customer.time_zone, person.time_zone = "America/New_York", "Asia/Tokyo"
        row.expires_at = datetime(2027, 2, 20, 20, 30, tzinfo=UTC)
        assert "21 February 2027, 05:30 JST" in self.told(row, customer, person)

    def test_else_of_the_customer(self, row, customer, person):
        customer.time_zone = "America/New_York"
        row.expires_at = datetime(2027, 2, 20, 2, 30, tzinfo=UTC)
        assert "19 February 2027, 21:30 EST" in self.told(row, customer, person)
        assert "19 February 2027, 21:30 EST" in self.told(row, customer, None)

    def test_the_start_of_the_course_is_a_day_there_too(self, row, customer, person):
        person.time_zone = "Asia/Tokyo"
        message = render("nudged", row, customer, person, course_of(start=datetime(2027, 1, 15, 20, tzinfo=UTC)))
        assert "Starts on 16 January 2027" in message.text

    @pytest.mark.parametrize("kind", ["cancelled", "expired", "nudged"])
    def test_is_nobodys_business_any_more(self, kind, row, customer, person):
        message = render(kind, row, customer, person, course_of())
        assert "enrol by" not in message.text + message.html

    def test_without_one_nothing_is_said(self, row, customer, person):
        row.expires_at = None
        message = render("assigned", row, customer, person, course_of())
        assert "enrol by" not in message.text + message.html


class TestLink:
    @pytest.mark.parametrize("kind", ["assigned", "reminded", "nudged"])
    def test_leads_to_the_course(self, kind, row, customer, person):
        message = render(kind, row, customer, person, course_of())
        link = "http://127.0.0.1:8000/courses/DemoX%2BD101"
        assert f"\n{link}\n" in message.text
        assert Reader(message.html).links == [link]

    @pytest.mark.parametrize("kind", ["cancelled", "expired"])
    def test_is_missing_where_there_is_nothing_to_take_up(self, kind, row, customer, person):
        message = render(kind, row, customer, person, course_of())
        assert "http" not in message.text
        assert Reader(message.html).links == []

    def test_leads_to_the_run_where_one_is_meant(self, row):
        row.preferred_course_run_key = "course-v1:DemoX+D101+R1"
        assert course_link(row).endswith("/courses/course-v1%3ADemoX%2BD101%2BR1")

    def test_is_made_as_the_settings_say(self, row, configure):
        configure(course_url="{base_url}/go/{assignment}?c={content_key}", base_url="https://learn.example.org/")
        assert course_link(row) == f"https://learn.example.org/go/{row.pk}?c=DemoX%2BD101"


class TestLanguage:
    def test_a_language_without_a_translation_is_english(self, row, customer, person):
        person.language = "xx"
        assert "has assigned you a course" in render("assigned", row, customer, person, course_of()).text

    def test_where_the_words_are_not_translated_the_dates_are_not_either(self, row, customer, person):
        person.language = "fr"
        message = render("assigned", row, customer, person, course_of(start=datetime(2027, 3, 1, tzinfo=UTC)))
        assert "Starts on 1 March 2027" in message.text
        assert '<html lang="en">' in message.html

    def test_a_language_that_the_host_project_has_translated_is_spoken(self, row, customer, person, monkeypatch):
        monkeypatch.setattr(translation, "gettext", lambda words: f"en français : {words}")
        person.language = "fr"
        message = render("assigned", row, customer, person, course_of(start=datetime(2027, 3, 1, tzinfo=UTC)))
        assert "1 mars 2027" in message.text
        assert '<html lang="fr">' in message.html

    @pytest.mark.parametrize(
        ("language", "written"),
        [
            ("en", ("20 February 2027, 12:00 UTC", "15 January 2027", "49.00 USD")),
            ("de", ("20. Februar 2027, 12:00 UTC", "15. Januar 2027", "49,00 USD")),
            ("es", ("20 de febrero de 2027, 12:00 UTC", "15 de enero de 2027", "49,00 USD")),
        ],
    )
    def test_dates_and_amounts_are_written_as_it_writes_them(self, row, customer, person, language, written):
        person.language, customer.show_price = language, True
        message = render("assigned", row, customer, person, course_of(start=datetime(2027, 1, 15, tzinfo=UTC)))
        for words in written:
            assert words in message.text
            assert words in message.html

    @pytest.mark.parametrize(
        ("language", "said"), [("de", "hat Ihnen einen Kurs zugewiesen"), ("es", "le ha asignado un curso")]
    )
    def test_german_and_spanish_are_spoken(self, row, customer, person, language, said):
        person.language = language
        message = render("assigned", row, customer, person, course_of())
        assert said in message.text
        assert said in message.subject
        assert f'<html lang="{language}">' in message.html

    def test_the_language_of_the_letter_does_not_stay_on(self, row, customer, person):
        person.language, person.time_zone = "de", "Asia/Tokyo"
        render("assigned", row, customer, person, course_of())
        assert translation.get_language() == "en"
        assert timezone.get_current_timezone_name() == "UTC"


class TestAsItIsSent:
    def test_the_course_is_named_as_the_catalog_names_it_now(self, course, mail):
        house = make_house()
        assigned(house.budget)
        course.title = "A better title"
        course.save()
        tick()
        assert mail.sent[0].subject == "Acme has assigned you a course: A better title"
        assert "A better title" in mail.sent[0].text

    def test_a_course_that_is_gone_is_named_as_it_was_assigned(self, mail):
        course = make_course("DemoX+GONE", title="Gone by now")
        assigned(make_house().budget, 1, "DemoX+GONE")
        course.delete()
        tick()
        assert mail.sent[0].subject == "Acme has assigned you a course: Gone by now"

    def test_the_dates_are_those_of_the_run_that_is_meant(self, mail):
        run = make_run(make_course(), "the-run", start=datetime(2027, 3, 1, tzinfo=UTC))
        assigned(make_house().budget, ["a@example.org"], run=run.key)
        assigned(make_house().budget, ["b@example.org"])
        tick()
        by_address = {item.to: item.text for item in mail.sent}
        assert "Starts on 1 March 2027" in by_address["a@example.org"]
        assert "Starts on" not in by_address["b@example.org"]

    def test_the_amount_is_that_of_the_assignment_and_not_of_the_catalog(self, course, mail):
        house = make_house(show_price=True)
        (row,) = assigned(house.budget, 1, price=5000)
        tick()
        assert "Price: 50.00 USD" in mail.sent[0].text
        assert fresh(row).content_quantity == -5000

    def test_a_mail_says_in_which_language_it_is(self, row, customer, person):
        own = OwnText("de", "Ein Kurs", "{{ link }}")
        html = render("assigned", row, customer, person, course_of(), own=own).html
        assert '<html lang="de">' in html
