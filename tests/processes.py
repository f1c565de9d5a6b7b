"""What tests start processes with."""

import os

OURS = ("BURSAR_", "DJANGO_", "DATABASE_")


def clean(**more):
    """Return the environment without what this test run has put into it, and with `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | more
