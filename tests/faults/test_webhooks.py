"""Webhooks under faults: misbehaving receivers, changed secrets, workers killed while they post, a neighbour that hangs."""

import json
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from signal import SIGKILL
from uuid import uuid4

import httpx
import pytest
from django.db import transaction
from standardwebhooks import Webhook, WebhookVerificationError
from tests.db.webhooks.receiver import Listener, Receiver
from tests.faults.figures import size
from tests.faults.killer import Journal, Process, end, hands, until
from tests.faults.steps import deliver_for_ever, states, waiting

from bursar.assignments.events import EventType
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend, forget_backends
from bursar.outbox.models import Message
from bursar.outbox.worker import drain
from bursar.ports.webhooks import Answer
from bursar.testing import factories
from bursar.webhooks import flows, signing
from bursar.webhooks.models import Endpoint, Event
from bursar.webhooks.services import Fact, add_endpoint, publish_due, record_events, rotate_secret

HOST = "127.0.0.1"
HANGS_SECONDS = size(full=31, short=4)
LASTS_SECONDS = size(full=15, short=1)
SIGNED = 1_000
KILLS = size(full=500, short=40)
WORKERS = 2
NEIGHBOURS = size(full=1_000, short=200)
READ_AT_MOST = 65_536


@pytest.fixture(autouse=True)
def customer(course):
    return factories.make_customer().pk


@pytest.fixture
def permit(settings):
    """Return a function that lets webhooks go to these ports of this machine, with more settings of ours."""

    def change(*ports, **ours):
        mine = {
            "webhook_tcp_ports": ports,
            "webhook_allow": (HOST,),
            "webhook_timeout": timedelta(seconds=LASTS_SECONDS),
        }
        settings.BURSAR = settings.BURSAR | mine | ours

    return change


def subscribe(customer, url):
    return add_endpoint(customer, url, actor=CONSOLE).endpoint


def happen(customer, count):
    with transaction.atomic():
        facts = [Fact(customer, uuid4(), {"number": number}) for number in range(count)]
        record_events(EventType.ACCEPTED, facts, at=clock.now())
    publish_due()


# D1

MATRIX = {
    "status/200": ("sent", ""), "status/204": ("sent", ""), "status/301": ("pending", "http_301"),
    "redirect/302": ("pending", "http_302"), "status/400": ("pending", "http_400"), "status/410": ("failed", "http_410"),
    "status/429": ("pending", "http_429"), "status/500": ("pending", "http_500"), "status/502": ("pending", "http_502"),
    "hang": ("pending", "timeout"), "reset": ("pending", "broken_answer"), "big/200": ("sent", ""),
    "endless/500": ("pending", "http_500"), "drip": ("pending", "timeout"), "garbage": ("pending", "broken_answer"),
}  # fmt: skip


class Trusting:
    """Posts as a library does that was told nothing: follows redirects, reads everything."""

    def post_many(self, calls, *, intent):
        with httpx.Client(follow_redirects=True, timeout=HANGS_SECONDS, trust_env=False) as client:
            for call in calls:
                if intent(call.message):
                    try:
                        yield Answer(call.message, client.post(call.url, content=call.body).status_code)
                    except httpx.HTTPError:
                        yield Answer(call.message, None, "broken_answer")


def met_with(customer, path, permit):
    """Deliver one event to a receiver of this kind; returns how it ended and what that cost."""
    with Listener() as inside, Receiver(redirect_to=f"http://{HOST}:{inside.port}/", retry_after="3600") as receiver:
        permit(receiver.port, inside.port)
        row = subscribe(customer, f"http://{HOST}:{receiver.port}/{path}")
        happen(customer, 1)
        began = time.monotonic()
        drain(1)
        message = Message.objects.get(ordinal=row.pk)
        row.refresh_from_db()
        found = {
            "ended": (message.state, message.error_code), "seconds": time.monotonic() - began, "poured": receiver.sent,
            "inside": inside.connections, "wait": message.due_at - message.created, "disabled": row.disabled_at is not None,
        }  # fmt: skip
        row.delete()
        return found


@pytest.mark.on_both
def test_control_d1_a_client_without_rules_is_led_inside_and_reads_fifty_megabytes(customer, permit, settings, row):
    settings.BURSAR = settings.BURSAR | {"webhook_port": "tests.faults.test_webhooks.Trusting"}
    led, big = met_with(customer, "redirect/307", permit), met_with(customer, "big/200", permit)
    row.shows(connections_inside=led["inside"], megabytes_read=big["poured"] // 10**6)
    assert led["inside"]
    assert big["poured"] == 50_000_000 // READ_AT_MOST * READ_AT_MOST + READ_AT_MOST


@pytest.mark.on_both
def test_d1_every_kind_of_receiver_ends_as_the_table_says(customer, permit, row):
    found = {path: met_with(customer, path, permit) for path in MATRIX}
    row.shows(
        receivers=len(MATRIX), as_the_table_says=sum(found[path]["ended"] == MATRIX[path] for path in MATRIX),
        longest_seconds=round(max(one["seconds"] for one in found.values()), 1),
        connections_inside=sum(one["inside"] for one in found.values()),
    )  # fmt: skip
    assert {path: one["ended"] for path, one in found.items()} == MATRIX
    assert max(one["seconds"] for one in found.values()) <= 30
    assert sum(one["inside"] for one in found.values()) == 0
    assert [path for path, one in found.items() if one["disabled"]] == ["status/410"]
    assert all(
        (one["wait"] >= timedelta(hours=1)) == (path in {"status/429", "status/502"}) for path, one in found.items()
    )


# D2


def deliveries_while_rotating(customer, settings):
    """Deliver events, change the secret in the middle; the consumer takes the new one over after three quarters."""
    settings.BURSAR = settings.BURSAR | {"webhook_port": "bursar.testing.fake_webhooks.FakeWebhooks"}
    forget_backends()
    made = subscribe(customer, "https://hooks.example.org/")
    known = [signing.secret_of(made.seed)] * (SIGNED * 3 // 4)
    happen(customer, SIGNED // 2)
    drain()
    new = rotate_secret(made.uuid, actor=CONSOLE).secret
    happen(customer, SIGNED // 2)
    drain()
    return list(zip(backend("webhook_port").received, known + [new] * (SIGNED - len(known)), strict=True))


def is_valid(call, secret, body=None):
    try:
        Webhook(secret).verify(body or call.body, dict(call.headers), json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def test_control_d2_signed_by_the_newest_secret_alone_a_rotation_loses_deliveries(customer, settings, monkeypatch, row):
    monkeypatch.setattr(Endpoint, "seeds", lambda self, _: [self.seed])
    rejected = sum(not is_valid(*pair) for pair in deliveries_while_rotating(customer, settings))
    row.shows(deliveries=SIGNED, rejected=rejected)
    assert rejected == SIGNED // 4


def test_d2_every_signature_is_valid_through_a_rotation_and_none_after_a_flipped_bit(customer, settings, rng, row):
    pairs = deliveries_while_rotating(customer, settings)
    flipped = 0
    for call, secret in pairs:
        body = bytearray(call.body)
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(7)
        flipped += is_valid(call, secret, bytes(body))
    valid = sum(is_valid(*pair) for pair in pairs)
    row.shows(deliveries=SIGNED, valid=valid, valid_after_a_flipped_bit=flipped)
    assert (valid, flipped) == (SIGNED, 0)


# D3


def receive(journal, slow=0.005, hangs=None):
    """Be a receiver: note each delivery, then answer after a moment; on the path `hangs` never."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path == hangs:
                time.sleep(HANGS_SECONDS)
                return
            told = [self.headers["webhook-id"], body["data"]["number"], time.time()]
            journal.note("delivery " + json.dumps(told))
            time.sleep(slow)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        journal.note(f"port {server.server_port}")
        server.serve_forever()


@contextmanager
def receiver(journal, **options):
    """Run a receiver in a process of its own; yields its port."""
    process = Process(lambda: receive(journal, **options))
    try:
        assert until(lambda: any(line.startswith("port") for line in journal.lines()), seconds=20), process.said()
        yield int(next(line for line in journal.lines() if line.startswith("port")).split()[1])
    finally:
        end([process])


def arrived(journal):
    return [json.loads(line.partition(" ")[2]) for line in journal.lines() if line.startswith("delivery")]


def killed_while_posting(customer, permit, journal, rng):
    """Kill workers again and again while they deliver; returns the number of kills."""
    permit(mail_lease=timedelta(seconds=1), mail_uncertain_for=timedelta(seconds=0.2))
    with receiver(journal) as port:
        permit(port, mail_lease=timedelta(seconds=1), mail_uncertain_for=timedelta(seconds=0.2))
        subscribe(customer, f"http://{HOST}:{port}/")
        happen(customer, 200)
        kills = 0
        with hands(deliver_for_ever, WORKERS) as some:
            while kills < KILLS:
                time.sleep(rng.uniform(0.02, 0.25))
                some.end_one(rng.randrange(WORKERS), SIGKILL)
                kills += 1
                if waiting() < 100:
                    happen(customer, 100)
            Endpoint.objects.update(probe_until=None)
            until(lambda: not waiting(), seconds=180, step=0.2)
    return kills


def test_control_d3_with_an_id_of_its_own_for_every_try_a_receiver_cannot_tell_copies(
    customer, permit, journal, rng, monkeypatch, row
):
    real = flows._call
    monkeypatch.setattr(flows, "_call", lambda one, message, _, body: real(one, message, str(uuid4()), body))
    kills = killed_while_posting(customer, permit, journal, rng)
    kept = {identity: body for identity, body, _ in arrived(journal)}
    doubled = len(kept) - Event.objects.count()
    row.shows(kills=kills, events=Event.objects.count(), doubled_at_a_receiver_that_knows_ids=doubled)
    assert doubled > 0


def test_d3_workers_killed_while_they_post_lose_and_double_nothing(customer, permit, journal, rng, row):
    kills = killed_while_posting(customer, permit, journal, rng)
    seen = Counter(identity for identity, _, _ in arrived(journal))
    happened = {str(event) for event in Event.objects.values_list("uuid", flat=True)}
    copies = seen.total() - len(seen)
    row.shows(
        kills=kills, events=len(happened), lost=len(happened - seen.keys()), doubled_after_ids=len(seen.keys() - happened),
        raw_copies=copies, **states(),
    )  # fmt: skip
    assert seen.keys() == happened
    assert copies <= kills
    assert states() == {"sent": len(happened)}


# D8


def p95_delay(customers, permit, journal, hanging=None, seconds=300):
    """Let each customer have its events at one moment; returns the delay that 95 % of the last one's stayed below.

    What has not arrived after so many seconds counts as if it had then.
    """
    with receiver(journal, slow=0, hangs="/hangs") as port:
        permit(port)
        for customer in customers:
            subscribe(customer, f"http://{HOST}:{port}/{'hangs' if customer == hanging else ''}")
            with transaction.atomic():
                facts = [Fact(customer, uuid4(), {"number": number}) for number in range(NEIGHBOURS)]
                record_events(EventType.ACCEPTED, facts, at=clock.now())
        began = time.time()
        publish_due()
        with hands(deliver_for_ever, 4):
            until(lambda: len(arrived(journal)) == NEIGHBOURS, seconds=seconds, step=0.05)
    delays = sorted(at - began for _, _, at in arrived(journal))
    delays += [seconds] * (NEIGHBOURS - len(delays))
    return delays[int(len(delays) * 0.95)]


def test_control_d8_where_everybody_waits_for_everybody_a_neighbour_that_hangs_is_felt(
    customer, permit, journal, monkeypatch, row
):
    hanging, healthy = factories.make_customer().pk, customer
    monkeypatch.setattr("bursar.webhooks.services.may_try", lambda _: True)
    monkeypatch.setattr("bursar.webhooks.services.deliveries.pause", lambda *_: timedelta(0))
    permit()
    seconds = p95_delay([hanging, healthy], permit, journal, hanging=hanging, seconds=2 * HANGS_SECONDS)
    row.shows(events_each=NEIGHBOURS, p95_seconds=round(seconds, 2))
    assert seconds > LASTS_SECONDS


def test_d8_a_neighbour_that_hangs_is_hardly_felt(customer, permit, tmp_path, row):
    alone = p95_delay([customer], permit, Journal(tmp_path / "alone"))
    Endpoint.objects.all().delete()
    hanging, healthy = factories.make_customer().pk, factories.make_customer().pk
    beside = p95_delay([hanging, healthy], permit, Journal(tmp_path / "beside"), hanging=hanging)
    row.shows(
        events_each=NEIGHBOURS, p95_seconds_alone=round(alone, 2), p95_seconds_beside=round(beside, 2),
        times=round(beside / alone, 2),
    )  # fmt: skip
    assert beside <= 2 * alone
    tried = defaultdict(int)
    for message in Message.objects.filter(customer_uuid=hanging):
        tried[message.attempts] += 1
    assert tried[0] >= NEIGHBOURS - 2
