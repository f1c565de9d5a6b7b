"""How tests read a page: its tags and its words."""

import re
from html.parser import HTMLParser

from django.template import engines


def render(source, **facts):
    """Return what a template with our tags makes of these facts."""
    return engines["django"].from_string("{% load i18n bursar %}" + source).render(facts)


def words(html):
    """Return the text of some HTML, blanks made one."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


class Tags(HTMLParser):
    """The tags of a page: `all(name)` gives the attributes of each; what is opened must be closed."""

    EMPTY = {"meta", "link", "img", "input", "br", "use", "rect", "line"}

    def __init__(self, html):
        super().__init__()
        self.found, self.open = [], []
        self.feed(html)
        assert self.open == [], self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.EMPTY:
            assert self.open.pop() == tag

    def all(self, name):
        return [attributes for tag, attributes in self.found if tag == name]
