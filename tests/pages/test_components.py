"""Every component: what it says to eyes, to machines and to those who cannot see; and that no text becomes markup."""

from datetime import UTC, datetime

import pytest
from django import forms
from django.test import RequestFactory

from bursar.pages.listing import Filter, Listing
from bursar.pages.shapes import Bar, Chip, Happening, Tab, Tone

from .reading import Tags, render, words

EVIL = "<b>&'\""
BAR = Bar(limit=4_000_000, spent=1_000_000, held=500_000, available=2_500_000, currency="USD")


def listing(query=""):
    return Listing(RequestFactory().get(f"/list/?{query}"), sorts={"amount": ("amount", "uuid")}, default="-amount")


def test_a_bar_shows_each_part_in_its_place():
    tags = Tags(render("{% bar it %}", it=BAR))
    assert [(part["class"], part["x"], part["width"]) for part in tags.all("rect")] == [
        ("spent", "0.0%", "25.0%"), ("held", "25.0%", "12.5%"), ("available", "37.5%", "62.5%"),
    ]  # fmt: skip
    assert tags.all("svg")[0]["aria-hidden"] == "true"
    said = words(render("{% bar it %}", it=BAR))
    assert "Spent $10,000" in said
    assert "Available $25,000" in said


def test_a_bar_without_a_legend_is_said_in_words():
    (drawing,) = Tags(render("{% bar it legend=False slim=True %}", it=BAR)).all("svg")
    assert drawing["role"] == "img"
    assert drawing["aria-label"] == (
        "Spent $10,000.00, Assigned $5,000.00, Available $25,000.00. Limit $40,000.00."
    )  # fmt: skip


def test_a_bar_names_what_the_fund_does_not_cover():
    short = Bar(limit=100, spent=0, held=50, available=20, currency="USD")
    assert short.uncovered == 30
    assert [part.width for part in short.segments] == [0, 500, 200, 300]
    assert "Not covered by the fund" in words(render("{% bar it %}", it=short))


@pytest.mark.parametrize(
    ("limit", "spent", "held", "percent"), [(0, 0, 0, 100), (3, 1, 1, 66), (1000, 999, 0, 99), (1000, 999, 1, 100)]
)
def test_a_bar_is_used_up_only_when_nothing_is_left(limit, spent, held, percent):
    bar = Bar(limit, spent, held, limit - spent - held, "USD")
    assert bar.used_percent == percent
    assert sum(part.width for part in bar.segments) in (0, 1000)


def test_a_chip_has_an_icon_of_its_tone_beside_its_word():
    html = render("{% chip it %}{% chip 'Plain' %}", it=Chip(EVIL, Tone.WARN))
    assert "&lt;b&gt;" in html
    assert [use["href"].split("#")[1] for use in Tags(html).all("use")] == ["warning", "dot"]


def test_a_card_may_be_a_link():
    tags = Tags(render("{% card title=it href='/there/' %}<p>Inside</p>{% endcard %}", it=EVIL))
    assert tags.all("a") == [{"href": "/there/"}]
    assert "Inside" in render("{% card %}<p>Inside</p>{% endcard %}")


def test_text_in_titles_is_text_and_content_is_what_the_template_made():
    for block in ("card title=it", "alert title=it", "empty title=it", "dialog name='x' title=it"):
        html = render(f"{{% {block} %}}{{{{ it }}}}<i>ours</i>{{% end{block.split()[0]} %}}", it=EVIL)
        assert html.count("&lt;b&gt;") == 2, block
        assert "<i>ours</i>" in html
        Tags(html)


def test_an_alert_speaks_up_only_when_it_is_told_to():
    assert "role" not in Tags(render("{% alert tone='bad' %}x{% endalert %}")).all("div")[0]
    assert Tags(render("{% alert tone='bad' role='alert' %}x{% endalert %}")).all("div")[0]["role"] == "alert"


def test_a_heading_says_how_the_list_is_sorted_and_turns_it_around():
    draw = "{% sort_heading it 'amount' 'Amount' align='end' %}"
    (head,) = Tags(render(draw, it=listing())).all("th")
    assert (head["aria-sort"], head["class"], head["scope"]) == ("descending", "end", "col")
    assert Tags(render(draw, it=listing())).all("a")[0]["href"] == "/list/?sort=amount"
    (head,) = Tags(render(draw, it=listing("sort=amount"))).all("th")
    assert head["aria-sort"] == "ascending"


def test_a_pager_names_the_rows_and_the_page():
    html = render("{% pager it %}", it=listing("page=2").pager(1_234))
    assert "26–50 of 1,234" in words(html)
    tags = Tags(html)
    assert [link for link in tags.all("a") if link.get("aria-current")] == [
        {"href": "/list/?page=2", "aria-current": "page"}
    ]
    assert {link["rel"]: link["href"] for link in tags.all("a") if "rel" in link} == {
        "prev": "/list/", "next": "/list/?page=3",
    }  # fmt: skip


def test_a_list_of_one_page_has_no_links_and_an_empty_one_no_rows():
    assert not Tags(render("{% pager it %}", it=listing().pager(3))).all("a")
    assert "0–0 of 0" in words(render("{% pager it %}", it=listing().pager(0)))


def test_the_ends_of_an_uncounted_list_have_one_way_each():
    tags = Tags(render("{% cursor_pager older='?page=2' words='Page 1' %}"))
    assert [link["rel"] for link in tags.all("a")] == ["next"]
    assert render("{% cursor_pager %}").strip() == ""
    assert words(render("{% cursor_pager newer='?a' older='?b' %}")) == "Newer Older"
    assert words(render("{% cursor_pager newer='?a' older='?b' back=_('Previous') on=_('Next') %}")) == "Previous Next"


def test_filter_chips_show_their_counts_and_which_are_on():
    filters = [Filter("Waiting", "/list/?state=waiting", False, 1_200), Filter(EVIL, "/list/", True)]
    tags = Tags(render("{% filter_chips it 'Status' %}", it=filters))
    assert [link.get("aria-current") for link in tags.all("a")] == [None, "true"]
    assert "Waiting 1,200" in words(render("{% filter_chips it 'Status' %}", it=filters))


def test_a_search_keeps_order_and_filters_and_can_replace_a_part():
    html = render("{% search_box it 'Search people' target='rows' %}", it=listing("q=%3Cb%3E&sort=amount"))
    tags = Tags(html)
    assert {box.get("name"): box.get("value") for box in tags.all("input")} == {"q": "<b>", "sort": "amount"}
    assert tags.all("form")[0]["hx-target"] == "#rows"
    assert tags.all("label")[0]["for"] == tags.all("input")[0]["id"]


class Sample(forms.Form):
    name = forms.CharField(help_text="As it is on the card.")
    agree = forms.BooleanField()
    file = forms.FileField()


def test_a_field_is_tied_to_its_label_its_help_and_its_errors():
    bound = Sample({"name": ""})
    tags = Tags(render("{% field it %}", it=bound["name"]))
    (box,) = tags.all("input")
    assert box["aria-invalid"] == "true"
    known = {attributes.get("id") for _, attributes in tags.found}
    assert set(box["aria-describedby"].split()) <= known
    assert tags.all("label")[0]["for"] == box["id"]
    assert "required" in words(render("{% field it %}", it=bound["name"]))
    assert Tags(render("{% field it %}", it=Sample()["agree"])).all("input")[0]["type"] == "checkbox"


def test_a_field_for_a_file_takes_what_it_is_told_to():
    tags = Tags(render("{% file_field it accept='.csv,.xlsx' %}", it=Sample({})["file"]))
    (box,) = tags.all("input")
    assert (box["type"], box["accept"], box["aria-invalid"]) == ("file", ".csv,.xlsx", "true")


def test_a_question_posts_with_its_proof_and_can_be_left():
    html = render(
        "{% confirm name='stop' title='Cancel 3?' action='/do/' button='Cancel them' tone='danger' %}<p>Sure</p>{% endconfirm %}",
        csrf_token="proof",
    )
    tags = Tags(html)
    assert tags.all("form") == [{"method": "post", "action": "/do/"}]
    assert {"type": "hidden", "name": "csrfmiddlewaretoken", "value": "proof"} in tags.all("input")
    assert [button.get("type") for button in tags.all("button")] == ["button", None]
    assert tags.all("dialog")[0]["aria-labelledby"] in {attributes.get("id") for _, attributes in tags.found}


def test_a_timeline_says_what_when_who_and_why():
    happened = [
        Happening(datetime(2026, 3, 1, 12, tzinfo=UTC), "Assigned", "Lou", EVIL, Tone.GOOD, "check"),
        Happening(None, "Next"),
    ]
    html = render("{% timeline it %}", it=happened)
    assert "Assigned 1 Mar 2026, 12:00 · Lou" in words(html)
    assert "&lt;b&gt;" in html
    assert len(Tags(html).all("li")) == 2


def test_tabs_name_the_page_one_is_on():
    tags = Tags(render("{% tabs it 'Views' %}", it=[Tab("Assigned", "/a/", True, 3), Tab("Spent", "/s/")]))
    assert [link.get("aria-current") for link in tags.all("a")] == ["page", None]
    assert tags.all("nav")[0]["aria-label"] == "Views"


def test_a_figure_has_its_name():
    assert words(render("{% stat 'Open' 3 hint='of 7' tone='warn' %}")) == "Open 3 of 7"


def test_what_can_be_copied_is_text_even_without_scripts():
    tags = Tags(render("{% copyable it %}", it=EVIL))
    (button,) = tags.all("button")
    assert button["data-copy"] == EVIL
    assert "hidden" in button


def test_an_icon_is_silent_unless_it_has_a_name():
    assert Tags(render("{% icon 'check' %}")).all("svg")[0]["aria-hidden"] == "true"
    assert Tags(render("{% icon 'check' 'Done' %}")).all("svg")[0]["aria-label"] == "Done"
