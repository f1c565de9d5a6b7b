"""Pages for those who run the service: Django's admin by django-unfold, over everything."""
