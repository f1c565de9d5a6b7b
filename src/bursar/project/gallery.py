"""Every component of the pages on one page, with made-up content: for whoever writes pages, and for the browser tests."""

from datetime import timedelta
from typing import Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bursar.kernel import clock
from bursar.pages.charts import Chart, Column, Point, bar_chart, funnel, histogram, stacked_chart
from bursar.pages.listing import Filter, Listing
from bursar.pages.money import money
from bursar.pages.shapes import Bar, Chip, Happening, Tab, Tone
from bursar.project.views import demonstration_only

SORTS: Final = {"person": ("email", "uuid"), "amount": ("amount", "uuid"), "recent": ("recent", "uuid")}
STATES: Final = ("notifying", "waiting", "failed")
ROWS: Final = (
    ("amara.okafor@lanternworks.example", "Data Science: R Basics", 4_900, Chip("Waiting", Tone.INFO, "clock"), 4),
    ("josé.núñez@lanternworks.example", "How to Learn Online", 19_900, Chip("Failed: bad address", Tone.BAD), 82),
    (
        "li.wei@lanternworks.example",
        "Introduction to Computer Science",
        14_900,
        Chip("Notifying", Tone.NEUTRAL, "mail"),
        31,
    ),
)


class SampleForm(forms.Form):
    """A form with a field of every kind."""

    name = forms.CharField(label="Name", help_text="As the catalog has it.", max_length=80)
    kind = forms.ChoiceField(label="Kind", choices=[("a", "Once"), ("b", "Every month")])
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    agreed = forms.BooleanField(label="Tell everybody by mail", required=False)
    people = forms.FileField(label="People", required=False)


@demonstration_only
def gallery(request: HttpRequest) -> HttpResponse:
    """Show every component; to htmx, one part."""
    if getattr(request, "htmx", None):
        return render(request, "project/gallery.html#part")
    listing = Listing(request, sorts=SORTS, default="-recent", filters=("state",))
    chosen = listing.chosen("state", STATES)
    facts = {
        "bars": [
            Bar(4_000_000, 597_000, 636_700, 2_766_300, "USD"),
            Bar(500_000, 417_200, 20_000, 62_800, "EUR"),
            Bar(1_000_000, 200_000, 300_000, 250_000, "USD"),
        ],
        "chips": [Chip(str(tone).capitalize(), tone) for tone in Tone],
        "tones": list(Tone),
        "tabs": [
            Tab("Assigned", "#tables", True, 1_204),
            Tab("Spent", "#charts", count=310),
            Tab("Reports", "#charts"),
        ],
        "listing": listing,
        "filters": [
            Filter(name.capitalize(), listing.toggle("state", name, STATES), name in chosen, 40 * place)
            for place, name in enumerate(STATES, start=1)
        ],
        "pager": listing.pager(1_204),
        "rows": [(*row, clock.now() + timedelta(days=row[-1])) for row in ROWS],
        "form": SampleForm({"name": "", "kind": "a"}),
        "happenings": _happenings(),
        "charts": _charts(),
    }
    return render(request, "project/gallery.html", facts)


def _happenings() -> list[Happening]:
    now = clock.now()
    return [
        Happening(now - timedelta(days=9), "Assigned", "Lou Adeyemi", icon="plus"),
        Happening(now - timedelta(days=9), "Mail sent", tone=Tone.INFO, icon="mail"),
        Happening(now - timedelta(days=2), "Mail came back", why="The mailbox is full.", tone=Tone.BAD, icon="warning"),
        Happening(now, "Accepted", "Amara Okafor", tone=Tone.GOOD, icon="check"),
    ]


def _charts() -> list[Chart]:
    def write(cents: int) -> str:
        return money(cents, "USD", brief=True)

    months = [Column(name, values) for name, values in _MONTHS.items()]
    subjects = [Point("Data science", 2_430_000), Point("Languages", 1_180_000), Point("Law and compliance", 320_000)]
    steps = [Point("Assigned", 1_204), Point("Told", 1_180), Point("Accepted", 731)]
    spans = [
        Point(name, count)
        for name, count in (("to 3", 310), ("to 7", 204), ("to 14", 122), ("to 30", 71), ("later", 24))
    ]
    series = ("Spent", "Assigned", "Given back")
    return [
        stacked_chart("by-month", "Money by month", months, series=series, heading="Month", write=write),
        bar_chart("by-subject", "Spend by subject", subjects, heading="Subject", write=write),
        funnel("funnel", "From assigned to accepted", steps, heading="Step"),
        histogram("to-accept", "Days until accepted", spans, heading="Days", series="People"),
    ]


_MONTHS: Final[dict[str, tuple[int, ...]]] = {
    "Jan": (120_000, 80_000, 10_000), "Feb": (190_000, 60_000, 0), "Mar": (240_000, 120_000, 30_000),
    "Apr": (90_000, 200_000, 0), "May": (310_000, 40_000, 20_000), "Jun": (280_000, 160_000, 0),
}  # fmt: skip
