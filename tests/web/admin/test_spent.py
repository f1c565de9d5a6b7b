"""What was spent from a budget: transactions with their reversals beside them, found, sorted, paged, taken away as a file."""

import csv
import io
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.test import Client
from python_calamine import CalamineWorkbook
from tests.db.verbs.steps import DAY, accept, assigned, in_state, keys, later
from tests.pages.reading import Tags, words
from tests.pages.test_viewer import browser

from bursar.assignments import services
from bursar.assignments.events import HistoryReason
from bursar.assignments.flows import privacy
from bursar.budgets.models import Transaction
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db
STATEMENTS = 10
ROWS = {"hx-request": "true", "hx-target": "rows"}


@pytest.fixture
def reader(house):
    return browser(factories.make_member(house.customer))


def at(budget, file=""):
    return f"/admin-portal/acme/budgets/{budget.pk}/spent/{file}"


def text(response):
    assert response.status_code == 200
    Tags(response.text)
    return words(response.text)


def lines(response):
    """Return the rows of the table, each in words."""
    assert response.status_code == 200
    _, _, body = response.text.partition("<tbody>")
    return [words(row) for row in body.partition("</tbody>")[0].split("</tr>") if words(row)]


def table(client, budget, query=""):
    response = client.get(at(budget, f"export.csv{query}"))
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(b"".join(response).decode("utf-8-sig"), newline="")))


def sheet(client, budget, query=""):
    content = b"".join(client.get(at(budget, f"export.xlsx{query}")))
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


@pytest.fixture
def year(house):
    """Three courses at different prices, accepted one day after the other; the second was given back."""
    for number, (title, price) in enumerate([("Algebra", 1_000), ("Botany", 3_000), ("Chemistry", 2_000)], start=1):
        key = f"DemoX+{title}"
        course = factories.make_course(key, title=title, price_cents=price)
        factories.make_run(course, f"course-v1:{key}+R", start=datetime(2027, 1, 10 - number, tzinfo=UTC))
        with later(number * DAY):
            rows = accept(assigned(house.budget, [f"{title.lower()}@example.org"], key))
            if title == "Botany":
                with later(30 * DAY):
                    services.reverse_many(keys(rows), actor=CONSOLE)
    return house.budget


# The page


def test_the_newest_comes_first_and_a_reversal_stands_beside_its_original(reader, year):
    assert lines(reader.get(at(year))) == [
        "25 Nov 2026 Chemistry chemistry@example.org Spent 7 Jan 2027 −$20.00",
        "24 Nov 2026 Botany botany@example.org Refunded on 24 Dec 2026 Spent 8 Jan 2027 −$30.00",
        "24 Dec 2026 Botany botany@example.org Refund 8 Jan 2027 +$30.00",
        "23 Nov 2026 Algebra algebra@example.org Spent 9 Jan 2027 −$10.00",
    ]


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("date", "Algebra"),
        ("-course", "Chemistry"),
        ("course", "Algebra"),
        ("-amount", "Botany"),
        ("amount", "Algebra"),
        ("start", "Chemistry"),
        ("-start", "Algebra"),
        ("password", "Chemistry"),
    ],
)
def test_it_is_sorted_by_any_column_either_way(reader, year, sort, first):
    assert first in lines(reader.get(at(year), {"sort": sort}))[0]
    assert first in table(reader, year, f"?sort={sort}")[1][2]


@pytest.mark.parametrize(
    ("search", "found"),
    [("bot", 2), ("BOTANY", 2), ("algebra@example.org", 1), ("ALGEBRA@EXAMPLE.ORG", 1), ("example.org", 4), ("%", 0)],
)
def test_a_search_finds_titles_and_addresses(reader, year, search, found):
    response = reader.get(at(year), {"q": search})
    assert len(lines(response)) == found
    assert ("Nothing found" in text(response)) == (found == 0)
    assert len(table(reader, year, f"?q={search.replace('%', '%25')}")) == found + 1


def test_a_search_by_htmx_answers_with_the_table_alone(reader, year):
    part = reader.get(at(year), {"q": "bot"}, headers=ROWS)
    assert len(lines(part)) == 2
    assert "<html" not in part.text
    assert f"{at(year, 'export.csv')}?q=bot" in part.text


@pytest.mark.usefixtures("unaudited")
def test_what_is_under_way_or_did_not_work_says_so(reader, house):
    in_state("errored", house.budget, 1)
    (failed,) = lines(reader.get(at(house.budget)))
    assert "Did not work" in failed
    assert "−$49.00 nothing was spent" in failed
    Transaction.objects.update(state="pending")
    assert "Under way" in lines(reader.get(at(house.budget)))[0]


def test_an_address_that_was_forgotten_is_not_shown(reader, house):
    (row,) = accept(assigned(house.budget, 1))
    privacy.forget(keys([row]), actor=CONSOLE, reason=HistoryReason.SCRUBBED)
    assert "Email hidden" in lines(reader.get(at(house.budget)))[0]
    assert "No transaction has" in text(reader.get(at(house.budget), {"q": "learner1@example.org"}))


def test_titles_are_shown_as_they_are_written(reader, house):
    factories.make_course("DemoX+X", title="<script>alert(1)</script>")
    accept(assigned(house.budget, 1, "DemoX+X"))
    assert "&lt;script&gt;" in reader.get(at(house.budget)).text


def test_nothing_spent_yet_says_when_something_will_appear(reader, house):
    assert "Nothing spent yet" in text(reader.get(at(house.budget)))


def test_there_are_twenty_five_on_a_page(reader, house):
    accept(assigned(house.budget, 30))
    assert len(lines(reader.get(at(house.budget)))) == 25
    assert len(lines(reader.get(at(house.budget), {"page": "2"}))) == 5
    assert len(lines(reader.get(at(house.budget), {"page": "99"}))) == 5
    seen = lines(reader.get(at(house.budget))) + lines(reader.get(at(house.budget), {"page": "2"}))
    assert len(set(seen)) == 30


# Files


def test_a_csv_file_holds_what_the_search_shows_and_adds_up_to_what_was_spent(reader, year):
    heads, *rows = table(reader, year)
    assert heads[:5] == ["Date (UTC)", "Address", "Course", "Key of the course", "Amount (USD)"]
    assert rows[1] == [
        *("2026-11-24 12:00", "botany@example.org", "Botany", "course-v1:DemoX+Botany+R", "-30.00", "Spent"),
        *("2027-01-08 00:00", "2026-12-24 12:00"),
    ]
    assert [row[4] for row in rows] == ["-20.00", "-30.00", "30.00", "-10.00"]
    assert len(table(reader, year, "?q=bot")) == 3


def test_an_xlsx_file_holds_the_same_with_figures_as_numbers(reader, year):
    _, *rows = sheet(reader, year)
    assert [row[4] for row in rows] == [-20, -30, 30, -10]
    assert rows[0][0] == datetime(2026, 11, 25, 12)
    assert [row[1:4] for row in rows] == [row[1:4] for row in table(reader, year)[1:]]


def test_what_did_not_work_has_no_amount(reader, house):
    in_state("errored", house.budget, 1)
    assert table(reader, house.budget)[1][4:6] == ["", "Did not work"]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
def test_a_title_that_begins_like_a_formula_stays_a_text(reader, house, begin):
    factories.make_course("DemoX+X", title=f"{begin}HYPERLINK(1)")
    accept(assigned(house.budget, 1, "DemoX+X"))
    assert table(reader, house.budget)[1][2] == sheet(reader, house.budget)[1][2] == f"'{begin}HYPERLINK(1)"


def test_a_file_is_named_after_the_budget_and_the_day(reader, house):
    for kind in ("csv", "xlsx"):
        named = reader.get(at(house.budget, f"export.{kind}"))["Content-Disposition"]
        assert named == f'attachment; filename="spent-training-2026-11-22.{kind}"'
    assert reader.get(at(house.budget, "export.exe")).status_code == 404


def test_a_budget_without_payments_gives_a_file_with_its_heads(reader, house):
    assert len(table(reader, house.budget)) == len(sheet(reader, house.budget)) == 1


# Who may, and what it costs


@pytest.mark.parametrize("file", ["", "export.csv", "export.xlsx"])
def test_what_was_spent_is_for_those_who_manage_the_customer(reader, house, file):
    other = factories.make_budget()
    assert reader.get(at(other, file)).status_code == 404
    assert reader.get(f"/admin-portal/acme/budgets/{uuid4()}/spent/{file}").status_code == 404
    assert browser(factories.make_member(house.customer, Role.LEARNER)).get(at(house.budget, file)).status_code == 403
    assert Client().get(at(house.budget, file)).status_code == 302
    assert reader.post(at(house.budget, file)).status_code == 405


def test_payments_of_another_budget_are_not_listed(reader, house):
    other = factories.make_budget(house.fund, display_name="Other")
    accept(assigned(other, 2))
    assert "Nothing spent yet" in text(reader.get(at(house.budget)))
    assert len(table(reader, house.budget)) == 1


@pytest.mark.parametrize("query", [{"q": "\0"}, {"page": "0"}, {"sort": "--x", "q": "x" * 5_000}, {"q": "\x07'\"%_\\"}])
def test_nonsense_in_an_address_is_no_failure(reader, year, query):
    assert reader.get(at(year), query).status_code == 200
    assert reader.get(at(year, "export.csv"), query).status_code == 200


def test_many_take_as_many_statements_as_one(house, django_assert_max_num_queries):
    client = browser(factories.make_member(None, Role.OPERATOR))
    accept(assigned(house.budget, 30))
    with django_assert_max_num_queries(STATEMENTS):
        client.get(at(house.budget), {"q": "example.org"})
    with django_assert_max_num_queries(STATEMENTS):
        b"".join(client.get(at(house.budget, "export.csv")))
