"""Catalogs: every text of the sources in German and Spanish, found, written, read and compiled by our own tools."""

import gettext
import io
import sys
from pathlib import Path

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import translations
from catalogs import Key, compile_mo, read_po, write_po

HEADER = translations.HEADER.format(language="de")
texts = st.text(
    st.characters(exclude_characters="\0\x04\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", exclude_categories=["Cs"]),
    min_size=1,
)


def test_every_text_is_translated_and_compiled():
    assert translations.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("context", "words", "said"),
    [
        (None, "Cancel", "Abbrechen"),
        ("assignment", "Cancel", "Zurückziehen"),
        (None, "To", "An"),
        ("last day", "To", "Bis"),
    ],
)
def test_a_word_with_two_meanings_is_said_by_its_context(context, words, said):
    """Catalogs are one: a text without a context means the same in all apps, those of others too."""
    with translation.override("de"):
        assert (translation.pgettext(context, words) if context else translation.gettext(words)) == said


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{% translate 'To \\'x\\'' %}", [Key("To 'x'")]),
        ('{% trans "May" context "month" as it %}', [Key("May", "month")]),
        ("{% blocktranslate %}100 % of {{ name }}{% endblocktranslate %}", [Key("100 %% of %(name)s")]),
        ("{% blocktranslate trimmed %}\n  a\n  b\n{% endblocktranslate %}", [Key("a b")]),
        (
            "{% blocktranslate count n=x %}{{ n }} day{% plural %}{{ n }} days{% endblocktranslate %}",
            [Key("%(n)s day", plural="%(n)s days")],
        ),
        ('{% empty title=_("None") %}{{ x|default:_("no") }}', [Key("None"), Key("no")]),
        ("{# translate 'x' #}{% if translated %}", []),
    ],
)
def test_texts_are_found_in_templates(source, found):
    assert list(translations.in_template(source)) == found


def test_texts_are_found_in_modules():
    source = 'gettext("a"); _("b" "c"); ngettext("1 x", "%d x", n); pgettext("verb", "set"); gettext(name); say("no")'
    found = {Key("a"), Key("bc"), Key("1 x", plural="%d x"), Key("set", "verb")}
    assert set(translations.in_python(source)) == found


@pytest.mark.parametrize(
    ("key", "forms", "faults"),
    [
        (Key("Hello %(name)s"), ("Hallo %(name)s",), 0),
        (Key("Hello %(name)s"), ("Hallo %(nmae)s",), 1),
        (Key("Hello"), ("",), 1),
        (Key("<b>x</b>"), ("x",), 1),
        (Key("1 day", plural="%(n)d days"), ("1 Tag", ""), 1),
    ],
)
def test_a_translation_that_is_missing_or_lost_something_is_named(key, forms, faults):
    assert len(list(translations.faults_of(key, forms))) == faults


@given(st.dictionaries(st.builds(Key, texts, st.just("") | texts), st.tuples(texts)))
def test_what_is_written_is_read_again(messages):
    assert read_po(write_po(HEADER, messages, {})) == (HEADER, messages)


@given(st.dictionaries(texts, texts))
def test_pythons_own_gettext_reads_what_is_compiled(messages):
    compiled = compile_mo(HEADER, {Key(name): (value,) for name, value in messages.items()})
    catalog = gettext.GNUTranslations(io.BytesIO(compiled))
    assert {name: catalog.gettext(name) for name in messages} == messages


def test_plural_forms_and_contexts_are_found_by_pythons_own_gettext():
    messages = {Key("%d day", plural="%d days"): ("%d Tag", "%d Tage"), Key("May", "month"): ("Mai",)}
    catalog = gettext.GNUTranslations(io.BytesIO(compile_mo(HEADER, messages)))
    assert [catalog.ngettext("%d day", "%d days", number) for number in (0, 1, 2)] == ["%d Tage", "%d Tag", "%d Tage"]
    assert catalog.pgettext("month", "May") == "Mai"


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_django_finds_our_catalogs(language):
    with translation.override(language):
        assert translation.gettext("Skip to the content") != "Skip to the content"
