"""Receivers for tests: keep what they were sent, and answer as they are told to."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal
from uuid import UUID

from bursar.ports.webhooks import Answer, Call
from bursar.testing.fake_mail import Died

Step = int | Literal["timeout", "unreachable", "die_before", "die_after", "raise"]
OK: Final = 200


class FakeWebhooks:
    """A `WebhookPort` in memory. `script` says per URL what the next requests to it meet; then `always`, else 200.

    A number is the status (with `retry_after` as its header), a word the fault; `die_before` and `die_after` end the
    process before or after the receiver has the request, `raise` breaks the port's promise.
    """

    def __init__(self) -> None:
        self.received: list[Call] = []
        self.tried: list[Call] = []
        self.always: dict[str, Step] = {}
        self.retry_after = ""
        self._script: defaultdict[str, deque[Step]] = defaultdict(deque)

    def script(self, url: str, *steps: Step) -> None:
        """Append what the next requests to this URL meet, one step each."""
        self._script[url].extend(steps)

    def post_many(self, calls: Iterable[Call], *, intent: Callable[[UUID], bool]) -> Iterator[Answer]:
        """Post as the port promises, or as the script says."""
        for call in calls:
            if intent(call.message):
                yield self._post(call)

    def ids(self, url: str | None = None) -> list[str]:
        """Return the webhook-ids that arrived, in order."""
        return [call.headers["webhook-id"] for call in self.received if url in (None, call.url)]

    def _post(self, call: Call) -> Answer:
        steps = self._script[call.url]
        step: Step = steps.popleft() if steps else self.always.get(call.url, OK)
        self.tried.append(call)
        if step == "raise":
            raise RuntimeError("the adapter broke its promise")
        if step == "die_before":
            raise Died
        if isinstance(step, str) and step != "die_after":
            return Answer(call.message, None, step)
        self.received.append(call)
        if step == "die_after":
            raise Died
        return Answer(call.message, int(step), retry_after=self.retry_after)
