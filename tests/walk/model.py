"""What the product must do, verb by verb, in plain Python over plain records: the other half of every comparison."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from tests.walk.records import DAY, ENDED, Payment, Person, Purse, Row, User

INLINE, CHUNK = 3, 2
MAIL_LEASE, UNCERTAIN = timedelta(minutes=2), timedelta(minutes=10)
BACK_OFF = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 1440)]
PRIORITY = {"assigned": 1, "cancelled": 2, "expired": 3, "reminded": 4, "nudged": 6}
ACTION_OF = {"assigned": "notified", "reminded": "reminded", "cancelled": "cancelled", "expired": "expired"}
STATE_CODES = {
    "cancelled": "reason_learner_assignment_cancelled",
    "expired": "reason_learner_assignment_expired",
    "errored": "reason_learner_assignment_failed",
    "reversed": "reason_learner_assignment_reversed",
}


@dataclass
class Course:
    """Something that can be assigned: a course by its runs, or one run of a course."""

    price: int
    runs: list[str]
    run: str | None = None


@dataclass
class Offer:
    purse: str
    content: str
    run: str | None
    price: int
    enroll_by: datetime | None
    fund_end: datetime | None


@dataclass
class Find:
    """What an allocation will do for one recipient."""

    position: int
    address: str
    action: str
    row: Row | None = None
    number: int | None = None
    is_moved: bool = False
    first: str | None = None


class Model:
    def __init__(self, *, balance, limits, courses, runs):
        self.entries = Counter({"deposit": balance})
        self.purses = {name: Purse(limit) for name, limit in limits.items()}
        self.courses, self.runs = courses, runs
        self.fund_end = None
        self.rows: list[Row] = []
        self.persons: dict[str, Person] = {}
        self.users: list[User] = []
        self.batches: dict = {}
        self.is_catalog_changed = False

    # Money

    @property
    def balance(self):
        return self.entries.total()

    @property
    def fund_free(self):
        return self.balance - sum(purse.held for purse in self.purses.values())

    def free(self, purse):
        return purse.limit - purse.held - purse.spent

    def why_unpayable(self, purse, cents):
        if cents > max(0, self.fund_free) and cents:
            return "not_enough_value_in_subsidy"
        return "policy_spend_limit_reached" if cents > self.free(purse) and cents else None

    # Catalog

    def meant(self, content, run):
        """The run that is assigned or preferred."""
        course = self.courses[content]
        return course.run or (run if run in course.runs else None)

    def is_open(self, content, run, now):
        meant, course = self.meant(content, run), self.courses[content]
        keys = [meant] if meant else course.runs
        return not keys or any(self.runs[key].is_open(now) for key in keys)

    def enroll_by(self, content, run, now):
        if meant := self.meant(content, run):
            return self.runs[meant].enroll_by
        terms = [self.runs[key] for key in self.courses[content].runs]
        if usable := [term.enroll_by for term in terms if term.is_open(now)]:
            return None if None in usable else max(usable)
        return max((term.enroll_by or term.end for term in terms if term.enroll_by or term.end), default=None)

    def first_open(self, content, now):
        keys = [key for key in self.courses[content].runs if self.runs[key].is_open(now)]
        return min(keys, key=lambda key: (self.runs[key].start is None, self.runs[key].start, key), default=None)

    def reschedule(self, now):
        """Take over changed dates into everything open."""
        for row in self.allocated() if self.is_catalog_changed else ():
            row.enroll_by = self.enroll_by(row.content, row.run, now)
            row.retime()
        self.is_catalog_changed = False

    def end_fund(self, moment):
        self.fund_end = moment
        for row in self.allocated():
            row.fund_end = moment
            row.retime()

    def is_fund_over(self, now):
        return self.fund_end is not None and self.fund_end <= now

    def allocated(self):
        return [row for row in self.rows if row.state == "allocated"]

    # Allocating

    def offer(self, purse, content, run, price, now):
        """The offer, or why there is none."""
        course = self.courses[content]
        cents = course.price if price is None else price
        if abs(cents - course.price) * 100 > course.price * 5:
            return "PriceValidationError"
        if not self.is_open(content, run, now):
            return "beyond_enrollment_deadline"
        if self.is_fund_over(now):
            return "subsidy_expired"
        return Offer(purse, content, course.run or run, cents, self.enroll_by(content, run, now), self.fund_end)

    def number_of(self, address):
        """The user id that goes with an address: the user's who has proven it, else the person's."""
        proven = next((user.number for user in self.users if user.verified == address), None)
        person = self.persons.get(address)
        return proven if proven is not None else person and person.number

    def survey(self, offer, people):
        """Find what will be done for each; a person named by two addresses counts once."""
        rows = [row for row in self.rows if (row.purse, row.content) == (offer.purse, offer.content)]
        by_address = {row.address: row for row in rows if row.address}
        by_number = {row.number: row for row in rows if row.number is not None}
        met, found = {}, []
        for position, address in people:
            number = self.number_of(address)
            row = by_address.get(address) or by_number.get(number)
            if first := met.get(row or number):
                found.append(Find(position, address, "unchanged", row, first=first))
                continue
            has_one = row is not None and row.number is not None
            spare = None if number in by_number or number in met or has_one else number
            met |= {key: address for key in (row, spare) if key is not None}
            find = Find(position, address, "create", row, spare, row is not None and row.address != address)
            found.append(self._decide(offer, find) if row else find)
        return found

    def _decide(self, offer, find):
        row = find.row
        incomplete = find.number is not None or find.is_moved or offer.run not in (None, row.run)
        if row.state in ENDED:
            find.action = "renew"
        elif row.state == "allocated" and row.pending is None and incomplete:
            find.action = "complete"
        else:
            find.action, find.number = "unchanged", None
        return find

    def parts(self, offer, people):
        """Part people into what one transaction takes, all the addresses of a person together."""
        if len(people) <= INLINE:
            return [people]
        persons = {}
        for find in self.survey(offer, people):
            persons.setdefault(find.first or find.address, []).append((find.position, find.address))
        groups = list(persons.values())
        return [list(chain(*groups[at : at + CHUNK])) for at in range(0, len(groups), CHUNK)]

    def why_not_all(self, offer, people):
        cents = charged(self.survey(offer, people)) * offer.price
        return self.why_unpayable(self.purses[offer.purse], cents)

    def allocate(self, offer, people, batch, uuids, now):
        """Allocate to everybody; returns positions by outcome, and what was charged."""
        purse = self.purses[offer.purse]
        hold = charged(self.survey(offer, people)) * offer.price
        purse.held += hold
        outcome, total = {"created": [], "updated": [], "unchanged": [], "refused": []}, 0
        for part in self.parts(offer, people):
            found = self._drop_unaffordable(offer, self.survey(offer, part), hold, outcome)
            cents = charged(found) * offer.price
            self._place(offer, found, batch, uuids, now)
            for find in found:
                names = {"create": "created", "renew": "updated", "complete": "updated"}
                outcome[names.get(find.action, "unchanged")].append(find.position)
            purse.held += max(0, cents - hold)
            hold, total = max(0, hold - cents), total + cents
        purse.held -= hold
        if batch is not None:
            self.batches[batch] = "done"
        return outcome, total

    def _drop_unaffordable(self, offer, found, hold, outcome):
        if charged(found) * offer.price <= hold:
            return found
        left = max(0, min(self.fund_free, self.free(self.purses[offer.purse])))
        paying = [find for find in found if find.action in ("create", "renew")]
        gone = {find.address for find in paying[(hold + left) // offer.price :]}
        dropped = [find for find in found if find.address in gone or find.first in gone]
        outcome["refused"] += [find.position for find in dropped]
        return [find for find in found if find not in dropped]

    def _place(self, offer, found, batch, uuids, now):
        for find in found:
            if find.address not in self.persons:
                self.persons[find.address] = Person(self.number_of(find.address), now)
        for find in found:
            if find.action == "create":
                self._create(offer, find, batch, uuids, now)
            elif find.action == "renew":
                self._renew(offer, find, batch, now)
            elif find.action == "complete":
                if offer.run is not None:
                    find.row.run, find.row.enroll_by = offer.run, offer.enroll_by
                    find.row.retime()
                self._identify(find)
                find.row.note("details filled in")
            elif find.is_moved:
                self._identify(find)
                find.row.note("details filled in")

    def _create(self, offer, find, batch, uuids, now):
        row = Row(
            uuids[find.position], offer.purse, offer.content, find.address, find.number, now, offer.price, offer.run,
            offer.enroll_by, offer.fund_end, batch,
        )  # fmt: skip
        self.rows.append(row)
        self._begin(row, now, "allocated")

    def _renew(self, offer, find, batch, now):
        row = find.row
        row.run, row.enroll_by, row.fund_end = offer.run, offer.enroll_by, offer.fund_end
        row.cents, row.batch, row.personal = offer.price, batch, None
        row.cycle += 1
        self._identify(find)
        row.is_scrubbed = False
        self._begin(row, now, "renewed")

    def _begin(self, row, now, reason):
        row.enter("allocated", now, reason)
        row.act("learner_linked", now)
        row.send("assigned", now)
        row.retime()

    def _identify(self, find):
        row = find.row
        row.number = row.number if find.number is None else find.number
        if find.is_moved:
            row.address, row.is_scrubbed = find.address, False

    def undo(self, batch, now):
        rows = [row for row in self.rows if row.batch == batch]
        if self.batches[batch] != "done" or any(row.state == "accepted" or row.pending for row in rows):
            return "batch_not_undoable"
        self.batches[batch] = "undone"
        for row in rows:
            if row.state in ("allocated", "errored"):
                told = row.last("notified")
                row.withdraw(["assigned"])
                self._end(row, "cancelled", now, "allocation undone", tell=told is not None and told >= row.begun)
        return None

    # Ending

    def _end(self, row, state, now, reason, *, tell=True):
        if row.state == "allocated":
            self.purses[row.purse].held -= row.cents
        row.enter(state, now, reason)
        if tell:
            row.send(state, now)

    def cancel(self, row, now):
        if row.state == "cancelled":
            return "unchanged"
        if row.pending:
            return "redemption_in_progress"
        if row.state not in ("allocated", "errored"):
            return "wrong_state"
        self._end(row, "cancelled", now, "cancelled by an admin")
        return "cancelled"

    def expire(self, now):
        return sum(self.expire_one(row, now) == "expired" for row in self.rows)

    def expire_one(self, row, now):
        if row.pending:
            return "redemption_in_progress"
        if row.state != "allocated":
            return "wrong_state"
        if row.expires[0] > now:
            return "not_yet_due"
        self._end(row, "expired", now, "expired")
        return "expired"

    def reverse(self, row, now):
        if row.state == "reversed":
            return "unchanged"
        if row.state != "accepted":
            return "wrong_state"
        purse = self.purses[row.purse]
        row.payments[-1].is_reversed = True
        purse.spent -= row.cents
        self.entries["reversal"] += row.cents
        row.enter("reversed", now, "reversed")
        row.act("reversed", now)
        return "reversed"

    # Accepting

    def why_not_redeem(self, row, run, number, now):
        course = self.courses[row.content]
        wanted = run or course.run or row.run or self.first_open(row.content, now)
        refusals = (
            (number is not None and row.number != number, "reason_learner_not_assigned_content"),
            (wanted is not None and wanted not in ([course.run] if course.run else course.runs), "wrong_run"),
            (not self.is_open(row.content, wanted, now), "beyond_enrollment_deadline"),
            (self.is_fund_over(now), "subsidy_expired"),
            (row.state != "allocated", STATE_CODES.get(row.state)),
        )
        return next((code for refused, code in refusals if refused), None)

    def begin(self, row, run, now):
        wanted = run or self.courses[row.content].run or row.run or self.first_open(row.content, now)
        start = self.runs[wanted].start if wanted else None
        row.payments.append(Payment(row.cents, now, now + timedelta(minutes=2), start))

    def settle(self, row, outcome, now):
        payment, purse = row.pending, self.purses[row.purse]
        if outcome == "unclear" and now - payment.created >= DAY:
            outcome = "refused"
        if outcome == "unclear":
            payment.due = now + min(timedelta(hours=1), timedelta(minutes=2) * 2 ** min(payment.attempts, 10))
            payment.attempts += 1
            return
        payment.state = "committed" if outcome == "enrolled" else "failed"
        payment.attempts, payment.due = payment.attempts + 1, None
        purse.held -= row.cents
        if outcome == "enrolled":
            purse.spent += row.cents
            self.entries["redemption"] -= row.cents
            row.enter("accepted", now, "accepted")
        else:
            row.enter("errored", now, "enrolment failed")
        row.act("redeemed", now, succeeded=outcome == "enrolled")

    def due_to_resume(self, now):
        return [row for row in self.rows if row.pending and row.pending.due <= now]


def charged(found):
    """How many of those found must be paid for."""
    return sum(find.action in ("create", "renew") for find in found)
