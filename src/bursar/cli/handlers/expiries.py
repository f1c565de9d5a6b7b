"""Why an assignment expires when it does, as a table."""

from rich.table import Table

from bursar.assignments.explanations import Explained
from bursar.cli.output import table
from bursar.cli.values import date_text


def explanation_table(explained: Explained) -> Table:
    """Return the dates as a table, the winner marked."""
    rows = [("→" if item["wins"] else "", date_text(item["at"]), item["why"]) for item in explained.candidates]
    return table(("", "Date", "Why"), rows)
