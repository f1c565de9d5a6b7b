"""How the staff pages look: the settings of django-unfold (`UNFOLD = bursar.staff.look.UNFOLD`)."""

from typing import Any, Final

from django.templatetags.static import static

TEAL: Final = {
    "50": "oklch(97% .015 190)",
    "100": "oklch(94% .03 190)",
    "200": "oklch(88% .05 190)",
    "300": "oklch(80% .07 190)",
    "400": "oklch(70% .08 190)",
    "500": "oklch(63% .09 190)",
    "600": "oklch(44.5% .07 188)",
    "700": "oklch(39% .06 188)",
    "800": "oklch(33% .05 188)",
    "900": "oklch(28% .04 188)",
    "950": "oklch(20% .03 188)",
}
INK: Final = {
    "subtle-light": "var(--color-base-600)",
    "subtle-dark": "var(--color-base-300)",
    "default-light": "var(--color-base-700)",
    "default-dark": "var(--color-base-200)",
    "important-light": "var(--color-base-900)",
    "important-dark": "var(--color-base-100)",
}
UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": "Bursar",
    "SITE_HEADER": "Bursar",
    "SITE_SUBHEADER": "For staff",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("pages/mark.svg")}],
    "SCRIPTS": [lambda _: static("bursar_staff/staff.js")],
    "STYLES": [lambda _: static("bursar_staff/staff.css")],
    "SITE_SYMBOL": "account_balance",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {"primary": TEAL, "font": INK},
    "SIDEBAR": {"show_search": False, "command_search": False, "show_all_applications": False},
}
