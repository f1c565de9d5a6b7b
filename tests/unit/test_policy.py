"""Whether something is refused and why: every code, the order of the checks, and bounds in integers."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.assignments.policy import (
    WORDS,
    AllocationFacts,
    Code,
    MoneyLeft,
    RedemptionFacts,
    is_transactional,
    price_lies_near,
    refusal,
    refuse_allocation,
    refuse_amount,
    refuse_redemption,
    refuse_state,
    why_stopped,
)
from bursar.assignments.states import State, Verb, starts

ALLOWED = AllocationFacts(
    known_content=True,
    price_cents=4900,
    catalog_price_cents=4900,
    tolerance_percent=5,
    budget_active=True,
    in_catalog=True,
    enrolment_open=True,
    same_currency=True,
    fund_active=True,
)
# In the order in which they are looked at: the fact that breaks the rule, and the code that says so.
ALLOCATION_RULES = [
    ({"known_content": False}, "content_not_in_catalog"),
    ({"price_cents": None}, "price_missing"),
    ({"price_cents": 1}, "PriceValidationError"),
    ({"budget_active": False}, "policy_expired"),
    ({"in_catalog": False}, "content_not_in_catalog"),
    ({"same_currency": False}, "currency_mismatch"),
    ({"enrolment_open": False}, "beyond_enrollment_deadline"),
    ({"fund_active": False}, "subsidy_expired"),
]
TAKEN_UP = RedemptionFacts(
    state="allocated",
    redemption_pending=False,
    budget_active=True,
    in_catalog=True,
    known_content=True,
    run_fits=True,
    enrolment_open=True,
    fund_active=True,
)
REDEMPTION_RULES = [
    ({"budget_active": False}, "policy_expired"),
    ({"learner_known": False}, "learner_not_in_enterprise"),
    ({"in_catalog": False}, "content_not_in_catalog"),
    ({"known_content": False}, "content_not_in_catalog"),
    ({"run_fits": False}, "wrong_run"),
    ({"enrolment_open": False}, "beyond_enrollment_deadline"),
    ({"fund_active": False}, "subsidy_expired"),
    ({"fund_covers": False}, "not_enough_value_in_subsidy"),
    ({"limit_covers": False}, "policy_spend_limit_reached"),
    ({"redemption_pending": True}, "redemption_in_progress"),
    ({"state": "cancelled"}, "reason_learner_assignment_cancelled"),
]


def code_of(why):
    return why and why.code


def pairs(rules):
    """Return every two rules that can be broken at once, the earlier first."""
    return [(first, second) for first, second in combinations(rules, 2) if not first[0].keys() & second[0].keys()]


def test_nothing_stands_against_an_allocation_that_keeps_every_rule():
    assert refuse_allocation(ALLOWED) is None


@pytest.mark.parametrize(("broken", "code"), ALLOCATION_RULES)
def test_each_rule_refuses_an_allocation_by_its_own_code(broken, code):
    assert code_of(refuse_allocation(replace(ALLOWED, **broken))) == code


@pytest.mark.parametrize(("first", "second"), pairs(ALLOCATION_RULES))
def test_of_two_rules_that_refuse_an_allocation_the_earlier_speaks(first, second):
    assert code_of(refuse_allocation(replace(ALLOWED, **second[0], **first[0]))) == first[1]


def test_a_price_refused_says_both_prices():
    why = refuse_allocation(replace(ALLOWED, price_cents=5146))
    assert why.facts == {"price_cents": 5146, "catalog_price_cents": 4900}


def test_where_the_catalog_has_no_price_the_given_one_counts():
    assert refuse_allocation(replace(ALLOWED, price_cents=1, catalog_price_cents=None)) is None


@pytest.mark.parametrize(
    ("price", "catalog", "tolerance", "near"),
    [
        (4900, 4900, 0, True),
        (4901, 4900, 0, False),
        (4655, 4900, 5, True),
        (4654, 4900, 5, False),
        (5145, 4900, 5, True),
        (5146, 4900, 5, False),
        (95, 99, 5, True),
        (94, 99, 5, False),
        (103, 99, 5, True),
        (104, 99, 5, False),
        (0, 0, 5, True),
        (1, 0, 5, False),
        (1, 19, 5, False),
        (10**15 + 5 * 10**13, 10**15, 5, True),
        (10**15 + 5 * 10**13 + 1, 10**15, 5, False),
        (0, 4900, 100, True),
        (9800, 4900, 100, True),
        (9801, 4900, 100, False),
    ],
)
def test_the_tolerance_holds_to_the_cent_with_its_bounds_inside(price, catalog, tolerance, near):
    assert price_lies_near(price, catalog, tolerance) is near


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 100))
def test_the_tolerance_is_the_same_above_and_below(catalog, difference, tolerance):
    near = price_lies_near(catalog + difference, catalog, tolerance)
    assert near == (100 * difference <= tolerance * catalog)
    if difference <= catalog:
        assert price_lies_near(catalog - difference, catalog, tolerance) == near


@pytest.mark.parametrize(
    ("budget", "fund", "cents"),
    [(100, 200, 100), (200, 100, 100), (-5, 100, 0), (100, -5, 0), (0, 0, 0), (7, 7, 7)],
)
def test_what_is_left_is_the_smaller_of_limit_and_fund_and_never_below_nothing(budget, fund, cents):
    assert MoneyLeft(budget, fund).cents == cents


@pytest.mark.parametrize(
    ("left", "needed", "code", "missing"),
    [
        (MoneyLeft(100, 100), 100, None, None),
        (MoneyLeft(100, 100), 101, "not_enough_value_in_subsidy", 1),
        (MoneyLeft(100, 200), 101, "policy_spend_limit_reached", 1),
        (MoneyLeft(200, 100), 101, "not_enough_value_in_subsidy", 1),
        (MoneyLeft(40, 60), 100, "not_enough_value_in_subsidy", 60),
        (MoneyLeft(-10, 60), 50, "policy_spend_limit_reached", 50),
        (MoneyLeft(0, 0), 0, None, None),
        (MoneyLeft(-10, -10), 0, None, None),
        (MoneyLeft(0, 0), -5, None, None),
        (MoneyLeft(0, 100), 1, "policy_spend_limit_reached", 1),
    ],
)
def test_an_amount_is_refused_by_the_fund_first_and_says_what_is_missing(left, needed, code, missing):
    why = refuse_amount(left, needed)
    assert code_of(why) == code
    if why:
        assert why.facts == {"needed_cents": needed, "available_cents": left.cents, "missing_cents": missing}


def test_nothing_stands_against_taking_up_an_allocated_assignment():
    assert refuse_redemption(TAKEN_UP) is None


@pytest.mark.parametrize(("broken", "code"), REDEMPTION_RULES)
def test_each_rule_refuses_a_redemption_by_its_own_code(broken, code):
    assert code_of(refuse_redemption(replace(TAKEN_UP, **broken))) == code


@pytest.mark.parametrize(("first", "second"), pairs(REDEMPTION_RULES))
def test_of_two_rules_that_refuse_a_redemption_the_earlier_speaks(first, second):
    assert code_of(refuse_redemption(replace(TAKEN_UP, **second[0], **first[0]))) == first[1]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("accepted", "already_accepted"),
        ("cancelled", "reason_learner_assignment_cancelled"),
        ("expired", "reason_learner_assignment_expired"),
        ("errored", "reason_learner_assignment_failed"),
        ("reversed", "reason_learner_assignment_reversed"),
        (None, "reason_learner_not_assigned_content"),
    ],
)
def test_every_other_state_refuses_a_redemption_by_name(state, code):
    assert code_of(refuse_redemption(replace(TAKEN_UP, state=state))) == code


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("state", list(State))
def test_a_step_is_refused_exactly_where_the_table_has_no_start(state, verb):
    why = refuse_state(state, starts(verb))
    assert code_of(why) == (None if state in starts(verb) else "wrong_state")
    if why:
        assert why.facts == {"state": state.value, "allowed": sorted(starts(verb))}


def test_an_enrolment_under_way_refuses_before_the_state_does():
    why = refuse_state("accepted", starts(Verb.CANCEL), redemption_pending=True)
    assert why.code == "redemption_in_progress"
    assert refuse_state("allocated", starts(Verb.CANCEL), redemption_pending=True).code == "redemption_in_progress"


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_words_for_people(code):
    assert WORDS[code].endswith(".")
    assert refusal(code, cents=3).message == WORDS[code]
    assert (refusal(code, cents=3).code, refusal(code, cents=3).facts) == (code.value, {"cents": 3})


def test_the_codes_that_open_edx_clients_read_are_spelled_as_they_read_them():
    read = {
        "policy_expired", "subsidy_expired", "not_enough_value_in_subsidy", "policy_spend_limit_reached",
        "content_not_in_catalog", "beyond_enrollment_deadline", "reason_learner_not_assigned_content",
        "reason_learner_assignment_failed", "reason_learner_assignment_cancelled", "reason_learner_assignment_expired",
        "reason_learner_assignment_reversed", "PriceValidationError", "enrollment_error",
    }  # fmt: skip
    assert read <= {code.value for code in Code}


@pytest.mark.parametrize("kind", ["assigned", "cancelled", "expired", "budget_used", "fund_ending"])
def test_news_that_must_be_known_reaches_those_who_unsubscribed(kind):
    assert is_transactional(kind)
    assert why_stopped(kind, {"unsubscribed"}) is None


@pytest.mark.parametrize("kind", ["reminded", "nudged", "digest", "admin_digest", "manager_digest"])
def test_what_people_can_do_without_does_not(kind):
    assert not is_transactional(kind)
    assert why_stopped(kind, {"unsubscribed"}) == "unsubscribed from reminders"


@pytest.mark.parametrize("kind", ["assigned", "reminded", "digest", "fund_ending"])
@pytest.mark.parametrize("stops", [{"bounced"}, {"complained"}, {"unsubscribed", "bounced"}, {"anything else"}])
def test_every_other_reason_stops_every_mail(kind, stops):
    assert why_stopped(kind, stops) == "mail to this address is suppressed"


@pytest.mark.parametrize("kind", ["assigned", "reminded"])
def test_without_a_reason_mail_goes(kind):
    assert why_stopped(kind, frozenset()) is None
