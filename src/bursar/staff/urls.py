"""The routes of the staff pages: `path("admin/", bursar.staff.urls.urls)`. What the areas show is registered by importing them."""

from bursar.staff import assignments, budgets, catalog, outbox, people, records_of_use, webhooks
from bursar.staff.site import site

AREAS = (people, assignments, budgets, catalog, outbox, webhooks, records_of_use)
urls = site.urls
