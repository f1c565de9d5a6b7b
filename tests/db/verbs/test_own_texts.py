"""A customer's own words in its mails, in the learner's language, and mails that it does not want sent at all."""

import pytest
from tests.db.verbs.reminding import remind_by
from tests.db.verbs.steps import DAY, accept, actions, allocate, assigned, fresh, later, messages, nothing_written, tick
from tests.db.verbs.test_messages import HOSTILE, Reader

from bursar.assignments import services
from bursar.assignments.flows.previews import preview
from bursar.assignments.models import MessageText, ReminderPolicy
from bursar.assignments.services import PolicyChange, cancel_many, expire_many, nudge_many, remind_many
from bursar.assignments.texts import KINDS, OwnText
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, Actor
from bursar.kernel.errors import BadInput, NotFound
from bursar.outbox.models import Message
from bursar.people.models import Customer, Person, Role
from bursar.testing.factories import make_course, make_house, make_member, make_person

BODY = """Hello {{ name }},

{{ customer }} gives you {{ course_title }}
for {{ price }}: {{ link }}

Until {{ deadline }}, from {{ start }}."""


@pytest.fixture
def write(house):
    """Return a function that keeps a text of the customer's own."""

    def keep(kind="assigned", language="en", subject="A gift: {{ course_title }}", body=BODY, customer=None):
        return services.set_text(
            (customer or house.customer).pk, kind, language, subject=subject, body=body, actor=CONSOLE
        )

    return keep


def send_to(house, **known):
    """Assign to one person and let the invitation go out."""
    allocate(house.budget, [make_person("ana@example.org", **known)])
    tick()


class TestInMails:
    def test_it_stands_in_place_of_the_built_in_one(self, house, course, mail, write):
        write()
        send_to(house, name="Ana")
        (sent,) = mail.sent
        assert sent.subject == "A gift: Course DemoX+D101"
        assert sent.text.startswith(
            "Hello Ana,\n\nAcme gives you Course DemoX+D101\nfor 49.00 USD: http://127.0.0.1:8000/courses/DemoX%2BD101\n\n"
            "Until 20 February 2027, 12:00 UTC, from.\n"
        )
        assert "Sent on behalf of Acme." in sent.text
        html = Reader(sent.html)
        assert html.links == ["http://127.0.0.1:8000/courses/DemoX%2BD101"]
        assert "Hello Ana, Acme gives you Course DemoX+D101 for 49.00 USD:" in html.text
        assert html.text.count("Hello") == 1, "the built-in greeting makes room"
        assert html.open == []

    @pytest.mark.parametrize(
        ("language", "subject"),
        [
            ("de", "Deutsch"),
            ("de-at", "Deutsch"),
            ("pt-br", "Brasil"),
            ("pt", "English"),
            ("", "English"),
            ("fr", "English"),
        ],
    )
    def test_it_is_in_the_learners_language_else_in_the_customers(self, house, course, mail, write, language, subject):
        for code, words in (("en", "English"), ("de", "Deutsch"), ("pt-br", "Brasil")):
            write(language=code, subject=words)
        send_to(house, language=language)
        assert mail.sent[0].subject == subject

    def test_dates_are_in_the_language_of_the_text_and_the_zone_of_the_learner(self, house, course, mail, write):
        write(language="de", body="{{ link }} bis {{ deadline }}")
        send_to(house, language="de", time_zone="Europe/Berlin")
        assert (
            "bis 20. Februar 2027, 13:00 CET" in mail.sent[0].text
            or "bis 20 Februar 2027, 13:00 CET" in mail.sent[0].text
        )

    def test_without_one_for_the_language_there_is_the_built_in_one(self, house, course, mail, write):
        write(language="de")
        send_to(house, language="fr")
        assert mail.sent[0].subject == "Acme has assigned you a course: Course DemoX+D101"

    def test_another_customers_text_and_another_kind_are_nobodys_business(self, house, course, mail, write):
        write(customer=make_house().customer)
        write("cancelled", body="Gone")
        send_to(house)
        assert mail.sent[0].subject == "Acme has assigned you a course: Course DemoX+D101"

    def test_hostile_names_and_titles_stay_words(self, house, mail, write):
        make_course(title=HOSTILE)
        write(body="<b>{{ name }}</b> {{ course_title }} {{ link }}")
        send_to(house, name=HOSTILE)
        (sent,) = mail.sent
        reader = Reader(sent.html)
        assert "script" not in reader.tags
        assert "b" not in reader.tags
        assert f"<b>{HOSTILE}</b> {HOSTILE}" in reader.text
        assert f"<b>{HOSTILE}</b> {HOSTILE}" in sent.text

    def test_a_digest_in_own_words_lists_its_courses(self, house, mail, write):
        for key in ("DemoX+D101", "DemoX+D102"):
            make_course(key)
            assigned(house.budget, ["ana@example.org"], key)
        write("digest", subject="{{ customer }}: still waiting", body="Dear {{ name }}!\n\n{{ courses }}\n\nBye")
        remind_by(house.customer)
        tick()
        with later(8 * DAY):
            tick()
        sent = mail.sent[-1]
        assert sent.subject == "Acme: still waiting"
        assert sent.text.startswith("Dear!\n\n    Course DemoX+D101\n")
        reader = Reader(sent.html)
        courses = [link for link in reader.links if "/courses/" in link]
        assert len(courses) == 2
        for text in (sent.text, reader.text):
            assert text.index("Course DemoX+D101") < text.index("Course DemoX+D102") < text.index("Bye")


class TestKept:
    def test_a_text_written_again_replaces_the_one_before_and_history_knows_both(self, house, write):
        write(subject="First")
        row = write(subject="Second", language="EN")
        assert MessageText.objects.get().subject == "Second"
        assert list(row.history.order_by("history_id").values_list("history_type", "subject")) == [
            ("+", "First"), ("~", "Second"),
        ]  # fmt: skip

    def test_removed_it_is_gone_from_mails_and_not_from_history(self, house, write):
        operator = make_member(None, Role.OPERATOR)
        write()
        services.remove_text(house.customer.pk, "assigned", "en", actor=operator)
        past = list(MessageText.history.order_by("history_id").values_list("history_type", "history_user_id"))
        assert (MessageText.objects.count(), past) == (0, [("+", None), ("-", operator.user_id)])
        with pytest.raises(NotFound):
            services.remove_text(house.customer.pk, "assigned", "en", actor=operator)

    @pytest.mark.parametrize(
        ("given", "code"),
        [({"body": "{{7*7}}"}, "unknown_placeholder"), ({"body": "{% now %}"}, "tag_not_allowed"),
         ({"body": "no link"}, "missing_placeholder"), ({"subject": "a\nb"}, "subject_not_one_line"),
         ({"language": ""}, "invalid_language"), ({"language": "german"}, "invalid_language"),
         ({"kind": "promoted"}, "unknown_kind")],
    )  # fmt: skip
    def test_what_could_not_be_sent_is_not_kept(self, house, write, given, code):
        with nothing_written(), pytest.raises(BadInput) as caught:
            write(**given)
        assert caught.value.code == code


class TestWho:
    """Admins and operators change rules and texts; learners and strangers find nothing."""

    @pytest.fixture(params=["learner", "admin elsewhere", "nobody"])
    def powerless(self, request, house):
        if request.param == "learner":
            return make_member(house.customer, Role.LEARNER)
        return make_member(make_house().customer) if request.param != "nobody" else Actor("person", "nobody")

    def test_whoever_may_not_change_them_changes_nothing(self, house, powerless):
        customer = house.customer.pk
        for change in (
            lambda: services.set_policy(customer, actor=powerless),
            lambda: services.switch_off(customer, actor=powerless),
            lambda: services.set_muted(customer, "nudged", muted=True, actor=powerless),
            lambda: services.set_text(customer, "cancelled", "en", subject="S", body="B", actor=powerless),
            lambda: services.remove_text(customer, "cancelled", "en", actor=powerless),
        ):
            with nothing_written(), pytest.raises(NotFound):
                change()

    @pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR])
    def test_who_changes_the_rules_is_named_in_their_history(self, house, role):
        actor = make_member(house.customer if role == Role.ADMIN else None, role)
        row = services.set_policy(house.customer.pk, actor=actor)
        services.switch_off(house.customer.pk, actor=actor)
        past = row.history.order_by("history_id").values_list("history_type", "enabled", "history_user_id")
        assert list(past) == [("+", True, actor.user_id), ("~", False, actor.user_id)]

    def test_an_admin_may_preview_and_list_and_a_stranger_not(self, house):
        stranger = make_member(make_house().customer)
        assert preview(house.customer, "assigned", actor=make_member(house.customer)).source == "built in"
        assert services.texts_of(house.customer.pk, actor=make_member(house.customer)) == []
        with pytest.raises(NotFound):
            preview(house.customer, "assigned", actor=stranger)
        with pytest.raises(NotFound):
            services.texts_of(house.customer.pk, actor=stranger)


class TestRules:
    def test_switched_on_without_a_word_there_are_sensible_rules(self, house):
        row = services.set_policy(house.customer.pk, actor=CONSOLE)
        assert (row.enabled, row.after_days, row.before_days, row.per_week, row.digest) == (
            True,
            [7, 30],
            [1, 7],
            2,
            True,
        )

    def test_what_is_not_given_stays(self, house):
        services.set_policy(house.customer.pk, PolicyChange(after_days=[3], quiet=None), actor=CONSOLE)
        row = services.set_policy(house.customer.pk, PolicyChange(per_week=1), actor=CONSOLE)
        assert (row.after_days, row.quiet_from, row.per_week) == ([3], None, 1)

    @pytest.mark.parametrize(
        ("given", "code"),
        [({"after_days": [0]}, "invalid_days"), ({"before_days": [366]}, "invalid_days"), ({"after_days": range(1, 12)}, "invalid_days"),
         ({"per_week": 0}, "invalid_cap"), ({"per_week": 8}, "invalid_cap"), ({"after_days": [], "before_days": []}, "no_steps"),
         ({"quiet": (clock.now().time(),) * 2}, "invalid_quiet_hours")],
    )  # fmt: skip
    def test_rules_that_make_no_sense_are_refused(self, house, given, code):
        with nothing_written(), pytest.raises(BadInput) as caught:
            services.set_policy(house.customer.pk, PolicyChange(**given), actor=CONSOLE)
        assert caught.value.code == code

    def test_a_customer_that_there_is_not_has_no_rules(self, db):
        with pytest.raises(NotFound):
            services.set_policy(Customer().pk, actor=CONSOLE)
        assert not ReminderPolicy.objects.exists()


class TestMuted:
    @pytest.mark.parametrize("kind", ["assigned", "reminded", "cancelled", "expired", "nudged"])
    def test_a_kind_switched_off_is_dropped_when_it_would_leave_with_the_reason(self, house, course, mail, kind):
        services.set_muted(house.customer.pk, kind, muted=True, actor=CONSOLE)
        (row,) = assigned(house.budget)
        tick()
        mail.sent.clear()
        with later(91 * DAY if kind == "expired" else DAY):
            if kind == "nudged":
                accept([row])
                nudge_many([row.pk], days=3, actor=CONSOLE)
            elif kind != "assigned":
                {"reminded": remind_many, "cancelled": cancel_many, "expired": expire_many}[kind](
                    [row.pk], actor=CONSOLE
                )
            tick()
            message = Message.objects.get(kind=kind)
        assert (message.state, message.reason, mail.sent) == ("dropped", "switched off", [])
        assert (kind, None) not in actions(row)

    def test_switched_on_again_the_next_one_leaves(self, house, course, mail):
        (row,) = assigned(house.budget)
        for muted in (True, False):
            services.set_muted(house.customer.pk, "reminded", muted=muted, actor=CONSOLE)
            remind_many([row.pk], actor=CONSOLE)
            tick()
        assert [state for kind, _, _, state in messages(row) if kind == "reminded"] == ["dropped", "sent"]

    def test_without_invitations_reminders_count_from_the_allocation(self, house, course, mail):
        services.set_muted(house.customer.pk, "assigned", muted=True, actor=CONSOLE)
        remind_by(house.customer)
        (row,) = assigned(house.budget)
        tick()
        assert (mail.sent, fresh(row).learner_state) == ([], "notifying")
        with later(7 * DAY):
            tick()
        assert len(mail.sent) == 1

    @pytest.mark.parametrize("kind", ["digest", "promoted", ""])
    def test_what_is_no_kind_of_mail_is_refused(self, house, kind):
        with pytest.raises(BadInput):
            services.set_muted(house.customer.pk, kind, muted=True, actor=CONSOLE)


class TestPreview:
    @pytest.mark.parametrize("kind", KINDS)
    def test_of_samples_every_kind_can_be_seen_built_in_and_nothing_is_written(self, house, kind):
        with nothing_written():
            seen = preview(house.customer, kind, actor=CONSOLE)
        assert (seen.source, seen.language, seen.why_not) == ("built in", "", None)
        assert "Hello Ada Example," in seen.rendered.text
        assert "{{" not in seen.rendered.text + seen.rendered.html

    def test_it_says_which_text_was_used(self, house, write):
        write(language="de", subject="Deutsch")
        seen = preview(house.customer, "assigned", actor=CONSOLE, language="de-at")
        assert (seen.source, seen.language, seen.rendered.subject) == ("own", "de", "Deutsch")

    def test_of_an_assignment_it_is_what_would_be_sent(self, house, course, mail, write):
        write()
        send_to(house, name="Ana")
        assignment = mail.sent[0].reference
        seen = preview(house.customer, "assigned", actor=CONSOLE, assignment=assignment).rendered
        sent = mail.sent[0]
        assert (seen.subject, seen.text, seen.html) == (sent.subject, sent.text, sent.html)

    def test_of_a_foreign_assignment_there_is_none(self, house, course):
        (row,) = assigned(make_house().budget)
        with pytest.raises(NotFound):
            preview(house.customer, "assigned", actor=CONSOLE, assignment=row.pk)

    def test_a_draft_is_tried_and_not_kept(self, house):
        with nothing_written():
            seen = preview(house.customer, "nudged", actor=CONSOLE, draft=OwnText("en", "Try", "It, {{ name }}"))
        assert (seen.rendered.subject, seen.source) == ("Try", "own")
        assert seen.rendered.text.startswith("It, Ada Example\n")

    def test_it_says_that_such_mails_are_not_sent(self, house):
        services.set_muted(house.customer.pk, "reminded", muted=True, actor=CONSOLE)
        assert preview(house.customer, "digest", actor=CONSOLE).why_not == "switched off"


def test_a_person_is_never_kept_in_a_preview(house):
    preview(house.customer, "assigned", actor=CONSOLE)
    assert not Person.objects.exists()
