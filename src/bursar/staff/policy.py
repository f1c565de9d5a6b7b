"""What staff pages ask of browsers beyond the policy of every other page (docs/decisions/0017).

The scripts of django-unfold (Alpine) evaluate expressions that stand in attributes, and it writes its colours into a style
element. Scripts and styles still come from our own origin alone, and no script may stand in a page.
"""

from typing import Final

HEADER: Final = "Content-Security-Policy"
POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
