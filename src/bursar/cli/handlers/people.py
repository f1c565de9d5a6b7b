"""Forgetting one person at once, from the command line."""

import sys

from bursar.assignments import flows
from bursar.cli.output import Answer
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import NotFound, Refused
from bursar.kernel.lookup import as_uuid
from bursar.people.addresses import normal_form
from bursar.people.keys import key_of
from bursar.people.models import Person
from bursar.people.selectors import find_customer


def erase(reference: str, *, customer: str | None, confirmed: bool) -> Answer:
    """Erase a person, named by address or uuid, after asking."""
    person = _find(reference, customer)
    if not confirmed:
        _ask(person)
    number = flows.erase_person(person, actor=CONSOLE)
    said = (
        f"The person is forgotten; the address is gone from {number} {'assignment' if number == 1 else 'assignments'}."
    )
    return Answer({"person": person.pk, "customer": person.customer_id, "assignments": number}, (said,))


def _find(reference: str, customer: str | None) -> Person:
    """Return the one person meant; raises `NotFound`, or `Refused` (`ambiguous_person`) when several customers know them."""
    rows = Person.objects.select_related("customer").filter(erased_at=None)
    if customer:
        rows = rows.filter(customer=find_customer(customer, None))
    key = as_uuid(reference)
    found = list(rows.filter(pk=key) if key else rows.filter(address_key=key_of(normal_form(reference))))
    if not found:
        raise NotFound("Nobody here is known by that address or uuid.", code="unknown_person")
    if len(found) > 1:
        slugs = sorted(person.customer.slug for person in found)
        raise Refused(
            f"Several customers know this person ({', '.join(slugs)}); name one with --customer.",
            code="ambiguous_person",
            customers=slugs,
        )
    return found[0]


def _ask(person: Person) -> None:
    """Ask on the terminal; raises `Refused` (`not_confirmed`) unless the answer is yes."""
    if not sys.stdin.isatty():
        raise Refused("Erasing is for good; confirm it with --yes.", code="not_confirmed")
    print(f"Erase {person.email} at {person.customer.name} for good? [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Refused("Nothing was changed.", code="not_confirmed")
