"""Staff pages: courses, their runs, and catalogs. Prices and dates come from imports."""

from typing import Any

from django.contrib.admin import register

from bursar.assignments import flows
from bursar.budgets.models import Budget
from bursar.catalog.models import Catalog, CatalogRule, Course, Run
from bursar.catalog.services import create_catalog, flag_changed, set_active, update_catalog
from bursar.kernel.actor import Actor
from bursar.people.selectors import find_customer
from bursar.staff.columns import amount, linked
from bursar.staff.deeds import Deed, Given, Lines, Reasoned, Rows, as_shown, choice, text
from bursar.staff.records import Lead, Record
from bursar.staff.searching import Found
from bursar.staff.site import site

CHOICE = ("title", "rule", "keys", "partners", "subjects")


class CatalogForm(Reasoned):
    """Which courses a catalog offers."""

    title = text(required=True)
    rule = choice(CatalogRule.choices)
    keys = Lines(help_text="Of courses or runs, one a line; for the rule of keys.")
    partners = Lines(help_text="One a line; for the rule of partners and subjects.")
    subjects = Lines(help_text="One a line.")


class NewCatalog(CatalogForm):
    """The same, and whose it is."""

    customer = text("Customer", longest=80, help_text="Its slug or uuid; blank: shared by all.")


def _switched(*, active: bool) -> Any:
    def switch(_: Actor, rows: Rows, __: Given) -> None:
        set_active({row.key for row in rows}, active=active, on_change=flag_changed)
        flows.reschedule_changed()

    return switch


SWITCHES = (
    Deed(
        "withdraw", "Withdraw", "No longer offered; what is assigned stays assigned.", _switched(active=False), many=True,
        fits=lambda row: row.active,
    ),
    Deed("offer", "Offer again", "In every catalog that chooses it.", _switched(active=True), many=True, fits=lambda row: not row.active),
)  # fmt: skip


@register(Course, site=site)
class CourseRecord(Record):
    """What can be assigned."""

    list_display = ("key", "title", "partner", "subject", amount("price_cents", "currency"), "active")
    list_filter = ("active",)
    ordering = ("key",)
    found = Found(texts=("key",), words=("title",))
    hidden = ("price_cents", "terms_changed")
    more = (amount("price_cents", "currency"),)
    deeds = SWITCHES
    leads = (Lead("Runs", Run, "course"),)


@register(Run, site=site)
class RunRecord(Record):
    """Sessions of courses."""

    list_display = ("key", linked("course"), "start", "end", "enroll_by", "active")
    list_filter = ("active",)
    list_select_related = ("course",)
    ordering = ("key",)
    found = Found(texts=("key", "course__key"))
    deeds = SWITCHES


def _create(_: Actor, __: Rows, given: Given) -> Catalog:
    customer = find_customer(given["customer"], None).pk if given["customer"] else None
    return create_catalog(customer_uuid=customer, **{name: given[name] for name in CHOICE})


@register(Catalog, site=site)
class CatalogRecord(Record):
    """Choices of courses."""

    list_display = ("title", "rule", "customer_uuid", "modified")
    list_filter = ("rule",)
    ordering = ("title", "uuid")
    found = Found(uuids=("pk", "customer_uuid"), words=("title",))
    deeds = (
        Deed("add", "Add a catalog", "A choice of courses that budgets can be confined to.", _create, NewCatalog, new=True),
        Deed(
            "change", "Change", "Budgets with this catalog assign only what it offers; what is assigned stays.",
            lambda _, rows, given: update_catalog(rows[0].pk, **{name: given[name] for name in CHOICE}), CatalogForm,
            shown=as_shown(*CHOICE),
        ),
    )  # fmt: skip
    leads = (Lead("Budgets", Budget, "catalog"),)
