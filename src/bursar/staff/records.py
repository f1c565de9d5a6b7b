"""How a table is shown to staff: read-only, found by index, counted with a bound; what may be done are its deeds."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import ForeignKey, IntegerField, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import urlencode
from unfold.admin import ModelAdmin

from bursar.kernel.errors import BursarError
from bursar.kernel.results import BulkResult
from bursar.staff.actors import actor_of, may_act
from bursar.staff.columns import linked, page_of
from bursar.staff.deeds import Deed, Reasoned, carry_out, in_words
from bursar.staff.histories import history_of
from bursar.staff.paging import BoundedPaginator
from bursar.staff.searching import Found
from bursar.staff.titles import table_name, title

AT_ONCE: Final = 50  # rows of a page, and rows that one deed takes
SAID: Final = 5
LONGEST_NUMBER: Final = 18  # digits that a 64-bit column surely holds


@dataclass(frozen=True, slots=True)
class Lead:
    """A way from a row to the rows of another table that belong to it, by a column there that holds a value from here."""

    label: str
    model: type[Model]
    column: str
    value: str = "pk"


class Record(ModelAdmin):  # type: ignore[misc]  # unfold brings no types
    """Shows every field but the `hidden` ones. Nobody adds, changes or deletes by a form of Django's."""

    list_per_page = AT_ONCE
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = BoundedPaginator
    sortable_by = ()
    ordering: Any = ("pk",)
    list_disable_select_all = True
    change_form_outer_before_template = "bursar_staff/row.html"
    list_before_template = "bursar_staff/above_list.html"

    hidden: ClassVar[Sequence[str]] = ()
    more: ClassVar[Sequence[Any]] = ()  # columns shown on the page of a row beside its fields
    found: ClassVar[Found] = Found()
    deeds: ClassVar[Sequence[Deed]] = ()
    leads: ClassVar[Sequence[Lead]] = ()

    @property
    def search_fields(self) -> Sequence[str]:
        """Say whether there is a search at all; what it does is in `found`."""
        return ("pk",) if self.found else ()

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:  # noqa: ARG002
        """Return what `found` finds."""
        return self.found.rows(queryset, search_term), False

    @property
    def search_help_text(self) -> str:
        """Say what can be looked for."""
        return self.found.help()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row with this key; none for a number that no column holds."""
        numbered = isinstance(getattr(self.opts.pk, "target_field", self.opts.pk), IntegerField)
        if numbered and len(object_id) > LONGEST_NUMBER:
            return None
        return super().get_object(request, object_id, from_field)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:  # noqa: ARG002
        """Let an address ask for what a column of the table is, and for nothing that reads others or all rows."""
        name, _, how = lookup.partition("__")
        columns = {name for field in self.opts.concrete_fields for name in (field.name, field.attname)}
        return how in {"", "exact", "isnull"} and name in columns - {*self.hidden}

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Nobody: what is made is made by a deed."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Nobody: what changes changes by a deed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Nobody."""
        return False

    def may_do(self, request: HttpRequest) -> bool:
        """Tell whether the deeds are theirs: Django's permission to change the table, and that of an operator."""
        label = self.opts.app_label
        return request.user.has_perm(f"{label}.change_{self.opts.model_name}") and may_act(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:  # noqa: ARG002
        """Return the fields of the table, with related rows by their names."""
        shown = [field for field in self.opts.concrete_fields if field.name not in self.hidden]
        return [*(_column(field) for field in shown), *self.more]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return all of them."""
        return self.get_fields(request, obj)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:
        """Show the row, under its name, with what may be done and where it leads."""
        row = options.get("obj")
        context["subtitle"] = title(row) if row else None
        if row is not None:
            context |= {"deeds": self._offered(request, row), "leads": self._leads(row)}
        return super().render_change_form(request, context, **options)  # type: ignore[no-any-return]

    def _offered(self, request: HttpRequest, row: Any) -> list[dict[str, str]]:
        if not self.deeds or not self.may_do(request):
            return []
        mine = [deed for deed in self.deeds if not deed.new and (deed.fits is None or deed.fits(row))]
        return [{"label": deed.label, "url": page_of(self.model, "deed", row.pk, deed.name)} for deed in mine]

    def _leads(self, row: Any) -> list[dict[str, str]]:
        found = []
        for lead in self.leads:
            value = getattr(row, lead.value)
            there = page_of(lead.model, "changelist")
            if value is not None and there:
                found.append({"label": lead.label, "url": f"{there}?{urlencode({lead.column: value})}"})
        return found

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, with what may be made."""
        new = [deed for deed in self.deeds if deed.new]
        offered = new if new and self.has_view_permission(request) and self.may_do(request) else []
        made = [{"label": deed.label, "url": page_of(self.model, "new", deed.name)} for deed in offered]
        context = {"new": made, "title": table_name(self.model), **(extra_context or {})}
        return super().changelist_view(request, context)  # type: ignore[no-any-return]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the deeds that take ticked rows, and none of Django's: nothing here deletes."""
        if IS_POPUP_VAR in request.GET or not any(deed.many for deed in self.deeds) or not self.may_do(request):
            return {}
        return {deed.name: (_lead_to(deed), deed.name, deed.label) for deed in self.deeds if deed.many}

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of the deeds before those whose addresses take anything."""
        base = f"{self.opts.app_label}_{self.opts.model_name}"
        guard = self.admin_site.admin_view
        return [
            path("new/<slug:name>/", guard(self.new_view), name=f"{base}_new"),
            path("do/<slug:name>/", guard(self.many_view), name=f"{base}_deeds"),
            path("<path:object_id>/do/<slug:name>/", guard(self.deed_view), name=f"{base}_deed"),
            *super().get_urls(),
        ]

    def new_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Show or take the form of a deed that makes a row."""
        deed = self._deed(request, name)
        if not deed.new:
            raise Http404
        return self._answer(request, deed, [])

    def many_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Show or take the form of a deed for the rows that the address names."""
        deed = self._deed(request, name)
        rows = self._named(request, request.GET.getlist("pk"))
        if not deed.many or not rows:
            raise Http404
        return self._answer(request, deed, rows)

    def deed_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Show or take the form of a deed for one row."""
        deed = self._deed(request, name)
        rows = self._named(request, [unquote(object_id)])
        if deed.new or not rows:
            raise Http404
        return self._answer(request, deed, rows)

    def _deed(self, request: HttpRequest, name: str) -> Deed:
        if not self.has_view_permission(request) or not self.may_do(request):
            raise PermissionDenied
        deed = next((deed for deed in self.deeds if deed.name == name), None)
        if deed is None:
            raise Http404
        return deed

    def _named(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        if len(keys) == 1:
            row = self.get_object(request, keys[0])
            return [] if row is None else [row]
        wanted = []
        for key in keys[:AT_ONCE]:
            with suppress(ValidationError):
                wanted.append(self.opts.pk.to_python(key))
        return list(self.get_queryset(request).filter(pk__in=wanted))

    def _answer(self, request: HttpRequest, deed: Deed, rows: Sequence[Any]) -> HttpResponse:
        form = self._form(request, deed, rows)
        if request.method == "POST" and form.is_valid():
            try:
                result = carry_out(deed, actor_of(request), rows, form.cleaned_data)
            except (BursarError, ValidationError) as error:
                form.add_error(None, in_words(error))
            else:
                _say(request, deed, result)
                return redirect(self._back(deed, rows, result))
        return TemplateResponse(request, "bursar_staff/deed.html", self._context(request, deed, rows, form))

    def _form(self, request: HttpRequest, deed: Deed, rows: Sequence[Any]) -> Reasoned:
        first = deed.shown(rows[0]) if deed.shown and len(rows) == 1 else None
        return deed.form(request.POST if request.method == "POST" else None, initial=first)

    def _back(self, deed: Deed, rows: Sequence[Any], result: BulkResult[Any, Any]) -> str:
        made = next(iter(result.done), None) if deed.new else None
        one = made or (rows[0].pk if len(rows) == 1 else None)
        there = self.model._default_manager.filter(pk=one).exists() if one is not None else False
        return page_of(self.model, "change", one) if there else page_of(self.model, "changelist")

    def _context(self, request: HttpRequest, deed: Deed, rows: Sequence[Any], form: Reasoned) -> dict[str, Any]:
        one = rows[0] if len(rows) == 1 else None
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": deed.label,
            "subtitle": title(one) if one else None,
            "deed": deed,
            "rows": [{"title": title(row), "url": page_of(self.model, "change", row.pk)} for row in rows],
            "form": form,
            "back": page_of(self.model, "change", one.pk) if one else page_of(self.model, "changelist"),
        }

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what happened to a row: its history, and what staff did to it."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[no-any-return]
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "History",
            "subtitle": title(row),
            "happenings": history_of(row, self.hidden),
            "back": page_of(self.model, "change", row.pk),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "bursar_staff/history.html", context)


@cache
def _column(field: Any) -> Any:
    return linked(field.name, str(field.verbose_name)) if isinstance(field, ForeignKey) else field.name


def _lead_to(deed: Deed) -> Any:
    def lead(record: Record, _: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
        keys = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        return redirect(f"{page_of(record.model, 'deeds', deed.name)}?{urlencode({'pk': keys}, doseq=True)}")

    return lead


def _say(request: HttpRequest, deed: Deed, result: BulkResult[Any, Any]) -> None:
    if result.done:
        messages.success(
            request, f"{deed.label}: done." if len(result.done) == 1 else f"{deed.label}: {len(result.done)} done."
        )
    for words in list(dict.fromkeys(refusal.message for refusal in result.refused.values()))[:SAID]:
        count = sum(refusal.message == words for refusal in result.refused.values())
        messages.warning(request, f"{count} left as they were: {words}")
