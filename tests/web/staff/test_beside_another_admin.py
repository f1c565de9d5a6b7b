"""A host project has an admin of its own: both are there, and the links of ours stay among ours."""

import re

import pytest
from django.urls import path
from unfold.sites import UnfoldAdminSite

from bursar.project.urls import urlpatterns as ours
from bursar.staff import urls as staff_urls

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.usefixtures("unaudited")]
urlpatterns = [
    path("admin/", UnfoldAdminSite().urls),
    path("staff/", staff_urls.urls),
    *(one for one in ours if str(one.pattern) != "admin/"),
]


def test_pages_lead_to_each_other_and_not_to_the_other_admin(staff, world):
    there = f"/staff/bursar_people/customer/{world.customer.pk}"
    for page in (
        "/staff/",
        "/staff/bursar_people/customer/",
        f"{there}/change/",
        f"{there}/history/",
        f"{there}/do/change/",
    ):
        answer = staff.get(page)
        assert answer.status_code == 200, page
        assert not re.findall(r'(?:href|action)="/admin/', answer.text)
        assert 'href="/staff/bursar_people/customer/' in answer.text
    done = staff.post(f"{there}/do/change/", {"name": "Birch", "slug": "acme", "reason": "x", "active": "on",
        "language": "en", "time_zone": "UTC", "brand_color": "#1f5f5b"})  # fmt: skip
    assert done["Location"] == f"{there}/change/"
    assert staff.get("/admin/").status_code == 200
