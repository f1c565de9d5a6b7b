"""Customers, users, tokens, funds, budgets and the catalog: made, listed and shown, as text and as JSON."""

import hashlib
import sys
from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model

from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.models import Fund, LedgerEntry
from bursar.catalog.models import Course
from bursar.people.models import ApiToken, Membership
from bursar.people.tokens import token_owner


def test_a_customer_is_made_listed_and_shown(db, bursar):
    made = bursar(
        *("customer", "create", "Möller & Söhne", "--slug", "moeller", "--contact-email", "lernen@möller.example"),
        *("--time-zone", "europe/berlin", "--language", "DE", "--brand-color", "#AA0000", "--show-price", "--json"),
    ).json
    assert (made["slug"], made["time_zone"], made["language"], made["show_price"]) == (
        "moeller",
        "Europe/Berlin",
        "de",
        True,
    )
    assert [item["uuid"] for item in bursar("customer", "list", "--json").json["customers"]] == [made["uuid"]]
    assert bursar("customer", "show", made["uuid"], "--json").json["people"] == 0
    assert "Möller & Söhne" in bursar("customer", "show", "moeller").out
    assert "moeller" in bursar("customer", "list").out
    assert (
        bursar("customer", "create", "Again", "--slug", "moeller", "--json", code=3).json["error"]["code"]
        == "slug_taken"
    )


def test_a_customer_can_have_the_uuid_that_others_know_it_by(db, bursar):
    uuid = "0c0c0c0c-0000-4000-8000-00000000000a"
    assert bursar("customer", "create", "Acme", "--uuid", uuid, "--json").json["uuid"] == uuid
    again = bursar("customer", "create", "Other", "--uuid", uuid, "--json", code=3).json
    assert again["error"]["code"] == "uuid_taken"
    assert (
        bursar("customer", "create", "Other", "--uuid", "x", "--json", code=4).json["error"]["code"] == "invalid_uuid"
    )


def test_an_empty_service_says_what_to_do_first(db, bursar):
    assert "bursar customer create" in bursar("customer", "list").out
    assert "bursar fund create" in bursar("fund", "list").out
    assert "bursar budget create" in bursar("budget", "list").out
    assert "bursar catalog import" in bursar("catalog", "list").out
    assert "bursar user create" in bursar("user", "list").out
    assert "There is no token." in bursar("token", "list").out
    assert "No assignment fits." in bursar("assignments", "list").out


def test_a_customer_shows_its_funds_and_budgets(allocated, bursar):
    shown = bursar("customer", "show", "acme-ltd", "--json").json
    assert (shown["people"], shown["members"]) == (3, 0)
    assert [item["title"] for item in shown["funds"]] == ["Fund"]
    assert [(item["name"], item["held_cents"]) for item in shown["budgets"]] == [("Team", 14700)]
    assert "Team" in bursar("customer", "show", "acme-ltd").out


def test_money_goes_in_once_per_key_and_is_corrected_with_a_reason(world, bursar):
    bursar("fund", "deposit", "Fund", "100", "--key", "invoice-7")
    again = bursar("fund", "deposit", "Fund", "100", "--key", "invoice-7", "--json").json
    assert again["balance_cents"] == 70000
    other = bursar("fund", "deposit", "Fund", "200", "--key", "invoice-7", "--json", code=3).json
    assert other["error"]["code"] == "idempotency_key_reused"
    assert bursar("fund", "adjust", "Fund", "-0.50", "--reason", "fees", "--json").json["balance_cents"] == 69950
    assert bursar("fund", "adjust", "Fund", "0.50", "--reason", "fees back", "--json").json["balance_cents"] == 70000
    over = bursar("fund", "adjust", "Fund", "-1000", "--reason", "all", "--json", code=3).json
    assert (over["error"]["code"], over["error"]["missing_cents"]) == ("fund_balance_exceeded", 30000)
    assert "300.00 USD" in bursar("fund", "adjust", "Fund", "-1000", "--reason", "all", code=3).err
    shown = bursar("fund", "show", "Fund", "--json").json
    assert [item["amount_cents"] for item in shown["entries"]] == [50, -50, 10000, 60000]
    assert "fees back" in bursar("fund", "show", "Fund").out
    assert LedgerEntry.objects.count() == 4


def test_a_fund_has_dates_and_moving_its_end_moves_expiries(allocated, bursar):
    moved = bursar("fund", "set-end", "Fund", "2027-01-01", "--json").json
    assert (moved["rescheduled"], moved["expires_at"]) == (3, "2027-01-01T00:00:00Z")
    assert "3 open assignments" in bursar("fund", "set-end", "Fund", "--never").out
    made = bursar(
        *("fund", "create", "--customer", "acme-ltd", "--title", "Euro", "--currency", "eur", "--starts", "2027-01-01"),
        *("--expires", "2028-01-01", "--json"),
    ).json
    assert (made["currency"], made["starts_at"], made["balance_cents"]) == ("EUR", "2027-01-01T00:00:00Z", 0)
    assert [item["title"] for item in bursar("fund", "list", "--customer", "acme-ltd", "--json").json["funds"]] == [
        "Fund",
        "Euro",
    ]
    assert "Euro" in bursar("fund", "list").out


def test_a_limit_is_never_below_what_is_promised_and_the_difference_is_named(allocated, bursar):
    error = bursar("budget", "set-limit", "Team", "100", "--json", code=3).json["error"]
    assert (error["code"], error["missing_cents"]) == ("limit_below_commitments", 4700)
    assert "47.00 USD" in bursar("budget", "set-limit", "Team", "100", code=3).err
    assert bursar("budget", "set-limit", "Team", "147", "--json").json["available_cents"] == 0
    assert bursar("budget", "set-limit", "Team", "147.00").code == 0


def test_limits_above_the_fund_are_allowed_and_said(world, bursar):
    over = bursar("budget", "set-limit", "Team", "900", "--json")
    assert over.json["overcommitted_cents"] == 30000
    assert "300.00 USD above" in over.err
    assert "above" in bursar("fund", "show", "Fund").err
    assert bursar("fund", "show", "Fund", "--json").json["overcommitted_cents"] == 30000


def test_a_budget_of_a_named_catalog_is_shown_with_its_counts_and_retired(world, bursar, people):
    named = bursar("catalog", "create", "History only", "--customer", "acme-ltd", "--subject", "History", "--json").json
    assert named["courses"] == 4
    bursar(
        "budget",
        "create",
        "--fund",
        "Fund",
        "--name",
        "Past",
        "--limit",
        "10",
        "--catalog",
        "History only",
        "--description",
        "Old",
    )
    error = bursar("allocate", people, "--budget", "Past", "--content", "Org+ONE", "--json", code=3).json["error"]
    assert error["code"] == "content_not_in_catalog"
    bursar("allocate", people, "--budget", "Past", "--content", "Org+FREE")
    shown = bursar("budget", "show", "Past")
    assert "History only" in shown.out
    assert bursar("budget", "show", "Past", "--json").json["counts"] == {"allocated": 3}
    assert bursar("budget", "retire", "Past", "--json").json["retired"] is True
    listed = bursar("budget", "list", "--customer", "acme-ltd").out
    assert "retired" in listed
    assert [item["name"] for item in bursar("budget", "list", "--json").json["budgets"]] == ["Team", "Past"]


def test_what_a_budget_is_called_and_may_be_spent_on_is_changed(world, bursar, people):
    bursar("catalog", "create", "History only", "--customer", "acme-ltd", "--subject", "History")
    said = bursar(
        "budget", "change", "Team", "--name", "Crew", "--description", "All", "--catalog", "History only", "--json"
    )
    assert said.json["name"] == "Crew"
    error = bursar("allocate", people, "--budget", "Crew", "--content", "Org+ONE", "--json", code=3).json["error"]
    assert error["code"] == "content_not_in_catalog"
    bursar("budget", "change", "Crew", "--every-course")
    bursar("allocate", people, "--budget", "Crew", "--content", "Org+ONE")
    assert bursar("budget", "change", "Crew", "--name", " ", "--json", code=4).json["error"]["code"] == "missing_name"
    bursar("budget", "change", "Crew", "--catalog", "Nowhere", code=4)
    assert "say what is to change" in bursar("budget", "change", "Crew", code=2).err
    bursar("budget", "change", "Crew", "--catalog", "History only", "--every-course", code=2)


def test_what_is_known_of_a_customer_is_changed(world, bursar):
    before = bursar("customer", "show", "acme-ltd", "--json").json
    words = (
        "--name",
        "Acme GmbH",
        "--slug",
        "acme",
        "--language",
        "de",
        "--time-zone",
        "Europe/Berlin",
        "--show-price",
    )
    said = bursar("customer", "change", "acme-ltd", *words, "--contact-email", "lernen@acme.example", "--json").json
    assert (said["name"], said["slug"], said["language"], said["show_price"]) == ("Acme GmbH", "acme", "de", True)
    assert said["brand_color"] == before["brand_color"]
    after = bursar("customer", "change", "acme", "--hide-price", "--contact-email", "", "--json").json
    assert (after["show_price"], after["contact_email"], after["name"]) == (False, "", "Acme GmbH")
    wrong = bursar("customer", "change", "acme", "--time-zone", "Europe/Nowhere", "--json", code=4).json["error"]
    assert wrong["code"] == "invalid_time_zone"
    bursar("customer", "change", "acme", "--name", "", code=4)
    bursar("customer", "change", "acme", "--logo-url", "nonsense", code=4)
    assert "say what is to change" in bursar("customer", "change", "acme", code=2).err


def test_a_name_that_two_budgets_have_needs_the_uuid(world, bursar):
    bursar("budget", "create", "--fund", "Fund", "--name", "Team", "--limit", "5")
    assert bursar("budget", "show", "Team", "--json", code=3).json["error"]["code"] == "ambiguous_name"
    teams = [row["uuid"] for row in bursar("budget", "list", "--json").json["budgets"]]
    said = bursar("budget", "show", "Team", code=3).err
    assert all(key in said for key in teams)


@pytest.mark.parametrize("order", [("courses.csv", "runs.csv"), ("runs.csv", "courses.csv")])
def test_the_kind_of_a_catalog_file_is_told_by_its_header_in_any_order(world, bursar, write, order):
    files = {
        "courses.csv": write("c.csv", "Title;Price USD;KEY\nNew;5.00;Org+NEW\n"),
        "runs.csv": write("r.csv", "start,run_key,course_key\n,course-v1:Org+NEW+1,Org+NEW\n"),
    }
    done = bursar("catalog", "import", *(files[name] for name in order), "--json").json["files"]
    assert [(item["kind"], item["created"], item["refused"]) for item in done] == [("courses", 1, []), ("runs", 1, [])]
    again = bursar("catalog", "import", *(files[name] for name in order), "--json").json["files"]
    assert [(item["created"], item["updated"], item["unchanged"]) for item in again] == [(0, 0, 1), (0, 0, 1)]


def test_a_changed_deadline_moves_expiries_and_says_how_many(allocated, bursar, write):
    runs = write(
        "runs.csv",
        "run_key,course_key,enroll_by\ncourse-v1:Org+ONE+1,Org+ONE,2026-12-01T00:00:00Z\ncourse-v1:Org+ONE+2,Org+ONE,2026-12-02T00:00:00Z\n",
    )
    text = bursar("catalog", "import", runs).out
    assert "The expiry of 3 open assignments moved." in text
    assert {row.expires_at for row in LearnerContentAssignment.objects.all()} == {datetime(2026, 12, 2, tzinfo=UTC)}


def test_courses_are_searched_paged_and_shown(world, bursar):
    found = bursar("catalog", "list", "--search", "course", "--limit", "2", "--json").json
    assert ([item["key"] for item in found["courses"]], found["more"]) == (["Org+FREE", "Org+NOPRICE"], True)
    last = bursar("catalog", "list", "--limit", "2", "--page", "3", "--json").json
    assert ([item["key"] for item in last["courses"]], last["more"]) == (["Org+TWO"], False)
    assert "--page 2" in bursar("catalog", "list", "--limit", "2").out
    assert "No course fits." in bursar("catalog", "list", "--search", "nothing like it").out
    shown = bursar("catalog", "show", "course-v1:Org+ONE+2", "--json").json
    assert (shown["key"], shown["price_cents"], len(shown["runs"])) == ("Org+ONE", 4900, 2)
    assert "2030-03-01" in bursar("catalog", "show", "Org+ONE").out
    assert "unknown" in bursar("catalog", "show", "Org+NOPRICE").out
    assert Course.objects.count() == 5


def test_named_catalogs_are_listed_with_what_they_offer(world, bursar):
    bursar("catalog", "create", "Two", "--keys", "Org+ONE, Org+TWO", "--keys", "Org+FREE")
    bursar("catalog", "create", "Org", "--partner", "Org University", "--subject", "History")
    bursar("catalog", "create", "All", "--json")
    listed = bursar("catalog", "list", "--named").out
    assert "3 listed keys" in listed
    assert "partner Org University and subject History" in listed
    assert "every course" in listed
    assert [item["title"] for item in bursar("catalog", "list", "--named", "--json").json["catalogs"]] == [
        "All",
        "Org",
        "Two",
    ]
    offered = bursar("catalog", "list", "--catalog", "Org", "--json").json["courses"]
    assert [item["key"] for item in offered] == ["Org+TWO"]
    assert bursar("catalog", "create", "All", "--json", code=3).json["error"]["code"] == "catalog_exists"


def test_a_user_is_made_with_a_password_shown_once_and_finds_what_was_assigned(allocated, bursar):
    made = bursar(
        "user", "create", "Ada@Acme.example", "--name", "Ada", "--role", "admin", "--customer", "acme-ltd", "--json"
    ).json
    user = get_user_model().objects.get(pk=made["user"]["id"])
    assert user.check_password(made["password"])
    assert made["user"]["verified"] is True
    row = LearnerContentAssignment.objects.get(pk=allocated["ada@acme.example"])
    assert row.lms_user_id == made["user"]["lms_user_id"]
    assert {item.role for item in Membership.objects.filter(user=user)} == {"admin", "learner"}
    assert bursar("user", "create", "ada@acme.example", "--json", code=3).json["error"]["code"] == "user_exists"
    assert "admin at acme-ltd" in bursar("user", "list", "--customer", "acme-ltd").out


def test_a_user_whose_address_is_not_proven_gets_nothing_until_it_is(allocated, bursar):
    given = ("--password", "a long enough phrase", "--lms-user-id", "77", "--unverified")
    told = bursar("user", "create", "bea@acme.example", *given)
    assert "Password" not in told.out
    row = LearnerContentAssignment.objects.get(pk=allocated["bea@acme.example"])
    assert row.lms_user_id is None
    assert bursar("user", "verify", "BEA@acme.example", "--json").json["linked"] == 1
    row.refresh_from_db()
    assert row.lms_user_id == 77
    assert "0 assignments" in bursar("user", "verify", "bea@acme.example").out
    taken = bursar("user", "create", "cee@acme.example", "--lms-user-id", "77", "--json", code=3).json["error"]
    assert taken["code"] == "lms_user_id_taken"


def test_a_password_may_be_typed_twice_where_nobody_sees_it(db, bursar, monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    typed = iter(["one long phrase", "another long phrase", "one long phrase", "one long phrase"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    ask = ("user", "create", "ada@acme.example", "--ask-password", "--json")
    assert bursar(*ask, code=3).json["error"]["code"] == "password_mismatch"
    assert bursar(*ask).json["password"] is None
    assert get_user_model().objects.get().check_password("one long phrase")


def test_roles_are_given_at_a_customer_or_to_operators_everywhere(world, bursar):
    bursar("user", "create", "ada@acme.example")
    bursar("user", "grant", "ada@acme.example", "--role", "operator")
    given = bursar("user", "grant", "ada@acme.example", "--role", "learner", "--customer", "acme-ltd", "--json").json
    assert [item["role"] for item in given["user"]["roles"]] == ["learner", "operator"]
    assert "operator everywhere" in bursar("user", "grant", "ada@acme.example", "--role", "operator").out
    assert [item["email"] for item in bursar("user", "list", "--json").json["users"]] == ["ada@acme.example"]


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked(world, bursar):
    made = bursar(
        *("token", "create", "nightly", "--role", "admin", "--customer", "acme-ltd", "--scope", "assignments.allocate"),
        *("--expires", "2030-01-01", "--json"),
    ).json
    stored = ApiToken.objects.get(pk=made["uuid"])
    assert stored.digest == hashlib.sha256(made["token"].encode()).hexdigest()
    assert token_owner(made["token"]) is not None
    listed = bursar("token", "list")
    assert "admin at acme-ltd" in listed.out
    assert made["token"] not in listed.out + bursar("token", "list", "--json").out
    bursar("user", "create", "ada@acme.example")
    assert "bursar_" in bursar("token", "create", "ada's", "--user", "ada@acme.example").out
    assert bursar("token", "revoke", made["uuid"], "--json").json["revoked_at"]
    assert token_owner(made["token"]) is None
    assert "ada@acme.example" in bursar("token", "list").out
    assert "revoked" in bursar("token", "revoke", made["uuid"]).out
    assert "revoked" in bursar("token", "list").out


def test_a_fund_made_without_a_deposit_holds_nothing(world, bursar):
    bursar("fund", "create", "--customer", "acme-ltd", "--title", "Empty")
    assert Fund.objects.get(title="Empty").balance_cents == 0
    assert "Empty" in bursar("fund", "show", "Empty").out
