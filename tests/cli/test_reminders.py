"""`bursar reminders` and `bursar texts`: rules, words, what they would do, and in which exit code a mistake ends."""

from datetime import timedelta

import pytest

from bursar.assignments.models import LearnerContentAssignment, MessageText, ReminderPolicy

ADA = "ada@acme.example"


@pytest.fixture
def body(write):
    return write("body.txt", "Dear {{ name }},\r\n\r\nhere: {{ link }}\n")


class TestReminders:
    def test_they_are_off_until_somebody_switches_them_on(self, world, bursar):
        shown = bursar("reminders", "show", "acme-ltd")
        assert "off" in shown.out
        assert "bursar reminders set acme-ltd" in shown.out
        assert bursar("reminders", "set", "acme-ltd", "--json").json == {
            "customer": bursar("customer", "show", "acme-ltd", "--json").json["uuid"],
            "enabled": True, "after_days": [7, 30], "before_days": [1, 7], "per_week": 2, "quiet": "20:00-08:00",
            "working_days_only": False, "digest": True, "muted": [],
        }  # fmt: skip
        assert bursar("reminders", "off", "acme-ltd", "--json").json["enabled"] is False

    def test_every_rule_can_be_set_and_stays_set(self, world, bursar):
        bursar("reminders", "set", "acme-ltd", "--after", "3, 10", "--before", "none", "--per-week", 1,
               "--quiet", "none", "--working-days", "--no-digest")  # fmt: skip
        rules = bursar("reminders", "set", "acme-ltd", "--after", "5", "--json").json
        assert (rules["after_days"], rules["before_days"], rules["per_week"]) == ([5], [], 1)
        assert (rules["quiet"], rules["working_days_only"], rules["digest"]) == (None, True, False)

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [(("--after", "soon"), "invalid_days"), (("--before", "0"), "invalid_days"), (("--quiet", "late"), "invalid_quiet_hours"),
         (("--quiet", "25:00-08:00"), "invalid_quiet_hours"), (("--quiet", "08:00-08:00"), "invalid_quiet_hours"),
         (("--per-week", "0"), "invalid_cap"), (("--after", "none", "--before", "none"), "no_steps")],
    )  # fmt: skip
    def test_a_rule_that_cannot_be_read_is_bad_input(self, world, bursar, arguments, code):
        assert code in bursar("reminders", "set", "acme-ltd", *arguments, code=4).err
        assert not ReminderPolicy.objects.exists()

    def test_a_customer_that_there_is_not_is_bad_input(self, world, bursar):
        for command in ("show", "set", "off", "simulate"):
            bursar("reminders", command, "nobody", code=4)

    def test_a_simulation_names_each_reminder_with_its_reason(self, world, bursar):
        arguments = ("reminders", "simulate", "acme-ltd", "--allocated", "2027-01-01T21:00:00Z", "--deadline", "2027-02-01",
                     "--zone", "Europe/Berlin")  # fmt: skip
        told = bursar(*arguments)
        assert "Note: automatic reminders are off" in told.err
        assert [line.split("  ")[0].strip() for line in told.out.splitlines() if "2027-01" in line and ":" in line][1:] == [
            "Sat 2027-01-09 08:00", "Mon 2027-01-25 08:00", "Sun 2027-01-31 08:00",
        ]  # fmt: skip
        assert "due on 2027-01-08 21:00 UTC, held back" in told.out
        answer = bursar(*arguments, "--json").json
        assert [item["step"] for item in answer["reminders"]] == ["after:7", "before:7", "after:30"], (
            "the newest of a day"
        )
        assert not ReminderPolicy.objects.exists()

    @pytest.mark.parametrize(
        "arguments",
        [("--zone", "Mars"), ("--allocated", "soon"), ("--allocated", "2027-02-01", "--deadline", "2027-02-01")],
    )
    def test_a_simulation_of_nonsense_is_bad_input(self, world, bursar, arguments):
        bursar("reminders", "simulate", "acme-ltd", *arguments, code=4)

    def test_a_tick_reminds_and_says_so(self, allocated, bursar, settings):
        bursar("reminders", "set", "acme-ltd", "--after", "7", "--quiet", "none")
        bursar("tick")
        settings.BURSAR = {**settings.BURSAR, "clock_offset": timedelta(days=8)}
        said = bursar("tick").out
        assert "reminders queued" in said
        assert LearnerContentAssignment.objects.exclude(reminded_at=None).count() == 3


class TestTexts:
    def test_a_text_is_kept_listed_shown_and_removed(self, world, bursar, body):
        assert "built in" in bursar("texts", "list", "acme-ltd").out
        made = bursar("texts", "set", "acme-ltd", "assigned", "--subject", "Yours", "--body", body, "--json").json
        assert (made["language"], made["body"]) == ("en", "Dear {{ name }},\n\nhere: {{ link }}")
        assert "Yours" in bursar("texts", "list", "acme-ltd").out
        assert "the customer's own, in en" in bursar("texts", "preview", "acme-ltd", "assigned").out
        bursar("texts", "remove", "acme-ltd", "assigned")
        assert not MessageText.objects.exists()
        bursar("texts", "remove", "acme-ltd", "assigned", code=4)

    def test_a_preview_with_the_facts_of_an_assignment(self, allocated, bursar, body):
        bursar("texts", "set", "acme-ltd", "reminded", "--subject", "{{ course_title }}!", "--body", body)
        shown = bursar("texts", "preview", "acme-ltd", "reminded", "--assignment", allocated[ADA], "--json").json
        assert (shown["subject"], shown["source"]) == ("One course!", "own")
        assert shown["text"].startswith("Dear Ada,")
        bursar("texts", "preview", "acme-ltd", "reminded", "--assignment", "7", code=4)

    def test_a_draft_is_shown_and_not_kept(self, world, bursar, body):
        shown = bursar("texts", "preview", "acme-ltd", "assigned", "--subject", "Draft", "--body", body)
        assert "in en, not kept" in shown.out
        assert not MessageText.objects.exists()
        bursar("texts", "preview", "acme-ltd", "assigned", "--subject", "Draft", code=2)

    @pytest.mark.parametrize(
        ("content", "code"),
        [("{{7*7}} {{ link }}", "unknown_placeholder"), ("no link", "missing_placeholder"), ("", "empty_text"),
         (b"\xff\xfe\x00", "invalid_encoding"), ("x" * 50_000, "text_too_long")],
    )  # fmt: skip
    def test_a_body_that_cannot_be_kept_is_bad_input(self, world, bursar, write, content, code):
        path = write("bad.txt", content)
        assert code in bursar("texts", "set", "acme-ltd", "assigned", "--subject", "S", "--body", path, code=4).err

    def test_a_file_that_is_not_there_and_a_kind_that_is_none_are_bad_input(self, world, bursar, body, tmp_path):
        bursar("texts", "set", "acme-ltd", "assigned", "--subject", "S", "--body", tmp_path / "none.txt", code=4)
        bursar("texts", "set", "acme-ltd", "promoted", "--subject", "S", "--body", body, code=4)
        bursar("texts", "preview", "acme-ltd", "promoted", code=4)
        bursar("texts", "mute", "acme-ltd", "promoted", code=4)

    def test_a_kind_can_be_muted_and_sent_again(self, world, bursar):
        assert bursar("texts", "mute", "acme-ltd", "nudged", "--json").json["muted"] == ["nudged"]
        assert "Not sent at all: nudged" in bursar("texts", "list", "acme-ltd").out
        assert "sends no such mail" in bursar("texts", "preview", "acme-ltd", "nudged").err
        assert bursar("texts", "unmute", "acme-ltd", "nudged", "--json").json["muted"] == []
