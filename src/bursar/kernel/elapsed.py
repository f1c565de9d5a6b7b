"""How many whole days of 24 hours lie between two moments of a row, as each database says it."""

from typing import Any

from django.db.models import Func, IntegerField


class WholeDays(Func):
    """Days from `start` to `end` (columns or expressions, UTC), rounded down; below 24 hours it is 0."""

    arity = 2
    template = "CAST(FLOOR(EXTRACT(EPOCH FROM (%(expressions)s)) / 86400) AS integer)"
    arg_joiner = " - "

    def __init__(self, start: Any, end: Any, **extra: Any) -> None:
        super().__init__(end, start, output_field=IntegerField(), **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """Count days of the Julian calendar, to the second: its fractions are not exact."""
        template = "(CAST(ROUND((JULIANDAY(%(expressions)s)) * 86400.0) AS integer) / 86400)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") - JULIANDAY(")

    def as_mysql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """Ask for the difference in days, which is counted the other way round."""
        return self.as_sql(compiler, connection, template="-TIMESTAMPDIFF(DAY, %(expressions)s)", arg_joiner=", ")
