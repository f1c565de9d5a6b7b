"""Tags and filters of the pages: money, moments, icons, and every component (docs/guides/pages.md shows each)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django import template
from django.forms import BoundField
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bursar.kernel import clock
from bursar.pages import moments
from bursar.pages.charts import Chart
from bursar.pages.listing import Filter, Listing, Pager
from bursar.pages.money import money as money_text
from bursar.pages.money import whole as whole_text
from bursar.pages.shapes import Bar, Chip, Happening, Tab, Tone

register: Final = template.Library()
PARTS: Final = "pages/parts/{}.html"
TONE_ICONS: Final = {"good": "check", "warn": "warning", "bad": "error", "info": "info", "neutral": "dot"}
MESSAGE_TONES: Final = {"success": "good", "warning": "warn", "error": "bad"}


@register.filter
def money(cents: int | None, currency: str) -> str:
    """Write cents as the reader does."""
    return moments.NOTHING if cents is None else money_text(cents, currency)


@register.filter
def money_brief(cents: int, currency: str) -> str:
    """Write cents as the reader does, without decimals where they are zero."""
    return money_text(cents, currency, brief=True)


@register.filter
def whole(number: int) -> str:
    """Write a count with separators."""
    return whole_text(number)


@register.filter
def tone(level: str) -> str:
    """Return the tone of a message of Django's."""
    return MESSAGE_TONES.get(level, str(Tone.INFO))


@register.filter
def day(value: datetime | None) -> SafeString:
    """Write the date of a moment."""
    return moments.day(value)


@register.filter
def moment(value: datetime | None) -> SafeString:
    """Write date and time of a moment."""
    return moments.moment(value)


@register.filter
def relative(value: datetime | None) -> SafeString:
    """Write how far away a moment is."""
    return moments.relative(value)


@register.filter
def is_past(value: datetime | None) -> bool:
    """Tell whether a moment is over; what has no moment is not."""
    return value is not None and value <= clock.now()


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw an icon of the sprite; without a label it is decoration."""
    address = static("pages/icons.svg")
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"/></svg>', label, address, name
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', address, name)


@register.inclusion_tag(PARTS.format("bar"))
def bar(value: Bar, *, legend: bool = True, slim: bool = False) -> dict[str, Any]:
    """Draw a budget: spent, assigned, available."""
    return {"bar": value, "legend": legend, "slim": slim}


@register.inclusion_tag(PARTS.format("chip"))
def chip(value: Chip | str, tone: str = Tone.NEUTRAL, icon: str = "") -> dict[str, Any]:
    """Draw a word about a state."""
    shown = value if isinstance(value, Chip) else Chip(value, Tone(tone), icon)
    return {"chip": shown, "icon": shown.icon or TONE_ICONS[shown.tone]}


@register.inclusion_tag(PARTS.format("stat"))
def stat(label: str, value: object, hint: str = "", tone: str = Tone.NEUTRAL) -> dict[str, Any]:
    """Draw one figure with its name."""
    return {"label": label, "value": value, "hint": hint, "tone": tone}


@register.inclusion_tag(PARTS.format("tabs"))
def tabs(items: Sequence[Tab], label: str) -> dict[str, Any]:
    """Draw links between pages about the same thing."""
    return {"tabs": items, "label": label}


@register.inclusion_tag(PARTS.format("heading"))
def sort_heading(listing: Listing, name: str, label: str, *, align: str = "") -> dict[str, Any]:
    """Draw the head of a column that the list can be sorted by."""
    return {"heading": listing.heading(name), "label": label, "align": align}


@register.inclusion_tag(PARTS.format("pager"))
def pager(pages: Pager) -> dict[str, Any]:
    """Draw the pages of a counted list."""
    return {"pager": pages}


@register.inclusion_tag(PARTS.format("cursor"))
def cursor_pager(newer: str = "", older: str = "", words: str = "", back: str = "", on: str = "") -> dict[str, Any]:
    """Draw the two ways through a list that nobody counts; `back` and `on` name them where it is not in order of time."""
    return {"newer": newer, "older": older, "words": words, "back": back, "on": on}


@register.inclusion_tag(PARTS.format("filters"))
def filter_chips(filters: Iterable[Filter], label: str) -> dict[str, Any]:
    """Draw the choices of a filter with their counts."""
    return {"filters": filters, "label": label}


@register.inclusion_tag(PARTS.format("search"))
def search_box(listing: Listing, label: str, target: str = "") -> dict[str, Any]:
    """Draw a search over a list; with a target (an id) what is found replaces that part of the page."""
    return {"listing": listing, "label": label, "target": target}


@register.inclusion_tag(PARTS.format("field"))
def field(bound: BoundField) -> dict[str, Any]:
    """Draw a field of a form with its label, help and errors."""
    return {"field": bound, "kind": bound.field.widget.__class__.__name__}


@register.inclusion_tag(PARTS.format("file"))
def file_field(bound: BoundField, accept: str = "", hint: str = "") -> dict[str, Any]:
    """Draw a field that takes a file by picking or dropping."""
    return {"field": bound, "accept": accept, "hint": hint}


@register.inclusion_tag(PARTS.format("timeline"))
def timeline(happenings: Iterable[Happening]) -> dict[str, Any]:
    """Draw what happened, in order."""
    return {"happenings": happenings}


@register.inclusion_tag(PARTS.format("copyable"))
def copyable(text: str, label: str = "") -> dict[str, Any]:
    """Draw a text with a button that copies it."""
    return {"text": text, "label": label}


@register.inclusion_tag(PARTS.format("chart"))
def chart(value: Chart) -> dict[str, Any]:
    """Draw a chart with the table behind it."""
    return {"chart": value}


@register.simple_block_tag
def card(content: str, title: str = "", href: str = "", level: int = 2) -> SafeString:
    """Draw a sheet with a title that may be a link."""
    return _part("card", content=content, title=title, href=href, level=level)


@register.simple_block_tag
def alert(content: str, tone: str = Tone.INFO, title: str = "", role: str = "") -> SafeString:
    """Draw something to know before going on; `role="alert"` only for what has just happened."""
    return _part("alert", content=content, tone=tone, title=title, role=role, icon=TONE_ICONS[tone])


@register.simple_block_tag
def empty(content: str, title: str, icon: str = "inbox") -> SafeString:
    """Draw a place where nothing is yet, and what to do about it."""
    return _part("empty", content=content, title=title, icon=icon)


@register.simple_block_tag
def dialog(content: str, name: str, title: str) -> SafeString:
    """Draw a dialog that a button with `data-opens="<name>"` opens."""
    return _part("dialog", content=content, name=name, title=title)


@register.simple_block_tag(takes_context=True)
def confirm(  # noqa: PLR0913, PLR0917  a question is these facts
    context: RequestContext, content: str, name: str, title: str, action: str, button: str, tone: str = ""
) -> SafeString:
    """Draw a dialog that asks before it posts its content to `action`."""
    facts = {"content": content, "name": name, "title": title, "action": action, "button": button, "tone": tone}
    return _part("confirm", csrf_token=context.get("csrf_token"), **facts)


def _part(part: str, **facts: Any) -> SafeString:
    return SafeString(render_to_string(PARTS.format(part), facts))
