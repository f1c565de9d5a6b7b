"""One run of Schemathesis: one API, asked by one role, on a database of its own, and the books audited after it.

`tools/fuzz.py` starts it with a prepared environment: job.py API ROLE SIZE SEED PART. PART says which operations are asked
by themselves: `all`, or `1/3` for every third. Then ids are followed from answer to request, in walks over all of them.
"""

import json
import sys
import tomllib
import traceback
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import django

django.setup()

import schemathesis  # noqa: E402  the APIs' modules need Django
from django.conf import settings  # noqa: E402
from schemathesis.config import SchemathesisConfig  # noqa: E402
from schemathesis.engine import Status, events, from_schema  # noqa: E402
from tests.abuse.conftest import PORTS  # noqa: E402
from tests.abuse.operations import operations  # noqa: E402
from tests.abuse.world import RUNS, World  # noqa: E402
from tests.fuzz.rules import Told, is_fault  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

from bursar.assignments.audit import run_audit  # noqa: E402
from bursar.project.wsgi import application  # noqa: E402

HERE = Path(__file__).parent
PREFIX = {"v1": "/v1/", "openedx": "/api/"}
ALONE, WALKS = ["examples", "coverage", "fuzzing"], ["stateful"]
# How many examples there are of each operation by itself, and how many walks; or, where that is None, for how many seconds
# whatever comes to mind is asked. The short part is bounded by numbers, so that a quicker machine asks nothing else.
EXAMPLES = {"full": (None, None), "short": (4, 8)}
SECONDS = {"full": (480, 120), "short": (None, None)}
SHOWN = 1500
ALIASES = {
    "policy": "budget", "subsidy": "fund", "assignments": "assignment", "assignment_uuids": "assignment",
    "messages": "message", "events": "event", "about": "assignment", "enterprise_customer_uuid": "customer",
    "subsidy_access_policy": "budget", "subsidy_access_policy_uuid": "budget", "admin_lms_user_id": "lms_user_id",
}  # fmt: skip
LISTS = {"assignments", "assignment_uuids", "messages", "events"}


class Run:
    """What is to be asked, and what was found."""

    def __init__(self, api, role, *, seed):
        self.api, self.role, self.seed = api, role, seed
        self.failures, self.errors, self.asked = {}, {}, Counter()

    def go(self, address, size, part):
        """Make a world, and ask it in both ways."""
        world = World()
        guard(world, self.role)
        url = f"{address}{PREFIX[self.api]}openapi.json"
        ways = ((ALONE, part), (WALKS, "all"))
        for (phases, which), examples, seconds in zip(ways, EXAMPLES[size], SECONDS[size], strict=True):
            schema = schemathesis.openapi.from_url(url, config=self._config(world))
            self._ask(schema, part_of(self.api, which), phases, examples, seconds)

    def _ask(self, schema, chosen, phases, examples, seconds):
        schema = schema.include(lambda context: context.operation.label in chosen)
        config = schema.config
        config.seed, config.max_time = self.seed, seconds
        config.generation.update(max_examples=examples)
        config.phases.update(phases=phases)
        for event in from_schema(schema).execute():
            self._note(event)

    def _config(self, world):
        data = tomllib.loads((HERE / "schemathesis.toml").read_text(encoding="utf-8"))
        data["auth"] = {"openapi": {"BearerToken": {"bearer": world.tokens[self.role]}}}
        data["dictionaries"], data["parameters"] = known(world)
        return SchemathesisConfig.from_dict(data)

    def _note(self, event):
        if isinstance(event, events.NonFatalError | events.FatalError):
            error = getattr(event, "value", None) or event.exception
            self.errors[getattr(event, "label", "")] = "".join(traceback.format_exception(error))
        if not isinstance(event, events.ScenarioFinished):
            return
        self.asked[event.phase.name] += len(event.recorder.interactions)
        for case, checks in event.recorder.checks.items():
            for check in checks:
                if check.status == Status.FAILURE:
                    found = check.failure_info
                    answer = told(event.recorder.interactions[found.failure.case_id or case].response)
                    label = event.recorder.cases[case].value.operation.label
                    words = (
                        f"{found.failure.title}: {found.failure.message}\n{answer.text[:SHOWN]}\n{found.code_sample}"
                    )
                    self.failures.setdefault((check.name, label, answer.code or str(answer.status)), words)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keep what is a fault."""
    return is_fault(failure.title, case.operation.path, case.media_type, told(response))


def told(response):
    return Told(response.status_code, response.content.decode(errors="replace")) if response else Told(0, "")


@schemathesis.serializer("application/x-ndjson")
def as_lines(context, value):
    """Send a text of lines as it is, and whatever else as one line of JSON."""
    return (
        value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else json.dumps(value).encode()
    )


@contextmanager
def served():
    """Serve the application on a port of this machine, one request at a time, and yield its address."""
    server = make_server("127.0.0.1", 0, application, request_handler=Silent)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Silent(WSGIRequestHandler):
    """Logs nothing of each request."""

    def log_request(self, *args):
        """Log nothing."""


def guard(world, role):
    """Let every answer be searched for what belongs to the other customer."""
    schemathesis.check(no_foreign_facts)
    no_foreign_facts.secrets = [] if role == "olga" else world.secrets


def no_foreign_facts(ctx, response, case):
    """Fail when an answer to somebody of Acme shows anything of Umbra."""
    asked = f"{case.formatted_path} {case.query} {case.body} {case.headers}"
    shown = f"{response.text} {response.headers}"
    leaked = [secret for secret in no_foreign_facts.secrets if secret in shown and secret not in asked]
    if leaked:
        raise AssertionError(f"shows {leaked}")


def known(world):
    """Return words for ids that there are, ours and others', and where they are tried."""
    kinds = {
        name: sorted({world.acme.ids[name], *world.acme.others.get(name, "").split(), world.umbra.ids[name]})
        for name in world.acme.ids
    }
    words = {
        name: {"values": list(map(int, values)) if name == "lms_user_id" else values} for name, values in kinds.items()
    }
    words |= {"content": {"values": [*RUNS, *RUNS.values()]}, "any": {"values": ["*"]}}
    places = {"header.If-Match": {"dictionary": "any", "probability": 0.7}}
    for operation in operations().values():
        for place in operation.ids():
            where, name = place.split()
            kind = "transaction" if operation.path.endswith("/transactions/{key}/") else ALIASES.get(name, name)
            if kind in words:
                key = f"{where}.{name}{'[*]' if where == 'body' and name in LISTS else ''}"
                places[key] = {"dictionary": kind, "probability": 0.8}
    for key in ("query.content_key", "body.content_key"):
        places[key] = {"dictionary": "content", "probability": 0.8}
    return words, places


def part_of(api, part):
    """Return the labels of the operations that are asked."""
    names = [name for name, operation in operations().items() if operation.api == api]
    if part == "all":
        return set(names)
    number, of = map(int, part.split("/"))
    return set(names[number::of])


def main(api, role, size, seed, part):
    """Run it, print what was found, and return 0 when nothing was."""
    settings.BURSAR |= PORTS
    run = Run(api, role, seed=int(seed))
    with served() as address:
        run.go(address, size, part)
    differences = run_audit()
    for (check, label, code), message in sorted(run.failures.items()):
        print(f"FAILED {check}: {label}: {code}\n{message[: 3 * SHOWN]}\n")
    for label, message in sorted(run.errors.items()):
        print(f"ERROR {label}: {message[-SHOWN:]}\n")
    for item in differences:
        print(f"AUDIT {item}")
    asked = ", ".join(f"{amount:,} {phase.lower()}" for phase, amount in run.asked.items())
    print(f"{api} as {role}, seed {seed}, {part}: {asked}; {len(run.failures)} failures")
    return 1 if run.failures or run.errors or differences or not run.asked.total() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
