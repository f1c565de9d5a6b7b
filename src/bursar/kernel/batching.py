"""How lists too long for one statement are cut: a chunk is what one transaction takes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from bursar.kernel.conf import setting

T = TypeVar("T")


def chunks(items: Iterable[T], size: int | None = None) -> Iterator[Sequence[T]]:
    """Yield lists of at most `size` items (setting `chunk_size`), in order, holding one list at a time."""
    iterator = iter(items)
    limit = size or setting("chunk_size")
    while part := list(islice(iterator, limit)):
        yield part
