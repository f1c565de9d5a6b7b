"""The catalog in memory answers as every catalog must, and tells what it was asked."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import pytest

from bursar.kernel.errors import Unavailable
from bursar.ports.catalog import CatalogPort, Content
from bursar.testing.catalog_contract import CatalogContract
from bursar.testing.fake_catalog import FakeCatalog, course


class TestFakeCatalog(CatalogContract):
    def holding(self, contents: Sequence[Content], catalogs: Mapping[UUID, Collection[str]]) -> CatalogPort:
        return FakeCatalog(contents, catalogs)


def test_every_call_is_told_with_its_keys():
    fake = FakeCatalog()
    fake.describe_many(["D+1"])
    fake.contains_many(None, ["D+2"])
    assert fake.calls == [("describe_many", frozenset({"D+1"})), ("contains_many", frozenset({"D+2"}))]


def test_it_fails_while_it_is_told_to():
    fake = FakeCatalog([course("D+1")])
    fake.error = Unavailable("gone")
    for call in (lambda: fake.describe_many(["D+1"]), lambda: fake.contains_many(None, ["D+1"])):
        with pytest.raises(Unavailable):
            call()
    fake.error = None
    assert set(fake.describe_many(["D+1"])) == {"D+1"}


def test_a_course_can_be_put_in_the_place_of_another():
    fake = FakeCatalog([course("D+1")])
    fake.put(course("D+1", price_cents=9900))
    assert fake.describe_many(["D+1"])["D+1"].price_cents == 9900
