"""Mail servers that refuse, put off, break off and fall silent: each is answered as it deserves, and nothing doubles."""

from collections import Counter
from datetime import timedelta

import pytest
from tests.faults.figures import size
from tests.faults.sinks import sink
from tests.faults.steps import DAY, assigned, deliver_once, later, mails, post_to, states

from bursar.outbox import retries

EACH = size(full=20, short=2)
LEASE = timedelta(seconds=size(full=60, short=6))
UNCERTAIN_FOR = timedelta(seconds=1)
LAST_TRY = len(retries.MAIL) + 1
# What the server does at the first try, and how the message stands then: waiting for another try, or settled.
STEPS = {
    "421 mail": "pending",
    "451 rcpt": "pending",
    "452 data": "pending",
    "451 dot": "pending",
    "550 rcpt": "failed",
    "554 dot": "failed",
    "reset before dot": "pending",
    "lost at dot": "committing",
    "reset after dot": "committing",
    "silent at dot": "committing",
    "silent": "pending",
    "slow": "sent",
}
FINAL = {"failed": "failed"}
STOPPERS = {"silent at dot", "silent"}  # after which a call puts the rest off, untried: a mail each is enough


def ours(mail, **more):
    look_up = "bursar.adapters.mail_lookup_postfix.find"
    return {
        "mail_lease": LEASE, "mail_uncertain_for": UNCERTAIN_FOR, "mail_lookup": look_up, "mail_log": str(mail.log),
        "mail_log_complete": True,
    } | more  # fmt: skip


def script_for(step, people):
    anybody = step in {"421 mail", "silent"}
    return {"*": [step] * people} if anybody else {f"learner{n}@example.org": [step] for n in range(1, people + 1)}


def deliver_through(house, settings, directory, step, **more):
    """Meet `step` at the first try of each mail, then deliver until all is settled; returns states, ends and the sink."""
    people = 1 if step in {*STOPPERS, "slow"} else EACH
    assigned(house, people)
    with sink(directory, script=script_for(step, people), delay=(0, 0)) as mail:
        post_to(settings, mail, **ours(mail, **more))
        deliver_once()
        first = states()
        for day in range(1, LAST_TRY + 1):
            with later(2 * day * DAY):
                deliver_once()
        return people, first, states(), mail.taken(), len(mail.events("connected"))


def test_control_c8_taking_silence_after_the_dot_for_a_failure_sends_twice(house, settings, tmp_path, row):
    people, _, _, taken, _ = deliver_through(
        house, settings, tmp_path, "reset after dot", mail_port="tests.faults.controls.Hopeful"
    )
    doubled = sum(times > 1 for times in taken.values())
    row.shows(step="reset after dot", mails=people, doubled=doubled)
    assert doubled == people


@pytest.mark.parametrize("step", STEPS)
def test_c8_a_server_that_misbehaves_is_tried_again_just_when_the_mail_has_not_left(
    house, settings, tmp_path, step, row
):
    people, first, last, taken, connections = deliver_through(house, settings, tmp_path, step)
    attempts = Counter(mails().values_list("attempts", flat=True))
    row.shows(
        step=step, mails=people, after_the_first_try=first, at_the_end=last, connections=connections,
        doubled=sum(times > 1 for times in taken.values()), most_attempts=max(attempts),
    )  # fmt: skip
    assert first == {STEPS[step]: people}
    end = FINAL.get(STEPS[step], "sent")
    assert last == {end: people}
    assert max(attempts) <= 2
    assert (len(taken), set(taken.values())) == ((people, {1}) if end == "sent" else (0, set()))


def test_c8_a_mail_put_off_for_ever_is_given_up_after_its_last_try(house, settings, tmp_path, row):
    assigned(house, EACH)
    script = {f"learner{n}@example.org": ["451 rcpt"] * 99 for n in range(1, EACH + 1)}
    with sink(tmp_path, script=script, delay=(0, 0)) as mail:
        post_to(settings, mail, **ours(mail))
        for day in range(LAST_TRY + 3):
            with later(2 * day * DAY):
                deliver_once()
        tries = Counter(event["to"] for event in mail.events("met"))
    row.shows(mails=EACH, tries_each=max(tries.values()), at_the_end=states())
    assert set(tries.values()) == {LAST_TRY}
    assert states() == {"failed": EACH}
