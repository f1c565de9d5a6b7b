"""The model, continued: what people are told, what they answer, who they are, and how they are forgotten."""

from datetime import timedelta

from tests.walk.model import ACTION_OF, BACK_OFF, MAIL_LEASE, PRIORITY, UNCERTAIN, Model
from tests.walk.records import DAY, ENDED

KEPT = 90 * DAY
WAIT_FOR_MAIL = 7 * DAY
NUDGE_DAYS = 14
LAST_TRY = len(BACK_OFF)


class People(Model):
    # Telling

    def remind(self, row, now):
        if row.pending:
            return "redemption_in_progress"
        if row.state != "allocated":
            return "wrong_state"
        if row.is_waiting_for("reminded"):
            return "already_queued"
        before = [item.ordinal for item in row.messages if (item.kind, item.cycle) == ("reminded", row.cycle)]
        row.send("reminded", now, max(before, default=0) + 1)
        return "queued"

    def nudge(self, now):
        """Nudge who accepted long ahead of a course that starts soon, once."""
        queued = 0
        ahead = timedelta(days=NUDGE_DAYS)
        for row in self.rows:
            paid = row.payments[-1] if row.state == "accepted" else None
            known = any((item.kind, item.cycle) == ("nudged", row.cycle) for item in row.messages)
            if (
                paid
                and paid.start
                and now <= paid.start < now + ahead
                and paid.created <= paid.start - ahead
                and not known
            ):
                row.send("nudged", now, NUDGE_DAYS)
                queued += 1
        return queued

    def recover(self, now):
        """Take up mails whose sender died: news is sent again, a reminder is left as unknown."""
        for row in self.rows:
            for message in row.messages:
                if message.state != "committing" or message.lease >= now - UNCERTAIN:
                    continue
                again = message.kind not in ("reminded", "nudged") and message.attempts < LAST_TRY
                message.attempts += 1
                message.state = "pending" if again else "unknown"

    def deliver(self, outcome_of, due_of, now):
        """Send what is due; returns how many were sent, dropped, failed and put off."""
        waiting = [(message, row) for row in self.rows for message in row.messages]
        due = [(item, row) for item, row in waiting if item.state == "pending" and item.due <= now]
        told = {"sent": 0, "dropped": 0, "failed": 0, "retried": 0}
        for message, row in sorted(due, key=lambda pair: PRIORITY[pair[0].kind]):
            too_late = self._says_nothing_any_more(message, row, now) or row.why_unneeded(message, now)
            outcome = "dropped" if too_late else outcome_of(row)
            ended = self._settle_mail(row, message, outcome, due_of, now)
            if ended:
                told[ended] += 1
        return told

    def _says_nothing_any_more(self, message, row, now):
        """Whether nobody can enrol any more where a reminder leads, or the course of a nudge has begun."""
        if message.kind == "reminded":
            return not self.is_open(row.content, row.run, now)
        start = row.payments[-1].start if row.payments else None
        return message.kind == "nudged" and start is not None and start <= now

    def _settle_mail(self, row, message, outcome, due_of, now):
        if outcome == "dropped":
            message.state = "dropped"
            return "dropped"
        if outcome == "raise":
            message.state, message.lease = "committing", now + MAIL_LEASE
            return None
        message.attempts += 1
        kind = ACTION_OF.get(message.kind)
        if outcome == "retry" and message.attempts <= LAST_TRY:
            self._put_off(message, due_of(row, message), now)
            return "retried"
        message.state = "sent" if outcome == "send" else "failed"
        if kind:
            row.act(kind, now, succeeded=outcome == "send")
        return message.state

    def _put_off(self, message, due, now):
        """Take over when it is tried again, which is chance within 20 % of the table."""
        pause = BACK_OFF[message.attempts - 1]
        assert 0.8 * pause <= due - now <= 1.2 * pause, "tried again outside the back-off"
        message.due = due

    # Answering

    def acknowledge(self, rows, number, now):
        """What a learner has seen; None when none of it is theirs."""
        mine = [row for row in rows if row.number == number]
        if not mine:
            return None
        outcome = {"now": [], "before": [], "never": []}
        for row in mine:
            outcome[self._acknowledge(row, now)].append(row.uuid)
        return outcome

    def _acknowledge(self, row, now):
        if row.state not in ("cancelled", "expired"):
            return "never"
        happened = row.last(row.state) or row.stamps[row.state]
        seen = row.last(f"{row.state}_acknowledged")
        if seen is not None and seen >= happened:
            return "before"
        row.act(f"{row.state}_acknowledged", now)
        return "now"

    def extend(self, row, until, reason):
        if row.state != "allocated":
            return "wrong_state"
        row.personal = until
        row.note(reason)
        row.retime()
        return "moved"

    # Knowing

    def link(self, user, now):
        """Give a user with a proven address what is assigned to it; returns how many assignments."""
        if user.verified != user.address:
            return 0
        person = self.persons.get(user.address)
        if person and person.number != user.number:
            person.number, person.modified = user.number, now
        mine = [row for row in self.rows if row.address == user.address and row.number is None]
        linked = [row for row in mine if not self.is_taken(row, user.number)]
        for row in linked:
            row.number = user.number
            row.note("linked to a user")
        return len(linked)

    def is_taken(self, row, number):
        """Whether this user has the same content from the same budget already."""
        same = (row.purse, row.content, number)
        return any((other.purse, other.content, other.number) == same for other in self.rows if other is not row)

    # Forgetting

    def scrub(self, rows, reason):
        for row in rows:
            if row.is_scrubbed:
                continue
            address, row.address, row.is_scrubbed = row.address, None, True
            row.note(reason)
            row.withdraw(PRIORITY)
            if all(other.address != address for other in self.rows):
                self.persons.pop(address, None)

    def scrub_due(self, now):
        due = [row for row in self.rows if not row.is_scrubbed and self._is_to_scrub(row, now)]
        self.scrub(due, "personal data removed")
        shown = {row.address for row in self.rows}
        for address in [key for key, person in self.persons.items() if person.modified <= now - KEPT]:
            if address not in shown:
                del self.persons[address]
        return len(due)

    def _is_to_scrub(self, row, now):
        if row.state not in ENDED:
            return False
        age = now - row.stamps[row.state]
        timed_out = row.state == "expired" and row.expires[1] == "NINETY_DAYS_PASSED"
        settled = not row.is_waiting_for("expired")
        return age >= KEPT or (timed_out and (settled or age >= WAIT_FOR_MAIL))

    def erase(self, address):
        number = self.persons[address].number
        names = {address} | {
            name for name, person in self.persons.items() if number is not None and person.number == number
        }
        mine = [
            row
            for row in self.rows
            if row.address in names or (number is not None and row.number == number and not row.is_scrubbed)
        ]
        self.scrub(mine, "erased on request")
        for name in names:
            self.persons.pop(name, None)
        return len(mine)

    # For comparing

    def counts(self):
        """How many of each list there are in each budget, as the lists keep them."""
        found = {}
        for row in self.rows:
            learner = row.learner_state if row.state == "allocated" else None
            column = f"{row.state}_{learner}" if learner else row.state
            found.setdefault(row.purse, {}).setdefault(column, 0)
            found[row.purse][column] += 1
        return found

    def row_at(self, places):
        """Rows by places drawn at random, whatever the number of rows."""
        return list(dict.fromkeys(self.rows[place % len(self.rows)] for place in places)) if self.rows else []
