"""How far lists of staff page: they count what an index can count quickly, and say that there is more."""

from typing import Any, Final

from django.core.paginator import Paginator
from django.utils.functional import cached_property

COUNTED: Final = 5_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no more than `COUNTED` rows, however many there are; further ones are found by search and filters."""

    template_name = "bursar_staff/pagination.html"
    most = COUNTED

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, at most `COUNTED`; one statement that reads no more."""
        rows: Any = self.object_list
        counted: int = rows.order_by()[: COUNTED + 1].count()
        return min(COUNTED, counted)
