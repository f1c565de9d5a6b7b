"""Events, webhooks, messages and people."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID

from bursar.client.models import Endpoint, Event, Export, Feed, Message, NewEndpoint, Person, Replayed, Tested
from bursar.client.resource import Resource, as_json, given, read

LARGEST_FEED = 1000


class Events(Resource):
    """The feed: every event once, in the order of commits."""

    def read(self, customer: UUID, *, after: int = 0, types: Sequence[str] = (), limit: int = 100) -> Feed:
        """Return a page of events behind a cursor, and the cursor to go on from."""
        return self._get(Feed, "events", customer=customer, after=after, types=",".join(types) or None, limit=limit)

    def follow(self, customer: UUID, *, after: int = 0, types: Sequence[str] = ()) -> Iterator[Event]:
        """Yield every event that there is behind a cursor; the position of the last one is the next cursor."""
        while True:
            page = self.read(customer, after=after, types=types, limit=LARGEST_FEED)
            yield from page.items
            after = page.cursor
            if not page.more:
                return


class Webhooks(Resource):
    """Endpoints that are told of events."""

    def list(self, *, customer: UUID | None = None) -> Iterator[Endpoint]:
        """Name endpoints."""
        return self._walk(Endpoint, "webhooks", customer=customer)

    def get(self, endpoint: UUID) -> Endpoint:
        """Return how one endpoint fares."""
        return self._get(Endpoint, f"webhooks/{endpoint}")

    def create(self, customer: UUID, url: str, *, types: Sequence[str] = ()) -> NewEndpoint:
        """Have events posted to an address; the secret is in this answer and nowhere else."""
        body = given(customer=customer, url=url, types=list(types))
        return read(NewEndpoint, self._connection.post("webhooks", body))

    def choose_events(self, endpoint: UUID, types: Sequence[str], *, etag: str | None = None) -> Endpoint:
        """Tell an endpoint of these types from now on (none: of all), as it was read under `etag` (None: as it is now)."""
        return read(Endpoint, self._connection.patch(f"webhooks/{endpoint}", {"types": list(types)}, etag=etag))

    def rotate_secret(self, endpoint: UUID, *, keep_previous_hours: int = 24) -> NewEndpoint:
        """Give an endpoint a new secret."""
        body = {"keep_previous_hours": keep_previous_hours}
        return read(NewEndpoint, self._connection.post(f"webhooks/{endpoint}/secret", body))

    def test(self, endpoint: UUID) -> Tested:
        """Post a test now."""
        return read(Tested, self._connection.post(f"webhooks/{endpoint}/test"))

    def disable(self, endpoint: UUID) -> Endpoint:
        """Tell an endpoint of nothing more."""
        return read(Endpoint, self._connection.post(f"webhooks/{endpoint}/disable"))

    def enable(self, endpoint: UUID) -> Endpoint:
        """Tell an endpoint of events again."""
        return read(Endpoint, self._connection.post(f"webhooks/{endpoint}/enable"))

    def remove(self, endpoint: UUID) -> None:
        """Forget an endpoint."""
        self._connection.delete(f"webhooks/{endpoint}")

    def replay(
        self,
        endpoint: UUID,
        *,
        begin: datetime | None = None,
        end: datetime | None = None,
        events: Iterable[UUID] | None = None,
    ) -> int:
        """Tell an endpoint of events again; returns of how many."""
        body = given(begin=begin, end=end, events=None if events is None else list(events))
        return int(self._connection.post(f"webhooks/{endpoint}/replay", body).body["replayed"])

    def deliveries(self, endpoint: UUID) -> Iterator[Message]:
        """Name what became of deliveries, the latest event first."""
        return self._walk(Message, f"webhooks/{endpoint}/deliveries")


class Messages(Resource):
    """What became of messages."""

    def list(
        self,
        *,
        state: str = "failed",
        customer: UUID | None = None,
        topic: str | None = None,
        kind: str | None = None,
        about: UUID | None = None,
    ) -> Iterator[Message]:
        """Name messages in one state."""
        return self._walk(Message, "messages", state=state, customer=customer, topic=topic, kind=kind, about=about)

    def replay(self, messages: Iterable[UUID]) -> Replayed:
        """Make messages that were given up due now."""
        return read(Replayed, self._connection.post("messages/replay", {"messages": as_json(list(messages))}))


class PersonChanges(TypedDict, total=False):
    """What can be changed of a person; blank takes it away."""

    name: str
    department: str
    language: str
    time_zone: str
    manager_email: str


class People(Resource):
    """People whom a customer knows."""

    def list(self, *, customer: UUID | None = None, email: str | None = None) -> Iterator[Person]:
        """Name people."""
        return self._walk(Person, "people", customer=customer, email=email)

    def get(self, person: UUID) -> Person:
        """Return what is known of somebody."""
        return self._get(Person, f"people/{person}")

    def edit(self, person: UUID, *, etag: str | None = None, **changes: Unpack[PersonChanges]) -> Person:
        """Change details of somebody, as they were read under `etag` (None: as they are now)."""
        return read(Person, self._connection.patch(f"people/{person}", dict(changes), etag=etag))

    def export(self, person: UUID) -> Export:
        """Return everything that is known about somebody, for them to have."""
        return self._get(Export, f"people/{person}/export")

    def erase(self, person: UUID) -> int:
        """Forget somebody at once and for good; returns from how many assignments the address was removed."""
        return int(self._connection.post(f"people/{person}/erase").body["assignments"])
