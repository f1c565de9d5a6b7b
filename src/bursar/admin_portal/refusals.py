"""Why something was refused, for those who assign: the rules' own words, translated."""

from typing import Final

from django.utils.translation import gettext, gettext_lazy

from bursar.assignments.policy import WORDS, Code

OTHERWISE: Final = gettext_lazy("It has changed meanwhile. Look how it stands now.")


def why_not(code: str) -> str:
    """Return what a code of refusal says; one that the rules have no words for says to look again."""
    known = set(map(str, Code))
    return gettext(WORDS[Code(code)]) if code in known else str(OTHERWISE)
