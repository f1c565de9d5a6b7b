"""Charts: the same figures to eyes, in words and in a table; no bar beyond its place; no style in the page."""

from hypothesis import given
from hypothesis import strategies as st

from bursar.pages.charts import Column, Point, bar_chart, funnel, histogram, nice_top, stacked_chart

from .reading import Tags, render, words

EVIL = "<b>&'\""
POINTS = [Point("Data science", 1_200), Point(EVIL, 300), Point("Law", 0)]
MONTHS = [Column("Jan", (10, 5)), Column("Feb", (0, 0)), Column("Mar", (20, 20))]


def percent(text):
    return float(text.removesuffix("%"))


def test_lying_bars_are_in_proportion_and_named():
    chart = bar_chart("spend", "Spend by subject", POINTS, heading="Subject")
    tags = Tags(chart.svg)
    assert [percent(bar["width"]) for bar in tags.all("rect") if bar["class"] == "s1"] == [100, 25, 0]
    assert chart.rows == (("Data science", "1,200"), (EVIL, "300"), ("Law", "0"))
    assert "&lt;b&gt;" in chart.svg


def test_a_chart_is_an_image_with_title_and_description():
    (drawing,) = Tags(bar_chart("x", "Spend", POINTS, heading="Subject").svg).all("svg")
    assert (drawing["role"], drawing["aria-labelledby"]) == ("img", "x-title x-desc")
    assert "Data science, 1,200" in words(bar_chart("x", "Spend", POINTS, heading="Subject").svg)


def test_a_funnel_gives_each_step_its_share_of_the_first():
    chart = funnel("f", "From assigned to accepted", [Point("Assigned", 200), Point("Accepted", 33)], heading="Step")
    assert [row[2] for row in chart.rows] == ["100\N{NO-BREAK SPACE}%", "16\N{NO-BREAK SPACE}%"]
    assert [row[2] for row in funnel("f", "x", [Point("Assigned", 0)], heading="Step").rows] == ["–"]


def test_stacks_have_a_colour_for_each_series_and_a_legend():
    chart = stacked_chart("m", "By month", MONTHS, series=("Spent", "Assigned"), heading="Month")
    bars = Tags(chart.svg).all("rect")
    assert [bar["class"] for bar in bars] == ["s1", "s2"] * 3
    assert chart.legend == (("s1", "Spent"), ("s2", "Assigned"))
    assert chart.headings == ("Month", "Spent", "Assigned")
    assert chart.rows[0] == ("Jan", "10", "5")


def test_a_histogram_needs_no_legend():
    assert histogram("h", "Days", [Point("0–3", 4)], heading="Days", series="People").legend == ()


def test_many_columns_have_few_labels():
    columns = [Column(f"W{week}", (week,)) for week in range(52)]
    feet = Tags(stacked_chart("w", "x", columns, series=("People",), heading="Week").svg).all("text")
    assert len([text for text in feet if text.get("text-anchor") == "middle"]) <= 6


def test_the_table_behind_a_chart_says_everything():
    html = render(
        "{% chart it %}", it=stacked_chart("m", "By month", MONTHS, series=("Spent", "Held"), heading="Month")
    )
    tags = Tags(html)
    assert len(tags.all("tr")) == 4
    assert "Mar 20 20" in words(html)
    assert not [name for _, attributes in tags.found for name in attributes if name == "style" or name.startswith("on")]


def test_without_figures_a_chart_says_so():
    assert "Nothing to show yet" in render("{% chart it %}", it=bar_chart("x", "Spend", [], heading="Subject"))


@given(st.integers(0, 10**15))
def test_an_axis_ends_at_a_round_number_not_far_above_the_largest(largest):
    top = nice_top(largest)
    assert top >= largest
    assert top % 4 == 0
    assert largest <= 4 or top <= 4 * largest


@given(st.lists(st.lists(st.integers(0, 10**12), min_size=3, max_size=3), min_size=1, max_size=60))
def test_no_bar_leaves_its_drawing(stacks):
    columns = [Column(str(place), tuple(values)) for place, values in enumerate(stacks)]
    for bar in Tags(stacked_chart("x", "x", columns, series=("a", "b", "c"), heading="x").svg).all("rect"):
        assert 0 <= percent(bar["x"]) <= percent(bar["x"]) + percent(bar["width"]) <= 100
        assert -0.02 <= float(bar["y"]) <= float(bar["y"]) + float(bar["height"]) <= 218.02
