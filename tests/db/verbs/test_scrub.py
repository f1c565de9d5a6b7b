"""Addresses are forgotten when their time has come (ruling 29), by the deadline alone; accepted ones on request only."""

import pytest
from tests.db.verbs.steps import (
    DAY,
    HOUR,
    MINUTE,
    accept,
    accepted,
    allocate,
    assigned,
    books,
    everything,
    fresh,
    in_state,
    keys,
    later,
    messages,
    nothing_written,
    tick,
)
from tests.db.verbs.test_batches import open_batch

from bursar.assignments import selectors, services
from bursar.assignments.flows import erase_person, privacy, scrub_due
from bursar.assignments.models import AllocationChunk, LearnerContentAssignment
from bursar.assignments.services import cancel_many, expire_many, retire_many
from bursar.catalog.models import Run
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, TICK
from bursar.kernel.errors import NotFound
from bursar.outbox.models import Message
from bursar.outbox.worker import drain
from bursar.people.keys import key_of
from bursar.people.models import Person, Profile, Role
from bursar.testing.factories import (
    make_course,
    make_customer,
    make_house,
    make_member,
    make_person,
    make_run,
    make_user,
)
from bursar.testing.fake_mail import Died

ANA = "ana.secret@example.org"
QUARTER = 90 * DAY


def is_forgotten(row):
    row = fresh(row)
    gone = row.learner_email.endswith("@retired.invalid")
    assert gone == (row.address_scrubbed_at is not None)
    return gone


class TestNinetyDayExpiry:
    def test_as_soon_as_the_message_has_left(self, house, course, mail):
        (row,) = assigned(house.budget, [ANA])
        tick()
        with later(91 * DAY):
            done = tick()
            assert (done.expired, done.mail.sent, done.scrubbed) == (1, 1, 1)
        assert is_forgotten(row)
        assert "secret" not in str(everything())

    def test_the_mail_kept_about_it_is_forgotten_with_it(self, house, course, mail):
        assigned(house.budget, [ANA])
        tick()
        assert len(mail.sent) == 1
        with later(91 * DAY):
            tick()
        assert mail.sent == []

    def test_as_soon_as_the_message_was_refused_for_good(self, house, course, mail):
        (row,) = assigned(house.budget, [ANA])
        tick()
        mail.script(ANA, "reject")
        with later(91 * DAY):
            assert tick().scrubbed == 1
        assert is_forgotten(row)
        assert "secret" not in str(everything()), "the traceback of the refusal too"

    def test_as_soon_as_the_message_was_found_unneeded(self, house, course, mail):
        (row,) = assigned(house.budget, [ANA])
        Person.objects.update(mail_suppressed_at=clock.now())
        with later(91 * DAY):
            tick()
        assert is_forgotten(row)

    def test_while_the_message_waits_the_address_is_kept_for_seven_days_and_no_longer(self, house, course, mail):
        (row,) = assigned(house.budget, [ANA])
        tick()
        mail.script(ANA, *["retry"] * 20)
        with later(91 * DAY):
            assert tick().expired == 1
            expired_at = clock.now()
        for span in (MINUTE, HOUR, DAY, 7 * DAY - MINUTE):
            with clock.at(expired_at + span):
                scrub_due(actor=TICK)
                assert not is_forgotten(row)
        with clock.at(expired_at + 7 * DAY):
            assert scrub_due(actor=TICK) == 1
        assert is_forgotten(row)
        assert messages(row)[-1][3] == "dropped"

    def test_how_long_to_wait_is_a_setting(self, house, course, configure):
        configure(scrub_wait_for_mail=HOUR)
        (row,) = assigned(house.budget)
        with later(91 * DAY):
            expire_many([row.pk], actor=CONSOLE)
            assert scrub_due(actor=TICK) == 0
        with later(91 * DAY + HOUR):
            assert scrub_due(actor=TICK) == 1

    def test_a_message_of_an_earlier_cycle_is_not_waited_for(self, house, course):
        (row,) = assigned(house.budget)
        with later(91 * DAY):
            expire_many([row.pk], actor=CONSOLE)  # its message is never sent
            allocate(house.budget, 1)
        with later(182 * DAY):
            expire_many([row.pk], actor=CONSOLE)
            assert {cycle for kind, cycle, *_ in messages(row) if kind == "expired"} == {1, 2}
            assert scrub_due(actor=TICK) == 0, "the message of this cycle waits"


class TestOtherEnds:
    @pytest.mark.parametrize("state", ["cancelled", "errored", "reversed"])
    def test_ninety_days_after_the_end(self, house, course, mail, state):
        (row,) = in_state(state, house.budget, [ANA])
        with later(QUARTER - MINUTE):
            tick()
            assert not is_forgotten(row)
        with later(QUARTER):
            assert tick().scrubbed == 1
        assert is_forgotten(row)
        assert fresh(row).state == state

    @pytest.mark.parametrize("end", ["run", "fund"])
    def test_an_expiry_for_another_reason_keeps_the_address_for_ninety_days(self, house, mail, end):
        make_run(make_course(), "the-run", enroll_by=clock.now() + 5 * DAY if end == "run" else None)
        if end == "fund":
            house.fund.expires_at = clock.now() + 5 * DAY
            house.fund.save()
        (row,) = assigned(house.budget)
        with later(5 * DAY):
            assert tick().expired == 1
        with later(5 * DAY + QUARTER - MINUTE):
            tick()
            assert not is_forgotten(row)
        with later(5 * DAY + QUARTER):
            assert tick().scrubbed == 1

    def test_however_its_mail_fares(self, house, course, mail):
        (row,) = in_state("cancelled", house.budget)
        mail.script(row.learner_email, *["retry"] * 20)
        with later(QUARTER):
            scrub_due(actor=TICK)
        assert is_forgotten(row)

    def test_a_row_without_the_date_of_its_end_goes_by_its_last_change(self, house, course, unaudited):
        (row,) = in_state("cancelled", house.budget)
        LearnerContentAssignment.objects.filter(pk=row.pk).update(cancelled_at=None)
        with later(QUARTER - MINUTE):
            assert scrub_due(actor=TICK) == 0
        with later(QUARTER):
            assert scrub_due(actor=TICK) == 1

    def test_how_long_is_a_setting(self, house, course, configure):
        configure(scrub_after=10 * DAY)
        in_state("cancelled", house.budget)
        with later(10 * DAY):
            assert scrub_due(actor=TICK) == 1

    @pytest.mark.parametrize("state", ["allocated", "accepted"])
    def test_what_is_open_or_accepted_keeps_its_address(self, house, course, state):
        (row,) = in_state(state, house.budget)
        with later(1000 * DAY):
            scrub_due(actor=TICK)
        assert not is_forgotten(row)


class TestSweep:
    def test_it_goes_on_until_nobody_is_left(self, house, course, monkeypatch, configure):
        rows = in_state("cancelled", house.budget, 7)
        real = selectors.due_to_scrub
        monkeypatch.setattr(privacy, "due_to_scrub", lambda: real(2))
        told = []
        with later(QUARTER):
            assert scrub_due(actor=TICK, progress=told.append) == 7
            assert scrub_due(actor=TICK) == 0
        assert told == [2, 2, 2, 1]
        assert all(is_forgotten(row) for row in rows)

    def test_those_who_wait_for_a_mail_do_not_hide_those_who_do_not(self, house, course, monkeypatch):
        monkeypatch.setattr(selectors, "SWEPT_AT_ONCE", 2)
        rows = in_state("expired", house.budget, 7)
        with later(91 * DAY):
            last = max(rows, key=lambda row: row.pk)
            Message.objects.filter(subject_uuid=last.pk).update(state="sent")
            assert selectors.due_to_scrub() == [last.pk]

    def test_somebody_assigned_anew_in_between_keeps_the_address(self, house, course, monkeypatch):
        (row,) = in_state("cancelled", house.budget, [ANA])
        real = privacy.due_to_scrub

        def look_and_renew():
            found = real()
            if found:
                allocate(house.budget, [ANA])
            return found

        monkeypatch.setattr(privacy, "due_to_scrub", look_and_renew)
        with later(QUARTER):
            assert scrub_due(actor=TICK) == 0
        assert (fresh(row).learner_email, fresh(row).state) == (ANA, "allocated")

    def test_an_actor_who_may_not_forget_them_ends_all_the_same(self, house, course, monkeypatch):
        in_state("cancelled", house.budget)
        stranger = make_member(make_customer())
        looks = []
        real = privacy.due_to_scrub
        monkeypatch.setattr(privacy, "due_to_scrub", lambda: real() if looks.append(1) or len(looks) < 4 else [])
        with later(QUARTER):
            assert scrub_due(actor=stranger) == 0
        assert len(looks) == 1, "it would have looked for ever"

    def test_killed_between_the_mails_and_the_rows_it_is_done_next_time(self, house, course, mail, monkeypatch):
        (row,) = assigned(house.budget, [ANA])
        tick()
        cancel_many([row.pk], actor=CONSOLE)
        with later(QUARTER):
            with monkeypatch.context() as killed, pytest.raises(Died):
                killed.setattr(privacy.services, "retire_many", die)
                tick()
            assert tick().scrubbed == 1
        assert mail.sent == []
        assert "secret" not in str(everything())

    def test_killed_right_after_the_rows_no_mail_is_left_behind(self, house, course, mail, monkeypatch):
        (row,) = assigned(house.budget, [ANA])
        tick()
        cancel_many([row.pk], actor=CONSOLE)
        real = services.retire_many

        def retire_and_die(*args, **kwargs):
            real(*args, **kwargs)
            raise Died

        with later(QUARTER), monkeypatch.context() as killed, pytest.raises(Died):
            killed.setattr(privacy.services, "retire_many", retire_and_die)
            scrub_due(actor=TICK)
        assert is_forgotten(row)
        assert mail.sent == [], "nobody would look for it again"

    def test_a_mail_that_leaves_meanwhile_is_forgotten_too(self, house, course, mail, monkeypatch):
        (row,) = assigned(house.budget, [ANA])
        real = services.retire_many

        def retire_while_a_mail_leaves(*args, **kwargs):
            drain()
            assert mail.sent
            return real(*args, **kwargs)

        monkeypatch.setattr(privacy.services, "retire_many", retire_while_a_mail_leaves)
        assert erase_person(Person.objects.get(), actor=CONSOLE) == 1
        assert (is_forgotten(row), mail.sent) == (True, [])


def die(*_args, **_kwargs):
    raise Died


class TestOrphanedPersons:
    def test_somebody_whom_no_assignment_shows_is_forgotten_after_ninety_days(self, house, course):
        Person.objects.create(customer=house.customer, email=ANA, name="Ana Secret")
        with later(QUARTER - MINUTE):
            scrub_due(actor=TICK)
            assert Person.objects.get().email == ANA
        with later(QUARTER):
            scrub_due(actor=TICK)
        assert Person.objects.get().erased_at is not None

    def test_somebody_whom_an_assignment_shows_is_not(self, house, course):
        accepted(house.budget, [ANA])
        with later(1000 * DAY):
            scrub_due(actor=TICK)
        assert Person.objects.get().email == ANA

    def test_an_assignment_of_another_customer_keeps_nobody(self, house, course):
        Person.objects.create(customer=house.customer, email=ANA)
        accepted(make_house().budget, [ANA])
        with later(QUARTER):
            scrub_due(actor=TICK)
        assert dict(Person.objects.values_list("customer_id", "email"))[house.customer.pk].endswith("@retired.invalid")

    def test_an_address_left_behind_for_a_new_one_is_forgotten_too(self, house, course):
        user = make_user("old@example.org", lms_user_id=42)
        assigned(house.budget, ["old@example.org"])
        Profile.objects.filter(user=user).update(verified_key=key_of("new@example.org"))
        allocate(house.budget, ["new@example.org"])
        with later(QUARTER):
            scrub_due(actor=TICK)
        assert sorted(email.partition("@")[2] for email in Person.objects.values_list("email", flat=True)) == [
            "example.org", "retired.invalid",
        ]  # fmt: skip


class TestEraseOnRequest:
    def test_everything_of_one_person_at_one_customer_goes_at_once(self, house, course, mail):
        make_course("DemoX+OTHER")
        ana = make_person(ANA, name="Ana Secret", department="Secret", manager_email="boss.secret@example.org")
        rows = [*accepted(house.budget, [ana]), *assigned(house.budget, [ana], "DemoX+OTHER")]
        mail.script(ANA, "send", "reject")
        tick()
        money = books(house.budget)
        assert erase_person(Person.objects.get(), actor=CONSOLE) == 2
        assert "secret" not in str(everything()).lower()
        assert mail.sent == []
        assert [row.state for row in fresh(rows)] == ["accepted", "allocated"]
        assert books(house.budget) == money
        assert {row.history.latest("history_id").history_change_reason for row in rows} == {"erased on request"}

    def test_at_another_customer_they_stay_known(self, house, course):
        other = make_house()
        assigned(house.budget, [ANA])
        (row,) = assigned(other.budget, [ANA])
        erase_person(Person.objects.get(customer=house.customer), actor=CONSOLE)
        assert fresh(row).learner_email == ANA

    def test_somebody_without_any_assignment_can_be_erased(self, house, course):
        Person.objects.create(customer=house.customer, email=ANA)
        assert erase_person(Person.objects.get(), actor=CONSOLE) == 0
        assert "secret" not in str(everything()).lower()

    @pytest.mark.parametrize("asked", [ANA, "old.secret@example.org"])
    def test_whoever_was_given_another_address_goes_with_all_of_them(self, house, course, asked):
        user = make_user("old.secret@example.org", lms_user_id=42)
        rows = accepted(house.budget, [make_person("old.secret@example.org", name="Ana Secret")])
        Profile.objects.filter(user=user).update(verified_key=key_of(ANA))
        allocate(house.budget, [ANA])
        assert fresh(rows[0]).learner_email == ANA
        user.delete()  # the host's own
        assert erase_person(Person.objects.get(address_key=key_of(asked)), actor=CONSOLE) == 1
        assert "secret" not in str(everything()).lower()
        with nothing_written():
            assert [erase_person(person, actor=CONSOLE) for person in Person.objects.all()] == [0, 0]

    def test_an_admin_of_the_customer_may_and_nobody_else(self, house, course):
        accepted(house.budget, [ANA])
        person = Person.objects.get()
        for stranger in (make_member(make_customer()), make_member(house.customer, Role.LEARNER)):
            with nothing_written(), pytest.raises(NotFound):
                erase_person(person, actor=stranger)
        assert erase_person(person, actor=make_member(house.customer)) == 1

    def test_erasing_again_changes_nothing(self, house, course):
        accepted(house.budget, [ANA])
        erase_person(Person.objects.get(), actor=CONSOLE)
        with nothing_written():
            assert erase_person(Person.objects.get(), actor=CONSOLE) == 0

    def test_an_open_assignment_is_told_nothing_any_more(self, house, course, mail):
        assigned(house.budget, [ANA])
        erase_person(Person.objects.get(), actor=CONSOLE)
        with later(91 * DAY):
            tick()
        assert mail.sent == []

    def test_it_reaches_the_waiting_part_of_a_large_allocation(self, house, course, small_batches):
        assigned(house.budget, [ANA])
        make_course("DemoX+OTHER")
        people = [*(f"learner{number}@example.org" for number in range(1, 5)), ANA]
        batch, recipients = open_batch(house.budget, people, "DemoX+OTHER")
        assert "secret" in str(list(AllocationChunk.objects.values_list("people", flat=True)))
        erase_person(Person.objects.get(), actor=CONSOLE)
        assert "secret" not in str(everything()).lower()
        services.fill_batch(batch)
        assert "secret" not in str(everything()).lower()
        assert len(services.batch_report(batch, recipients).created) == 4
        assert books(house.budget)[0] == 5 * 4900


def test_a_sweep_with_nothing_to_do_writes_nothing(house, course):
    accepted(house.budget, 2)
    with nothing_written():
        assert scrub_due(actor=TICK) == 0
    assert keys(LearnerContentAssignment.objects.filter(address_scrubbed_at__isnull=False)) == []


def test_somebody_forgotten_can_still_accept_and_be_reversed(house, course):
    (row,) = assigned(house.budget)
    retire_many([row.pk], actor=CONSOLE)
    accept([row])
    assert fresh(row).state == "accepted"
    assert Run.objects.count() == 1
