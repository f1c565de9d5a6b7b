"""What tests of the settings do and look at."""

import re
from html import unescape

from tests.pages.reading import Tags, words

STATEMENTS = 10


def text(response, status=200):
    """Return the words of a page, whose tags are all closed."""
    assert response.status_code == status, response.status_code
    Tags(response.text)
    return unescape(words(response.text))


def said(client, response):
    """Return the words of the page to which a POST leads."""
    assert response.status_code == 302, words(response.text)
    return text(client.get(response["Location"]))


def secret_in(response, mark):
    """Return the text that is shown this once, which begins with `mark`."""
    assert response.status_code == 200, words(response.text)
    return re.search(rf"<code>({mark}[^<]+)</code>", response.text)[1]
