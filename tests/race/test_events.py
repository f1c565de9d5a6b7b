"""Events written by many at once: a reader with a cursor misses none, numbers per subject follow the commits, eight workers."""

import json
import threading
import time
from collections import Counter, defaultdict
from uuid import uuid4

import pytest
from django.db import connection, transaction
from tests.race.crowd import at_once, figure, summary

from bursar.assignments import services as verbs
from bursar.assignments.audit import run_audit
from bursar.assignments.events import EventType
from bursar.assignments.flows import AllocationRequest, allocate, redeem_many
from bursar.assignments.services import RedemptionRequest
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.worker import drain
from bursar.ports.webhooks import Answer
from bursar.testing import factories
from bursar.webhooks.models import Event
from bursar.webhooks.selectors import feed
from bursar.webhooks.services import Fact, add_endpoint, publish_due, record_events

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 6
EACH = 40
URL = "https://hooks.example.org/"


def write(customer, number):
    """Write events one by one, in transactions that last a different time each."""
    for turn in range(EACH):
        with transaction.atomic():
            record_events(EventType.ACCEPTED, [Fact(customer, uuid4(), {"writer": number})], at=clock.now())
            time.sleep(0.004 * ((number + turn) % 4))


class Reader(threading.Thread):
    """Follows the events with a cursor while they are written, and once more afterwards."""

    def __init__(self, read):
        super().__init__(daemon=True)
        self.read, self.found, self.stop = read, [], threading.Event()

    def run(self):
        try:
            while not self.stop.is_set():
                self.found += self.read()
            while part := self.read():
                self.found += part
        finally:
            connection.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.join(60)


def by_id():
    """Read by the id that the database gave at the time of writing."""
    last = 0

    def read():
        nonlocal last
        rows = list(Event.objects.filter(id__gt=last).order_by("id").values_list("id", "uuid"))
        last = rows[-1][0] if rows else last
        return [uuid for _, uuid in rows]

    return read


def by_position(customer, limit):
    cursor = 0

    def read():
        nonlocal cursor
        page = feed(customer, after=cursor, limit=limit, actor=CONSOLE)
        cursor = page.cursor
        return [event.uuid for event in page.events]

    return read


def test_control_a_cursor_over_ids_misses_what_commits_late():
    customer = factories.make_customer().pk
    with Reader(by_id()) as reader:
        assert summary(at_once(*[lambda n=n: write(customer, n) for n in range(WRITERS)])) == {"done": WRITERS}
        time.sleep(0.1)
    missed = WRITERS * EACH - len(reader.found)
    figure(f"CONTROL events of {WRITERS * EACH} that a cursor over ids missed", missed)
    assert missed > 0


@pytest.mark.parametrize("limit", [3, 1000])
def test_a_cursor_over_positions_misses_nothing_and_sees_nothing_twice(limit):
    customer = factories.make_customer().pk
    with Reader(by_position(customer, limit)) as one, Reader(by_position(customer, limit)) as two:
        done = at_once(
            *[lambda n=n: write(customer, n) for n in range(WRITERS)], publish_while(1.0), publish_while(1.0)
        )
        assert summary(done) == {"done": WRITERS + 2}
        time.sleep(0.5)
    everything = by_position(customer, 10_000)()
    assert len(everything) == WRITERS * EACH
    for reader in (one, two):
        assert reader.found == everything
    positions = list(Event.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, WRITERS * EACH + 1))
    assert run_audit() == []


def publish_while(seconds):
    def publish():
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            publish_due()

    return publish


def test_publishers_at_once_leave_one_message_for_each_event(settings):
    settings.BURSAR = {**settings.BURSAR, "webhook_port": "tests.race.test_events.SlowReceivers"}
    customer = factories.make_customer().pk
    add_endpoint(customer, URL, actor=CONSOLE)
    with transaction.atomic():
        facts = [Fact(customer, uuid4(), {}) for _ in range(3000)]
        record_events(EventType.ACCEPTED, facts, at=clock.now())
    done = at_once(*[publish_due] * 4)
    assert sum(done) == 3000
    from bursar.outbox.models import Message

    subjects = Counter(Message.objects.filter(topic="webhook").values_list("subject_uuid", flat=True))
    assert (len(subjects), set(subjects.values())) == (3000, {1})


class SlowReceivers:
    """Takes a moment for each, a different one, so that deliveries overtake each other."""

    arrived = []
    bodies = {}

    def post_many(self, calls, *, intent):
        for call in calls:
            if intent(call.message):
                time.sleep(0.002 * (hash(call.message) % 5))
                self.arrived.append((call.headers["webhook-id"], json.loads(call.body)))
                yield Answer(call.message, 200)


def test_with_eight_workers_nobody_goes_back_who_minds_the_number(settings, course):
    """Row D4: each assignment's numbers follow its life, and whoever ignores lower ones ends with the last word."""
    settings.BURSAR = {**settings.BURSAR, "webhook_port": "tests.race.test_events.SlowReceivers"}
    SlowReceivers.arrived.clear()
    house = factories.make_house(limit_cents=10**9, deposit_cents=10**9)
    add_endpoint(house.customer.pk, URL, actor=CONSOLE)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            publish_due()
            drain(2)

    def live(people):
        request = AllocationRequest(house.budget, factories.COURSE)
        keys = [one.assignment for one in allocate(request, people, actor=CONSOLE).created]
        for _ in range(3):
            verbs.cancel_many(keys, actor=CONSOLE)
            allocate(request, people, actor=CONSOLE)
        redeem_many([RedemptionRequest(key) for key in keys], actor=CONSOLE)
        verbs.reverse_many(keys, actor=CONSOLE)

    def lives():
        try:
            for start in range(5):
                live(factories.make_people(6, prefix=f"p{start}x"))
        finally:
            time.sleep(0.5)
            stop.set()

    assert summary(at_once(lives, *[work] * 8)) == {"done": 9}
    publish_due()
    drain()
    seen, overtaken = {}, 0
    last_word = {}
    for _, body in SlowReceivers.arrived:
        key, number = body["data"]["assignment"], body["data"]["sequence"]
        if number <= seen.get(key, 0):
            overtaken += 1  # the consumer's rule: what is not newer is old news
            continue
        seen[key], last_word[key] = number, body["data"]["state"]
    figure("deliveries that were overtaken", overtaken)
    assert set(last_word.values()) == {"reversed"}
    assert Counter(seen.values()) == {9: 30}
    lifes = defaultdict(list)
    for event in Event.objects.order_by("subject_uuid", "sequence"):
        lifes[event.subject_uuid].append(event.type.removeprefix("assignment."))
    whole = ["allocated", *["cancelled", "renewed"] * 3, "accepted", "reversed"]
    assert all(life == whole for life in lifes.values())
    assert Counter(identity for identity, _ in SlowReceivers.arrived).most_common(1)[0][1] == 1
    assert run_audit() == []
