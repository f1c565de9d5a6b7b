"""Every page of both portals on the demonstration: the time in the service and the statements, from request to last byte.

The routes are those of the portals' own address lists; one whose arguments nobody here can fill in is an error.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from bench.lists import note
from bench.measure import say
from bursar.admin_portal import urls as admin_urls
from bursar.assignments import flows, services
from bursar.assignments.flows import AllocationRequest
from bursar.assignments.models import LearnerContentAssignment, LearnerReply
from bursar.assignments.services import RedemptionRequest
from bursar.assignments.services.replies import Reply
from bursar.budgets.models import Budget
from bursar.cli.handlers import demo
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.learner_portal import urls as learner_urls
from bursar.people.demo_logins import LOGINS, SLUG
from bursar.people.files import people_from_addresses, read_people
from bursar.people.models import Membership, Role
from bursar.people.tokens import create_token
from bursar.webhooks.services import add_endpoint

TURNS: Final = 21
COURSE: Final = "HarvardX+PH125.1x"
FILES: Final = ("export", "table")
SIDES: Final = ((admin_urls.app_name, Role.ADMIN), (learner_urls.app_name, Role.LEARNER))
Found = dict[str, dict[str, Any]]


def measure() -> Found:
    """Return the seconds and the number of statements of every page that answers a GET, by its route."""
    demo.load()
    given = fill()
    found: Found = {}
    for space, role in SIDES:
        client = Client(HTTP_HOST="localhost")
        login = next(login for login in LOGINS if login.role == role)
        client.force_login(get_user_model().objects.get(email=login.address), settings.AUTHENTICATION_BACKENDS[0])
        for name, arguments in routes(space):
            known = given | ({"kind": "csv"} if name.endswith(FILES) else {})
            one = look(client, address(f"{space}:{name}", {key: known[key] for key in arguments}))
            if one:
                say(f"pages: {space}:{name}")
                found[f"{space}:{name}"] = one
    return found


def fill() -> dict[str, Any]:
    """Let things happen in the demonstration, and return what stands for each argument of a route."""
    budget = Budget.objects.get(display_name=demo.BUDGET)
    customer = budget.customer_id
    learner = next(login for login in LOGINS if login.role == Role.LEARNER)
    asked = AllocationRequest(budget, COURSE)
    people = people_from_addresses([learner.address, *(f"person{number}@example.org" for number in range(200))])
    batch = flows.allocate_file(asked, people, actor=CONSOLE)
    rows = list(LearnerContentAssignment.objects.order_by("created", "uuid"))
    mine = next(row for row in rows if row.learner_email == learner.address)
    accepted = [RedemptionRequest(row.pk) for row in rows if row != mine][:50]
    flows.redeem_many(accepted, actor=CONSOLE)
    services.request_time_many([Reply(mine.pk, until=clock.now() + timedelta(days=120))], actor=CONSOLE)
    with (demo.SAMPLES / "people.csv").open("rb") as file:
        plan = flows.make_plan(asked, read_people(file), actor=CONSOLE)
    return {
        "customer": SLUG, "budget": budget.pk, "batch": batch, "plan": plan.pk, "assignment": mine.pk, "key": LearnerReply.objects.get().pk,
        "kind": "assigned", "language": "en", "table": "months",
        "member": Membership.objects.filter(customer=customer).values_list("pk", flat=True)[0],
        "token": create_token("Bench", customer=customer, role=Role.ADMIN).token.pk,
        "endpoint": add_endpoint(customer, "https://hooks.example.org/", actor=CONSOLE).endpoint.uuid,
    }  # fmt: skip


def routes(space: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the arguments of every route of a portal."""
    portal = get_resolver().namespace_dict[space][1]
    for name, places in portal.reverse_dict.lists():
        if isinstance(name, str):
            yield name, list(places[0][0][0][1])


def address(route: str, arguments: dict[str, Any]) -> str:
    """Return the address of a route with an example."""
    try:
        query = f"?content={COURSE.replace('+', '%2B')}" if route.endswith(":assign_people") else ""
        return reverse(route, kwargs=arguments) + query
    except NoReverseMatch:
        raise SystemExit(f"bench: nothing to fill in for {route} {sorted(arguments)}") from None


def look(client: Client, url: str) -> dict[str, Any] | None:
    """Return how long a page takes and how many statements, None for what is no page: POST alone, or leading elsewhere."""
    seen: list[str] = []
    with connection.execute_wrapper(partial(note, seen)):
        response = client.get(url)
    if response.status_code != 200:
        return None
    b"".join(response)
    return {"seconds": median(timed(client, url) for _ in range(TURNS)), "statements": len(seen)}


def timed(client: Client, url: str) -> float:
    """Return the seconds from the request to the last byte of the answer."""
    began = perf_counter()
    b"".join(client.get(url))
    return perf_counter() - began
