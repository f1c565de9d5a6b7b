"""What tests of assigning over our own API have in common: people, a learner with a token, batches and plans by one call."""

from tests.web.v1.caller import Caller

from bursar.people.tokens import create_token
from bursar.testing.factories import COURSE, make_member

FILE = "email,name\nnew@example.org,New\nno address,\nNEW@example.org,\nold@example.org,Old\n"


def learner_of(customer, email, **options):
    """Return a caller who is a learner with an account, by a token of their own."""
    actor = make_member(customer, "learner", email=email, **options)
    return Caller(create_token("mine", user_id=actor.user_id).text)


def offer(house, **terms):
    return {"budget": str(house.budget.pk), "content_key": COURSE, **terms}


def wanted(house, *emails, **terms):
    return offer(house, people=[{"email": email} for email in emails], **terms)


def batch(caller, house, *emails, **how):
    """Assign, and return the batch."""
    response = caller.pay("batches", wanted(house, *emails), **how)
    assert response.status_code in (201, 202), response.content
    return response.json()


def assignments(caller, query=""):
    """Return the assignments that a caller sees, by address."""
    return {item["email"]: item for item in caller.items(f"assignments{query}")}


def one(caller, house, email="ann@example.org"):
    """Assign to one person, and return the assignment's uuid."""
    batch(caller, house, email)
    return assignments(caller, f"?budget={house.budget.pk}")[email]["uuid"]


def many(*keys, **terms):
    return {"assignments": list(keys), **terms}


def results(response):
    """Return what became of each, in the words of the answer."""
    assert response.status_code == 200, response.content
    body = response.json()
    told = {item["assignment"]: item["result"] for item in body["done"]}
    return told | {item["assignment"]: item["code"] for item in body["refused"]}
