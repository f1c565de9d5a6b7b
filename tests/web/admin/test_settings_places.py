"""The settings as a whole: their tabs, who may open which page, and what a page costs."""

import pytest
from tests.pages.reading import Tags
from tests.pages.test_viewer import browser
from tests.web.admin.settings_steps import STATEMENTS, text

from bursar.kernel.actor import CONSOLE
from bursar.people.models import Role
from bursar.testing import factories
from bursar.webhooks.services import add_endpoint

pytestmark = pytest.mark.django_db
OPEN = ["texts/", "texts/assigned/en/", "reminders/", "roles/", "tokens/", "webhooks/", "audit/"]
HERE = "/admin-portal/acme/settings/"


def test_the_settings_begin_with_the_message_texts(ada):
    assert ada.get(HERE)["Location"] == f"{HERE}texts/"


def test_an_admin_is_offered_what_an_admin_may_look_at(ada, operator):
    for viewer in (ada, operator):
        assert "Message texts Reminders Roles API tokens Webhooks Audit" in text(viewer.get(f"{HERE}texts/"))


@pytest.mark.parametrize("page", OPEN)
def test_an_admin_opens_every_page_that_is_offered(ada, page, django_assert_max_num_queries):
    with django_assert_max_num_queries(STATEMENTS):
        assert "Settings" in text(ada.get(HERE + page))


@pytest.mark.parametrize("page", OPEN)
def test_an_operator_opens_every_page(operator, page, django_assert_max_num_queries):
    with django_assert_max_num_queries(STATEMENTS):
        assert "Settings" in text(operator.get(HERE + page))


@pytest.mark.parametrize("page", OPEN)
def test_a_learner_and_a_stranger_open_none(house, client, page):
    assert browser(factories.make_member(house.customer, Role.LEARNER)).get(HERE + page).status_code == 403
    assert browser(factories.make_member(factories.make_customer())).get(HERE + page).status_code == 404
    assert client.get(HERE + page).status_code == 302


@pytest.mark.parametrize(
    "page",
    [
        "texts/nothing/en/",
        "texts/assigned/not a language/",
        "texts/assigned/en/nothing/",
        "roles/7/",
        "tokens/x/revoke/",
    ],
)
def test_what_is_no_address_is_not_found(operator, page):
    assert operator.get(HERE + page).status_code == 404


def test_what_belongs_to_others_is_not_found(house, operator):
    other = factories.make_house(name="Other", slug="other").customer
    endpoint = add_endpoint(other.pk, "https://hooks.example.org/", actor=CONSOLE).endpoint
    member = factories.make_member(other)
    row = member and other.memberships.get()
    for place in (f"webhooks/{endpoint.uuid}/", f"roles/{row.pk}/"):
        assert operator.get(HERE + place).status_code == 404
        assert operator.get(f"/admin-portal/other/settings/{place}").status_code == 200


def test_every_form_proves_where_it_comes_from(operator):
    for page in OPEN:
        html = operator.get(HERE + page).text
        ours = [form for form in Tags(html).all("form") if form.get("action", HERE).startswith(HERE)]
        forms = [form for form in ours if form.get("method") == "post"]
        assert html.count('name="csrfmiddlewaretoken"') >= len(forms)
