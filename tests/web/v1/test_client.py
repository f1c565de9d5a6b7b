"""The typed client: what it reads is what the service describes, and it is patient, careful and clear about refusals."""

from io import BytesIO
from uuid import UUID, uuid4

import httpx
import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from tests.db.verbs.steps import tick
from tests.web.v1.caller import description

from bursar import client
from bursar.client import Bursar, Busy, Connection, NotFound, Patience, Problem, Refused, Stale, Unreachable, Unreadable
from bursar.client import models as known
from bursar.people.tokens import create_token
from bursar.testing.factories import COURSE, make_course, make_house

pytestmark = pytest.mark.django_db
DESCRIBED = {
    known.Customer: "CustomerOut", known.Member: "MemberOut", known.Fund: "FundOut", known.LedgerEntry: "EntryOut",
    known.Budget: "BudgetOut", known.Course: "CourseOut", known.Run: "RunOut", known.Catalog: "CatalogOut",
    known.Imported: "ImportOut", known.Transaction: "TransactionOut", known.Reversal: "ReversalOut",
    known.Payment: "PaymentOut", known.Token: "TokenOut", known.NewToken: "NewTokenOut", known.Audit: "AuditOut",
    known.Assignment: "AssignmentOut", known.Story: "StoryOut", known.Outcome: "ManyOut", known.Done: "DoneOut",
    known.HandedOver: "HandedOverOut",
    known.Left: "RefusedOut", known.AcceptedOutcome: "ManyAcceptedOut", known.Accepted: "AcceptedOut",
    known.Plan: "PlanOut", known.PlanRow: "PlanRowOut", known.Batch: "BatchOut", known.BatchRow: "RowOut",
    known.Feed: "FeedOut", known.Event: "EventOut", known.Endpoint: "EndpointOut", known.NewEndpoint: "NewEndpointOut",
    known.Tested: "TestOut", known.Message: "MessageOut", known.Replayed: "ManyReplayedOut", known.Person: "PersonOut",
    known.Export: "ExportOut", known.RowCounts: "BatchCounts", known.Act: "ActOut", known.MessageText: "TextOut",
    known.ReminderForecast: "ForecastOut", known.ForetoldMail: "ForetoldMail", known.ForetoldHold: "ForetoldHold",
    known.ForetoldAbout: "ForetoldAbout", known.ReminderPolicy: "ReminderPolicyOut", known.QuietHours: "QuietHours", known.Progress: "ProgressOut",
}  # fmt: skip
SOMETIMES = {"etag", "counts", "mail_stopped"}


@pytest.fixture(autouse=True)
def _one_connection():
    """Keep the test's own connection to the database open behind a request, as Django's test client does."""
    told = (request_started, request_finished)
    for signal in told:
        signal.disconnect(close_old_connections)
    yield
    for signal in told:
        signal.connect(close_old_connections)


@pytest.fixture
def house():
    make_course(runs=["course-v1:DemoX+D101+R1"])
    return make_house()


def connect(**who):
    token = create_token("client", **who).text
    return Bursar("http://localhost", token, transport=httpx.WSGITransport(app=get_wsgi_application()))


@pytest.fixture
def bursar(house):
    with connect(role="operator") as opened:
        yield opened


def scripted(*answers, attempts=5):
    """Return a client whose service answers so, the requests that it got, and the pauses between them."""
    asked, pauses, left = [], [], list(answers)

    def answer(request):
        asked.append(request)
        step = left.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://bursar/v1/")
    connection = Connection(http, patience=Patience(attempts=attempts, longest_pause=10), sleep=pauses.append)
    return Bursar("", "", connection=connection), asked, pauses


def problem(status, code, **headers):
    return httpx.Response(status, json={"status": status, "code": code, "detail": "No."}, headers=headers)


@pytest.mark.parametrize("kind", DESCRIBED, ids=lambda kind: kind.__name__)
def test_every_type_has_the_members_that_the_service_describes(kind):
    described = description()["components"]["schemas"][DESCRIBED[kind]]["properties"]
    assert set(kind.model_fields) - SOMETIMES == set(described) - SOMETIMES


def test_no_type_is_left_out():
    every = {kind for kind in vars(known).values() if isinstance(kind, type) and issubclass(kind, known.Model)}
    assert every - {known.Model} == set(DESCRIBED)


def test_money_is_brought_in_and_assigned_and_accounted_for(bursar, house):
    customer = bursar.customers.create(name="Lanternworks")
    fund = bursar.funds.create(customer.uuid, "Training", deposit_cents=100_000)
    budget = bursar.budgets.create(fund.uuid, "Spring", 50_000)
    plan = bursar.plans.create(
        budget.uuid, COURSE, ["ann@example.org", {"email": "ben@example.org", "name": "Ben"}, "no"]
    )
    assert (plan.charged_cents, plan.rows.refused) == (9800, 1)
    assert [row.outcome for row in bursar.plans.rows(plan.uuid)] == ["created", "created", "refused"]
    batch = bursar.batches.wait(bursar.plans.apply(plan).uuid)
    assert (batch.state, batch.rows.created) == ("done", 2)
    ann, ben = sorted(bursar.assignments.list(budget=budget.uuid), key=lambda item: item.email)
    assert [item.result for item in bursar.assignments.accept([ann.uuid]).done] == ["accepted"]
    assert [item.result for item in bursar.assignments.cancel([ben.uuid]).done] == ["cancelled"]
    assert bursar.assignments.get(ann.uuid).transactions[0].amount_cents == 4900
    assert [item.kind for item in bursar.funds.ledger(fund.uuid)] == ["redemption", "deposit"]
    assert bursar.budgets.get(budget.uuid).counts == {"accepted": 1, "cancelled": 1}
    assert bursar.tokens.audit().clean
    assert [event.type for event in bursar.events.follow(customer.uuid)] == [
        "assignment.allocated", "assignment.allocated", "assignment.accepted", "assignment.cancelled",
    ]  # fmt: skip


def test_a_file_is_streamed_and_its_rows_are_downloaded(bursar, house):
    file = BytesIO(b"email\na@example.org\nnobody\n")
    batch = bursar.batches.create_from_file(house.budget.pk, COURSE, file)
    assert (batch.rows.created, batch.rows.refused) == (1, 1)
    told = BytesIO()
    bursar.batches.download_rows(batch.uuid, told)
    assert [line.split(b",")[1] for line in told.getvalue().splitlines()] == [b"outcome", b"created", b"refused"]
    lines = BytesIO(b'{"email": "b@example.org"}\n')
    plan = bursar.plans.create_from_file(house.budget.pk, COURSE, lines, content_type=client.JSON_LINES)
    assert plan.rows.created == 1


def test_a_large_one_is_waited_for(bursar, house, settings):
    settings.BURSAR = {**settings.BURSAR, "inline_limit": 1, "mail_port": "bursar.testing.fake_mail.FakeMail"}
    batch = bursar.batches.create(house.budget.pk, COURSE, ["a@example.org", "b@example.org"])
    assert batch.state == "filling"
    with pytest.raises(client.ClientError):
        bursar.batches.wait(batch.uuid, for_seconds=-1)
    tick()
    assert bursar.batches.wait(batch.uuid).state == "done"


def test_lists_are_walked_page_by_page(bursar, house):
    people = [f"p{number:03}@example.org" for number in range(5)]
    batch = bursar.batches.create(house.budget.pk, COURSE, people)
    walked = bursar.batches._walk(known.BatchRow, f"batches/{batch.uuid}/rows", limit=2)
    assert [row.email for row in walked] == people


def test_an_edit_is_made_to_the_version_that_was_read(bursar, house):
    bursar.batches.create(house.budget.pk, COURSE, ["ann@example.org"])
    (ann,) = bursar.people.list(email="ann@example.org")
    read = bursar.people.get(ann.uuid)
    assert bursar.people.edit(ann.uuid, name="Ann").name == "Ann"
    with pytest.raises(Stale):
        bursar.people.edit(ann.uuid, etag=read.etag, name="Anna")
    assert bursar.people.export(ann.uuid).person["name"] == "Ann"
    assert bursar.people.erase(ann.uuid) == 1
    with pytest.raises(NotFound):
        bursar.people.get(ann.uuid)


def test_events_are_chosen_anew_and_rules_of_reminding_tried(bursar, house):
    made = bursar.webhooks.create(house.customer.pk, "https://hooks.example.org/bursar", types=["assignment.accepted"])
    told = bursar.webhooks.get(made.uuid)
    assert bursar.webhooks.choose_events(made.uuid, [], etag=told.etag).types == []
    with pytest.raises(Stale):
        bursar.webhooks.choose_events(made.uuid, ["assignment.expired"], etag=told.etag)
    foretold = bursar.customers.forecast_reminders(house.customer.pk, after_days=[2])
    assert (foretold.mails, foretold.held, foretold.complete) == ([], [], True)


def test_a_refusal_is_an_exception_with_code_and_facts(bursar, house):
    with pytest.raises(Refused) as caught:
        bursar.batches.create(house.budget.pk, COURSE, [f"p{number}@example.org" for number in range(200)])
    assert caught.value.code == "policy_spend_limit_reached"
    assert caught.value.facts["missing_cents"] == 200 * 4900 - 500_000


def test_the_same_key_does_the_same_thing_once(bursar, house):
    first, again = (bursar.batches.create(house.budget.pk, COURSE, ["a@example.org"], key="mine") for _ in range(2))
    assert first == again
    assert len(list(bursar.batches.list())) == 1


class TestPatience:
    def test_what_was_too_much_is_asked_again_after_the_pause_that_was_named(self):
        page = httpx.Response(200, json={"items": [], "next": None})
        bursar, asked, pauses = scripted(
            problem(429, "too_many_requests", **{"Retry-After": "3"}), problem(503, "x"), page
        )
        assert list(bursar.funds.list()) == []
        assert len(asked) == 3
        assert 3 <= pauses[0] <= 3.75
        assert 1 <= pauses[1] <= 1.25

    def test_no_pause_is_longer_than_wanted_and_there_is_an_end(self):
        busy = [problem(503, "database_busy", **{"Retry-After": "9999"}) for _ in range(3)]
        bursar, asked, pauses = scripted(*busy, attempts=3)
        with pytest.raises(Busy) as caught:
            bursar.funds.get(uuid4())
        assert (caught.value.code, len(asked), len(pauses)) == ("database_busy", 3, 2)
        assert max(pauses) <= 12.5

    def test_what_moves_money_is_repeated_under_one_key(self):
        done = httpx.Response(200, json={"done": [], "refused": []})
        bursar, asked, _ = scripted(httpx.ReadError("gone"), problem(503, "x"), done)
        bursar.assignments.cancel([UUID(int=1)])
        keys = {request.headers["Idempotency-Key"] for request in asked}
        assert (len(asked), len(keys)) == (3, 1)

    def test_what_is_not_done_once_is_not_repeated_after_a_lost_answer(self):
        bursar, asked, _ = scripted(httpx.ReadError("gone"))
        with pytest.raises(Unreachable):
            bursar.assignments.remind([UUID(int=1)])
        assert len(asked) == 1

    def test_a_file_is_sent_again_from_its_beginning(self):
        bodies = []

        def answer(request):
            bodies.append(request.read())
            return problem(503, "busy") if len(bodies) == 1 else problem(400, "no_rows")

        http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://bursar/v1/")
        bursar = Bursar("", "", connection=Connection(http, sleep=lambda _: None))
        with pytest.raises(Problem, match="no_rows"):
            bursar.batches.create_from_file(UUID(int=1), COURSE, BytesIO(b"email\n"))
        assert bodies == [b"email\n", b"email\n"]


@pytest.mark.parametrize("answer", [
    httpx.Response(200, text="<html>"), httpx.Response(200, json={"uuid": "x"}), httpx.Response(200, json=[]),
])  # fmt: skip
def test_an_answer_that_is_none_of_ours_is_said_to_be(answer):
    bursar, _, _ = scripted(answer)
    with pytest.raises(Unreadable):
        bursar.funds.get(uuid4())


def test_a_problem_that_is_none_of_ours_is_one_all_the_same():
    bursar, _, _ = scripted(httpx.Response(502, text="<html>bad gateway"))
    with pytest.raises(Problem) as caught:
        bursar.funds.get(uuid4())
    assert (caught.value.status, caught.value.code) == (502, "unknown")
