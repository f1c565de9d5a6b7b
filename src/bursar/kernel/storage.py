"""What deleted data leaves behind in the files of a database, and how it is made to go."""

import logging
from collections.abc import Sequence

from django.db import OperationalError, connection
from django.db.models import Model

logger = logging.getLogger(__name__)


def purge_residue(models: Sequence[type[Model]], *, rewrite: bool = True) -> None:
    """Make overwritten values of these tables unreadable in the database's files, as far as the engine can.

    SQLite: what is freed is zeroed already (`secure_delete`), but rows that were moved within the file leave copies in
    the gaps; `rewrite` writes the whole file anew without them, which holds writers up for as long as that takes. The
    write-ahead log is emptied. PostgreSQL: VACUUM drops the old row versions (the log of writes keeps them until it is
    recycled). Does nothing while a transaction is open.
    """
    if connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            if rewrite:
                _rewrite()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        elif connection.vendor == "postgresql":
            for model in models:
                cursor.execute(f"VACUUM {connection.ops.quote_name(model._meta.db_table)}")


def _rewrite() -> None:
    """Write the file anew; where somebody else writes for so long that it cannot be, the next time does it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
    except OperationalError as error:
        logger.warning("the database file was not rewritten: %s", type(error).__name__)
