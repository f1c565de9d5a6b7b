"""What pages are called: tabs of a browser, bookmarks and readers of screens tell them apart by it."""

import re

import pytest
from django.urls import reverse
from tests.db.verbs.steps import assigned

pytestmark = pytest.mark.django_db


def test_no_two_pages_have_one_title(page, house):
    (row,) = assigned(house.budget, ["ada@example.org"])
    budget = reverse("admin_portal:budget", args=("acme", house.budget.pk))
    one = reverse("admin_portal:assignment", args=("acme", row.pk))
    reports = reverse("admin_portal:reports", args=("acme",))
    addresses = [
        *(budget + rest for rest in ("", "assign/", "assign/batches/", "assigned/", "spent/")),
        *(f"{budget}assigned/{verb}/?assignment={row.pk}" for verb in ("remind", "cancel")),
        *(one + rest for rest in ("", "extend/", "hand-over/")),
        *(reports + rest for rest in ("", "time/", "spend/", "not-accepted/")),
    ]
    titles = [re.search("<title>(.*)</title>", page.get(address).text)[1] for address in addresses]
    assert len(set(titles)) == len(addresses)
