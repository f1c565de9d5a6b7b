"""The samples that ship are as dirty as real files, and of every class that matters (ruling 35)."""

import codecs
import csv
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import bursar.project
from bursar.people.addresses import normal_form
from bursar.people.files import PeopleFile, read_people

SAMPLES = Path(bursar.project.__file__).parent / "samples"
PEOPLE = SAMPLES / "people.csv"
REAL_PEOPLE = Path(__file__).parents[3] / "shared" / "data" / "people-1000.csv"
RESERVED = ("example", "example.org", "example.com", "example.net")
# The samples must serve whenever somebody tries the demonstration, so every class holds over these years.
TIMES = [datetime(2026, 11, 22, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC), datetime(2029, 7, 1, tzinfo=UTC)]


@pytest.fixture(scope="module")
def people() -> PeopleFile:
    return read_people(PEOPLE)


def table(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def open_runs(at: datetime) -> dict[str, list[dict[str, str]]]:
    """Return the runs that can be enrolled in, by course; courses without such a run too."""
    found: dict[str, list[dict[str, str]]] = {course["key"]: [] for course in table("courses.csv")}
    for run in table("runs.csv"):
        last = run["enroll_by"] or run["end"]
        if moment(last) > at:
            found[run["course_key"]].append(run)
    return found


def counts(found: PeopleFile) -> tuple[int, int, int]:
    return len(found.people), len(found.twins), len(found.refused)


def test_the_people_of_the_sample_are_counted(people):
    assert counts(people) == (47, 5, 8)


def test_the_real_people_are_counted_or_the_sample_in_their_place():
    if REAL_PEOPLE.exists():
        assert counts(read_people(REAL_PEOPLE)) == (944, 39, 11)
    else:
        assert counts(read_people(PEOPLE)) == (47, 5, 8)


def test_the_people_come_as_a_spreadsheet_saves_them():
    data = PEOPLE.read_bytes()
    assert data.startswith(codecs.BOM_UTF8 + b"Name,E-mail,Department\r\n")
    assert data.count(b"\r\n") == 61  # the header and sixty rows; the other line ends stand inside cells
    assert data.count(b"\n") == 64


def test_the_refused_rows_are_of_every_class(people):
    assert [(fault.line, fault.code) for fault in people.refused] == [
        (line, "invalid_address") for line in (8, 21, 33, 40, 49, 51, 55, 60)
    ]
    given = [fault.input for fault in people.refused]
    assert "broken\nline@example.com" in given
    assert "first.person@example.com; second.person@example.com" in given
    assert "x" * 65 + "@example.com" in given
    assert "" in given
    assert "ask the front desk" in given
    assert "missing.domain@" in given
    assert "Philippa <philippa.second@example.net>" in given
    assert "double@@example.com" in given


def test_the_twins_are_of_every_class(people):
    assert [(twin.line, twin.email, twin.of_line) for twin in people.twins] == [
        (26, "MARIT.SOLBERG@LANTERNWORKS.EXAMPLE", 2),
        (32, "Casper.Dijkhuis@Harbour.Example.Org", 28),
        (44, "ravindra.pillai@lanternworks.example", 11),
        (52, "Annelie@xn--mhle-0ra.example", 12),
        (54, "perpetua.vance@lanternworks.example", 4),
    ]
    assert b"  ravindra.pillai@lanternworks.example " in PEOPLE.read_bytes()


@pytest.mark.parametrize(
    "address",
    [
        "=sum|1+1@example.com",
        "jose.arriaga@example.com",
        "josé.arriaga@example.com",
        "o.groß@example.com",
        "o.gross@example.com",
        "annelie@mühle.example",
    ],
)
def test_the_people_are_of_every_class(people, address):
    assert normal_form(address) in {row.normal for row in people.people}


def test_one_person_stands_on_several_lines(people):
    row = next(row for row in people.people if row.normal == "wilhelmina.vanderaa@example.com")
    assert (row.name, row.department) == ("Wilhelmina van der Aa", "Learning and Development")
    assert b'"Wilhelmina\nvan der Aa"' in PEOPLE.read_bytes()


def test_every_address_of_the_samples_is_at_a_reserved_domain(people):
    domains = {row.normal.partition("@")[2] for row in people.people}
    assert all(domain.endswith(RESERVED) for domain in domains)


def test_the_courses_have_the_columns_of_the_import():
    courses = "key,title,partner,price_usd,pacing,weeks,level,subject,language,course_type,url"
    assert ",".join(table("courses.csv")[0]) == courses
    assert ",".join(table("runs.csv")[0]) == "run_key,course_key,start,end,enroll_by"


def test_keys_are_unique_and_every_run_has_its_course():
    courses = [course["key"] for course in table("courses.csv")]
    runs = table("runs.csv")
    assert (len(courses), len(runs)) == (40, 78)
    assert len(set(courses)) == 40
    assert len({run["run_key"] for run in runs}) == 78
    assert {run["course_key"] for run in runs} == set(courses)
    assert all(run["run_key"].startswith(f"course-v1:{run['course_key']}+") for run in runs)


def test_courses_and_runs_make_sense():
    for course in table("courses.csv"):
        assert Decimal(course["price_usd"]) >= 0
        assert Decimal(course["price_usd"]).as_tuple().exponent == -2
        assert int(course["weeks"]) > 0
        assert course["title"] == course["title"].strip() != ""
        assert course["url"].startswith("https://courses.example.org/")
    for run in table("runs.csv"):
        assert moment(run["start"]) < moment(run["end"])
        assert not run["enroll_by"] or moment(run["enroll_by"]) < moment(run["end"])


def test_some_courses_are_free_and_some_are_executive_education():
    courses = table("courses.csv")
    free = [course for course in courses if Decimal(course["price_usd"]) == 0]
    types = Counter(course["course_type"] for course in courses)
    assert len(free) == 2
    assert types == {"verified-audit": 35, "executive-education-2u": 5}


@pytest.mark.parametrize("at", TIMES, ids=str)
def test_there_are_courses_with_several_with_one_and_with_no_open_run(at):
    numbers = Counter(min(len(runs), 2) for runs in open_runs(at).values())
    assert numbers[2] >= 3
    assert numbers[1] >= 10
    assert numbers[0] >= 5


@pytest.mark.parametrize("at", TIMES, ids=str)
def test_one_closed_course_is_over_and_one_only_closed_to_new_people(at):
    closed = {key for key, runs in open_runs(at).items() if not runs}
    ends = {key: max(moment(run["end"]) for run in table("runs.csv") if run["course_key"] == key) for key in closed}
    assert min(ends.values()) < at < max(ends.values())


@pytest.mark.parametrize("at", TIMES, ids=str)
def test_open_runs_come_with_and_without_a_last_day_to_enrol(at):
    kinds = Counter(bool(run["enroll_by"]) for runs in open_runs(at).values() for run in runs)
    assert min(kinds[True], kinds[False]) >= 5


@pytest.mark.parametrize("at", TIMES, ids=str)
def test_executive_education_and_a_free_course_can_be_enrolled_in(at):
    runs = open_runs(at)
    courses = table("courses.csv")
    assert any(runs[course["key"]] for course in courses if course["course_type"].startswith("executive"))
    assert any(runs[course["key"]] for course in courses if Decimal(course["price_usd"]) == 0)


@pytest.mark.parametrize("at", TIMES, ids=str)
def test_at_least_three_courses_cost_49_dollars_and_have_no_last_day_to_enrol(at):
    prices = {course["key"]: course["price_usd"] for course in table("courses.csv")}
    fitting = [
        key
        for key, runs in open_runs(at).items()
        if prices[key] == "49.00" and any(not run["enroll_by"] and moment(run["start"]) <= TIMES[0] for run in runs)
    ]
    assert len(fitting) >= 3
