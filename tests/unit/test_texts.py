"""A customer's own text: words and known placeholders, nothing that could run, and values that stay what they are."""

import re
import time
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.assignments.texts import KINDS, PLACEHOLDERS, Value, choose, fill, fill_html, read
from bursar.kernel.errors import BadInput

BODY = "Hello {{ name }},\n\nplease see {{ link }}."
HOSTILE = '<script>alert(1)</script> {{ link }} {% now %} & "quotes"'


def values(**known):
    named = {name: Value(name.upper()) for name in {name for names in PLACEHOLDERS.values() for name in names}}
    return named | {name: Value(value) for name, value in known.items()}


def code_of(kind="assigned", language="en", subject="Yours", body=BODY):
    with pytest.raises(BadInput) as caught:
        read(kind, language, subject=subject, body=body)
    return caught.value.code


class TestRead:
    def test_a_text_is_kept_trimmed_with_plain_line_ends(self):
        text = read("assigned", "de", subject="  Für {{ name }} ", body="\r\nHallo,\r\n{{ link }}\r")
        assert (text.language, text.subject, text.body) == ("de", "Für {{ name }}", "Hallo,\n{{ link }}")

    @pytest.mark.parametrize("name", ["name", "customer", "course_title", "link", "deadline", "price", "start"])
    def test_every_placeholder_is_taken_with_or_without_blanks(self, name):
        for written in (f"{{{{{name}}}}}", f"{{{{  {name}\t}}}}"):
            read("cancelled", "en", subject="S", body=f"Body {written}")

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_of_mail_may_have_a_text(self, kind):
        body = " ".join(f"{{{{ {name} }}}}" for name in PLACEHOLDERS[kind])
        assert read(kind, "en", subject="S", body=body).body == body

    @pytest.mark.parametrize(
        "written",
        ["{{7*7}}", "{{ name|safe }}", "{{ name.email }}", "{{ settings.SECRET_KEY }}", "{{ Name }}", "{{ }}", "{{}}",
         "{{ name\n}}", "{{ courses }}", "{{ __class__ }}", "{{ password }}"],
    )  # fmt: skip
    def test_anything_else_between_braces_is_an_unknown_placeholder(self, written):
        assert code_of(body=f"{BODY} {written}") == "unknown_placeholder"

    @pytest.mark.parametrize("written", ["{% now %}", "{%", "%}", "{# note #}", "{% include 'x' %}", "{{ name }}{%x"])
    def test_a_tag_is_refused(self, written):
        assert code_of(body=f"{BODY} {written}") == "tag_not_allowed"

    @pytest.mark.parametrize(
        "written", ["{{{ name }}}", "{{ {{ name }} }}", "{", "}", "{{ name", "name }}", "{name}", "}}{{"]
    )
    def test_a_brace_outside_of_a_placeholder_is_refused(self, written):
        assert code_of(body=f"{BODY} {written}") == "stray_brace"

    def test_the_error_names_what_is_wrong_and_what_there_is(self):
        with pytest.raises(BadInput) as caught:
            read("assigned", "en", subject="S", body="{{ nmae }} {{ link }}")
        assert caught.value.facts == {"part": "body", "placeholder": "nmae"}
        assert "'nmae'" in caught.value.message
        assert "course_title" in caught.value.message

    @pytest.mark.parametrize("kind", ["assigned", "reminded"])
    def test_who_is_to_do_something_needs_the_link(self, kind):
        assert code_of(kind, body="Hello") == "missing_placeholder"

    def test_a_digest_needs_its_courses_and_knows_no_single_one(self):
        assert code_of("digest", body="Hello") == "missing_placeholder"
        assert code_of("digest", body="{{ courses }} {{ link }}") == "unknown_placeholder"

    @pytest.mark.parametrize("subject", ["Two\nlines", "Two\r\nBcc: everybody@example.org"])
    def test_a_subject_is_one_line(self, subject):
        assert code_of(subject=subject) == "subject_not_one_line"

    @pytest.mark.parametrize("subject", ["{{ link }}", "{{7*7}}"])
    def test_a_subject_holds_no_link_and_no_sum(self, subject):
        assert code_of(subject=subject) == "unknown_placeholder"

    @pytest.mark.parametrize(("part", "text"), [("subject", " "), ("body", "\n")])
    def test_neither_part_is_empty(self, part, text):
        assert code_of(**{part: text}) == "empty_text"

    def test_neither_part_is_endless(self):
        read("cancelled", "en", subject="s" * 200, body="b" * 10_000)
        assert code_of("cancelled", subject="s" * 201) == "text_too_long"
        assert code_of("cancelled", body="b" * 10_001) == "text_too_long"

    @pytest.mark.parametrize("character", ["\x00", "\x1b", "\u202e", "\u2028", "\x85", "\ud800"])
    def test_nothing_invisible_is_taken(self, character):
        assert code_of(body=f"a{character}b {BODY}") == "control_character"

    def test_an_unknown_kind_is_refused(self):
        assert code_of("promoted") == "unknown_kind"

    @pytest.mark.parametrize(
        "body", ["{{" * 5000, "{" * 10_000, " " * 4999 + "{{" + " " * 4990, "\n " * 4999, "{{ a" * 2500]
    )
    def test_no_text_takes_long_to_be_judged(self, body):
        begun = time.process_time()
        for kind in ("assigned", "cancelled"):
            with pytest.raises(BadInput):
                read(kind, "en", subject="S", body=body + "{")
        assert time.process_time() - begun < 10


class TestFill:
    def test_values_stand_where_the_placeholders_were(self):
        assert fill("{{ customer }}: {{course_title}}!", values(customer="Acme", course_title="Go")) == "Acme: Go!"

    def test_an_empty_value_takes_the_blank_before_it_along(self):
        assert fill("Hello {{ name }},", values(name="")) == "Hello,"
        assert fill_html("Hello {{ name }},", values(name="")) == ["Hello,"]

    def test_a_value_is_never_read_again(self):
        filled = fill("{{ name }} {{ customer }}", values(name="{{ customer }}", customer="{{ name }}"))
        assert filled == "{{ customer }} {{ name }}"

    def test_in_html_words_and_values_are_escaped(self):
        (shown,) = fill_html("<b>1 & 2</b> {{ name }}", values(name=HOSTILE))
        assert "<" not in shown.replace("&lt;", "")
        assert unescape(shown) == f"<b>1 & 2</b> {HOSTILE}"

    def test_blank_lines_part_paragraphs_and_line_ends_stay(self):
        assert fill_html("One\ntwo\n\n \n  Three", values()) == ["One<br>\ntwo", "Three"]

    def test_a_value_makes_no_paragraph(self):
        assert len(fill_html("{{ name }}", values(name="a\n\nb"))) == 1

    def test_a_value_may_bring_html_of_its_own(self):
        assert fill_html("{{ link }}", values() | {"link": Value("x", "<a>x</a>")}) == ["<a>x</a>"]


@given(st.text(), st.text())
def test_no_text_at_all_is_an_unhandled_error_and_what_is_taken_can_be_filled(subject, body):
    for kind in KINDS:
        try:
            text = read(kind, "en", subject=subject, body=body)
        except BadInput:
            continue
        fill(text.subject, values())
        fill_html(text.body, values())


@given(st.text(alphabet="{}%# nameli\n<>&k"))
def test_nothing_that_was_taken_leaves_a_brace(body):
    try:
        text = read("cancelled", "en", subject="S", body=body)
    except BadInput:
        return
    assert not re.search("[{}]", fill(text.body, values(name="N", link="L")))


@given(st.text(), st.text())
def test_no_value_ever_becomes_markup(name, title):
    (shown,) = fill_html("{{ name }}|{{ course_title }}", values(name=name, course_title=title))
    assert not set(shown) & set("<>\"'")


class TestChoose:
    TEXTS = {"de": "deutsch", "pt-br": "brasileiro", "en": "english"}

    @pytest.mark.parametrize(
        ("languages", "expected"),
        [(("de", "en"), "deutsch"), (("de-at", "en"), "deutsch"), (("pt-br", "en"), "brasileiro"), (("pt", "en"), "english"),
         (("", "en"), "english"), (("fr", "en-gb"), "english"), (("fr", "it"), None), (("", ""), None)],
    )  # fmt: skip
    def test_a_language_falls_back_on_its_base_then_on_the_customers(self, languages, expected):
        assert choose(self.TEXTS, *languages) == expected
