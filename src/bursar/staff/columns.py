"""What lists and pages of staff show beside plain fields: linked rows by their names, and amounts of money."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

from django.contrib.admin import display
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from bursar.pages.money import money
from bursar.staff.site import site
from bursar.staff.titles import title

Column = Callable[[Any], Any]
NOTHING: Final = "\N{EN DASH}"


def page_of(model: type[Model], page: str, *args: Any) -> str:
    """Return the address of a staff page about a model: `changelist`, `change`, `history`; "" where there is none."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    try:
        return reverse(name, args=args, current_app=site.name)
    except NoReverseMatch:
        return ""


def linked(path: str, label: str = "") -> Column:
    """Return a column that names the row at `path` (such as `fund` or `budget.fund`) and leads to its page."""

    @display(description=label or path.rpartition(".")[2].replace("_", " "))
    def column(row: Any) -> Any:
        try:
            other = attrgetter(path)(row)
        except AttributeError:  # one on the way is missing
            other = None
        if other is None:
            return NOTHING
        there = page_of(type(other), "change", other.pk)
        return format_html('<a href="{}">{}</a>', there, title(other)) if there else title(other)

    return column


def amount(name: str, currency: str = "", label: str = "") -> Column:
    """Return a column of cents as money; `currency` is the path to the code, none stands for dollars."""

    @display(description=label or name.removesuffix("_cents").replace("_", " "))
    def column(row: Any) -> str:
        cents = getattr(row, name)
        return NOTHING if cents is None else money(cents, attrgetter(currency)(row) if currency else "USD")

    return column


def told(path: str, label: str = "") -> Column:
    """Return a column of what stands at a path, such as the address of a user."""

    @display(description=label or path.rpartition(".")[2].replace("_", " "))
    def column(row: Any) -> Any:
        try:
            found = attrgetter(path)(row)
        except AttributeError:
            return NOTHING
        return NOTHING if found in (None, "") else found

    return column


def yes(name: str, label: str) -> Column:
    """Return a column that tells whether there is something in a field whose content is nobody's business."""

    @display(description=label, boolean=True)
    def column(row: Any) -> bool:
        return bool(getattr(row, name))

    return column
