"""The main job, end to end, as anybody would type it: a dirty file of people, a budget that does not suffice, and the end.

Runs on the real files where they lie beside the project, on the shipped samples elsewhere; on SQLite in an empty
directory, and on a PostgreSQL database of its own where DATABASE_URL names a server.
"""

import csv
import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from bursar.people.addresses import BadAddress, normal_form

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data"
SAMPLES = ROOT / "src" / "bursar" / "project" / "samples"
PRICE = 4900


@dataclass(frozen=True)
class Material:
    """The files, the 49-dollar course, the first limit (dollars), and what is known of the people in the file."""

    directory: Path
    people: str
    course: str
    first_limit: int
    persons: int
    twins: int
    refused: int
    courses: int

    @property
    def people_file(self):
        return self.directory / self.people

    def rows(self):
        """Return the rows of the file by their first physical line."""
        with self.people_file.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            found, line = {}, 2
            for row in reader:
                found[line] = row
                line = reader.line_num + 1
        return found


REAL_MATERIAL = Material(REAL, "people-1000.csv", "EdxX+HTLO100", 40_000, 944, 39, 11, 975)
SAMPLE_MATERIAL = Material(SAMPLES, "people.csv", "HarvardX+PH125.1x", 2_000, 47, 5, 8, 40)
MATERIAL = REAL_MATERIAL if (REAL / "people-1000.csv").is_file() else SAMPLE_MATERIAL


@dataclass
class Shell:
    """An empty directory in which `bursar` is typed; every line on standard error is kept as the log."""

    directory: Path
    database_url: str
    log: list[str] = field(default_factory=list)

    def __call__(self, *arguments, code=0):
        own = {"BURSAR_LOG_LEVEL": "debug", "BURSAR_DATA_DIR": str(self.directory / "var")}
        own |= {"DATABASE_URL": self.database_url} if self.database_url else {}
        ours = ("BURSAR_", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        done = subprocess.run(
            [sys.executable, "-m", "bursar.cli", *map(str, arguments), "--json"],
            cwd=self.directory,
            env=clean | own,
            capture_output=True,
            text=True,
            check=False,
        )
        self.log.append(done.stderr)
        assert done.returncode == code, f"{arguments[:4]} ended with {done.returncode}: {done.stderr[-2000:]}"
        return json.loads(done.stdout)

    def mails(self):
        return sorted((self.directory / "var" / "mail").glob("*/*.eml"))


@contextmanager
def database_of_its_own(purpose="main_job"):
    """Yield the URL of an empty database on the server that DATABASE_URL names, "" for SQLite."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith(("postgres://", "postgresql://")):
        yield ""
        return
    import psycopg

    name = f"bursar_{purpose}_{os.getpid()}"
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}"')
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def shell(tmp_path):
    with database_of_its_own() as url:
        yield Shell(tmp_path, url)


def everything_written(shell):
    """Return all that was written anywhere, by where: database files or tables, mails as sent and as read, logs."""
    found = {"log": "\n".join(shell.log).encode()}
    found |= tables(shell.database_url) if shell.database_url else {}
    for path in (shell.directory / "var").rglob("*"):
        if path.is_file():
            found[str(path)] = path.read_bytes()
            if path.suffix == ".eml":
                mail = message_from_bytes(path.read_bytes(), policy=default)
                body = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
                found[f"{path} as read"] = "\n".join([str(mail["to"]), str(mail["subject"]), *body]).encode()
    return found


def tables(url):
    import psycopg

    with psycopg.connect(url) as connection:
        names = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return {
            name: "\n".join(row[0] for row in connection.execute(f'SELECT t::text FROM "{name}" t')).encode()
            for name in names
        }


def spellings(text):
    """Return every way in which an address of the file could have been written down."""
    try:
        normal = normal_form(text)
    except BadAddress:
        normal = text.strip().lower()
    return {text.strip().lower(), normal} - {""}


def traces(written, addresses):
    """Return which of these addresses stand anywhere, and where."""
    by_domain = {}
    for address in addresses:
        local, _, domain = address.encode().rpartition(b"@")
        by_domain.setdefault(domain, set()).add(local)
    met = set()
    for place, data in written.items():
        low = data.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")
        for domain, locals_ in by_domain.items():
            for match in re.finditer(re.escape(b"@" + domain), low):
                before = low[max(0, match.start() - 260) : match.start()]
                met |= {(place, local + b"@" + domain) for n in range(len(before)) if (local := before[n:]) in locals_}
    return met


def test_the_main_job(shell):  # noqa: PLR0915  it is one job, told in one piece
    material, budget = MATERIAL, "Learning"
    allocate = ("allocate", material.people_file, "--budget", budget, "--content", material.course)

    # An organisation with money and courses.
    demo = shell("demo")
    assert demo["fund"]["balance_cents"] == 6_000_000
    assert [demo["budget"][name] for name in ("limit_cents", "held_cents", "spent_cents")] == [4_000_000, 0, 0]
    imported = shell("catalog", "import", material.directory / "runs.csv", material.directory / "courses.csv")["files"]
    assert sum(imported[0][name] for name in ("created", "updated", "unchanged")) == material.courses
    again = shell("catalog", "import", material.directory / "courses.csv", material.directory / "runs.csv")["files"]
    assert [(item["created"], item["updated"]) for item in again] == [(0, 0), (0, 0)]
    shell("budget", "set-limit", budget, material.first_limit)

    # Over budget: refused as a whole, with what is missing, and nothing written.
    refusal = shell(*allocate, code=3)["error"]
    assert refusal["code"] == "policy_spend_limit_reached"
    assert refusal["needed_cents"] == material.persons * PRICE
    assert refusal["missing_cents"] == material.persons * PRICE - material.first_limit * 100
    assert shell("assignments", "list")["assignments"] == []
    assert shell("budget", "show", budget)["held_cents"] == 0
    assert not traces(everything_written(shell), outsiders(material, demo))

    # The limit raised: everybody once, twins as twins, bad rows with line and reason, nobody charged twice.
    shell("budget", "set-limit", budget, 50_000)
    planned = shell(*allocate, "--plan")
    assert (planned["charged_cents"], planned["refusal"]) == (material.persons * PRICE, None)
    done = shell(*allocate)
    counts = [len(done[name]) for name in ("created", "updated", "unchanged", "twins", "refused")]
    assert counts == [material.persons, 0, 0, material.twins, material.refused]
    lines = sorted(item["line"] for name in ("created", "twins", "refused") for item in done[name])
    assert lines == sorted(material.rows())
    made = {item["assignment"]: item["email"] for item in done["created"]}
    assert len(made) == material.persons
    assert {item["assignment"] for item in done["twins"]} <= set(made)
    assert all(item["code"] and item["message"] for item in done["refused"])
    assert done["charged_cents"] == material.persons * PRICE
    assert done["available_cents"] == 5_000_000 - material.persons * PRICE
    repeated = shell(*allocate)
    assert [len(repeated[name]) for name in ("created", "updated", "unchanged")] == [0, 0, material.persons]
    assert (repeated["charged_cents"], repeated["available_cents"]) == (0, done["available_cents"])

    # One mail each, and one to the admin if the budget is nearly used up.
    warned = int(material.persons * PRICE * 4 >= 5_000_000 * 3)
    ticked = shell("tick")
    assert (ticked["warned"], ticked["mail"]["sent"]) == (warned, material.persons + warned)
    assert set(made) <= {path.parent.name for path in shell.mails()}
    assert len(shell.mails()) == material.persons + warned
    assert shell("tick")["mail"]["sent"] == 0

    # Some accept, some are cancelled.
    keys = list(made)
    part = material.persons // 8
    accepted, cancelled = keys[:part], keys[part : 2 * part]
    rest = material.persons - 2 * part
    assert {item["result"] for item in shell("accept", *accepted)["done"]} == {"accepted"}
    assert {item["result"] for item in shell("cancel", *cancelled)["done"]} == {"cancelled"}
    assert shell("tick")["mail"]["sent"] == part
    money = shell("budget", "show", budget)
    assert (money["held_cents"], money["spent_cents"]) == (rest * PRICE, part * PRICE)

    # Ninety-one days later the rest expires, the money comes back, and the mails say so.
    later = f"{datetime.now(UTC) + timedelta(days=91):%Y-%m-%dT%H:%M:%SZ}"
    ticked = shell("tick", "--at", later)
    assert (ticked["expired"], ticked["mail"]["sent"], ticked["scrubbed"]) == (rest, rest, rest + part)
    money = shell("budget", "show", budget)
    assert (money["held_cents"], money["spent_cents"]) == (0, part * PRICE)
    assert money["counts"] == {"accepted": part, "cancelled": part, "expired": rest}
    told = shell("assignments", "show", keys[-1])
    assert [(item["kind"], item["state"]) for item in told["messages"]] == [("assigned", "sent"), ("expired", "sent")]

    # Nobody who did not accept can be found anywhere any more; who accepted can.
    written = everything_written(shell)
    stay = {spelling for key in accepted for spelling in spellings(made[key])}
    assert {address.decode() for _, address in traces(written, stay)} == stay
    assert not traces(written, outsiders(material, demo, stay))
    assert {path.parent.name for path in shell.mails()} & set(made) == set(accepted)

    assert shell("tick", "--at", later)["scrubbed"] == 0
    assert shell("audit") == {"differences": []}


def outsiders(material, demo, stay=frozenset()):
    """Return every spelling of every address in the file, but of those who stay and of the demonstration's users."""
    known = stay | {spelling for user in demo["users"] for spelling in spellings(user["email"])}
    named = {
        spelling
        for row in material.rows().values()
        for spelling in spellings(row["E-mail"])
        if re.search("[^@]@[^@]", spelling)
    }
    return {address for address in named - known if not any(other.endswith(address) for other in known)}
