"""Mails shown inside a page: a document of its own in a frame, under a policy that lets no script, form or picture in."""

from typing import Final

from django.http import HttpResponse
from django.template.loader import render_to_string

POLICY_HEADER: Final = "Content-Security-Policy"
# A mail brings styles of its own and may open its links in a new window; it is no part of our origin.
MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def framed(html: str) -> HttpResponse:
    """Return a mail for a frame of ours; its links open in a window of their own. The view allows frames of one origin."""
    in_new_window = html.replace("<head>", '<head><base target="_blank">', 1)
    return HttpResponse(in_new_window, headers={POLICY_HEADER: MAIL_POLICY})


def framed_words(title: str, words: str) -> HttpResponse:
    """Return what is shown in place of a mail that cannot be."""
    return framed(render_to_string("pages/letter_words.html", {"title": title, "words": words}))
