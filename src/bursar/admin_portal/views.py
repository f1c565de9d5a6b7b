"""The way into the pages for the people who assign."""

from typing import Final

from bursar.pages.guards import entrance
from bursar.people.access import Permission

choose: Final = entrance("admin_portal:budgets", Permission.MANAGE)
