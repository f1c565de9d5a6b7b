"""A typed client for Bursar's own API. Needs httpx and pydantic, and nothing of the service: neither Django nor its settings.

with Bursar("https://bursar.example.org", "bur_…") as bursar:
plan = bursar.plans.create(budget, "DemoX+D101", ["ada@example.org"])
batch = bursar.batches.wait(bursar.plans.apply(plan).uuid)
"""

from types import TracebackType
from typing import Any, Self

from bursar.client import models
from bursar.client.assigning import CSV, JSON_LINES, Assignments, Batches, Plans
from bursar.client.connection import Connection, Patience
from bursar.client.errors import (
    Busy,
    ClientError,
    NotFound,
    Problem,
    Refused,
    Stale,
    Unreachable,
    Unreadable,
)
from bursar.client.money import Budgets, Catalogs, Customers, Funds, Tokens
from bursar.client.telling import Events, Messages, People, Webhooks

__all__ = [
    "CSV",
    "JSON_LINES",
    "Bursar",
    "Busy",
    "ClientError",
    "Connection",
    "NotFound",
    "Patience",
    "Problem",
    "Refused",
    "Stale",
    "Unreachable",
    "Unreadable",
    "models",
]


class Bursar:
    """One service, as one caller sees it. Close it, or use it in a `with` block."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        patience: Patience | None = None,
        connection: Connection | None = None,
        **options: Any,
    ) -> None:
        """Connect by an API token; `options` are httpx.Client's, such as `timeout`. `connection` takes the place of all."""
        self._connection = connection or Connection.to(base_url, token, patience=patience, **options)
        self.customers = Customers(self._connection)
        self.funds = Funds(self._connection)
        self.budgets = Budgets(self._connection)
        self.catalogs = Catalogs(self._connection)
        self.tokens = Tokens(self._connection)
        self.assignments = Assignments(self._connection)
        self.plans = Plans(self._connection)
        self.batches = Batches(self._connection)
        self.events = Events(self._connection)
        self.webhooks = Webhooks(self._connection)
        self.messages = Messages(self._connection)
        self.people = People(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        self._connection.close()
