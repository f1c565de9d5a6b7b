"""The frame of every verb: distinct keys, chunks of one transaction each, and an answer for each key."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from bursar.assignments.moves import Row
from bursar.assignments.policy import Code, refusal
from bursar.kernel.batching import chunks
from bursar.kernel.results import BulkResult, Refusal

T = TypeVar("T")
Outcome = BulkResult[UUID, str]
Progress = Callable[[int], None]


def in_chunks(
    keys: Iterable[UUID], one_chunk: Callable[[Sequence[UUID]], BulkResult[UUID, T]], progress: Progress | None = None
) -> BulkResult[UUID, T]:
    """Run `one_chunk` (one transaction) over distinct keys in order, and put its answers together.

    A chunk that fails leaves the earlier ones done and raises; calling again does the rest, since done ones refuse.
    """
    whole: BulkResult[UUID, T] = BulkResult()
    for part in chunks(dict.fromkeys(keys)):
        whole.merge(one_chunk(part))
        if progress:
            progress(len(part))
    return whole


def sift(
    keys: Sequence[UUID], rows: dict[UUID, Row], judge: Callable[[Row], Refusal | None]
) -> tuple[list[Row], dict[UUID, Refusal]]:
    """Part the keys into rows that may take the step and refusals; keys without a row are not found."""
    ready, refused = [], {}
    for key in keys:
        row = rows.get(key)
        why = refusal(Code.NOT_FOUND) if row is None else judge(row)
        if why is None and row is not None:
            ready.append(row)
        elif why is not None:
            refused[key] = why
    return ready, refused
