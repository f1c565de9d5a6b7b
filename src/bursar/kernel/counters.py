"""Counting what happens within a slot of time: one statement that counts and tells, so that nobody can come in between."""

from typing import Final

from django.db import connection, models

from bursar.kernel.transactions import require_transaction

# A slot that has begun on another machine already is counted on; any other one is over, or of a clock moved since.
_COUNT: Final = """
INSERT INTO {table} (name, slot, used) VALUES (%s, %s, 1)
ON CONFLICT (name) DO UPDATE SET
    used = CASE WHEN {table}.slot IN (excluded.slot, excluded.slot + 1) THEN {table}.used + 1 ELSE 1 END,
    slot = CASE WHEN {table}.slot = excluded.slot + 1 THEN {table}.slot ELSE excluded.slot END
RETURNING used
"""
# MariaDB assigns from left to right, so that `used` sees the slot as it was.
_COUNT_MARIADB: Final = """
INSERT INTO {table} (name, slot, used) VALUES (%s, %s, 1)
ON DUPLICATE KEY UPDATE
    used = CASE WHEN slot IN (VALUES(slot), VALUES(slot) + 1) THEN used + 1 ELSE 1 END,
    slot = CASE WHEN slot = VALUES(slot) + 1 THEN slot ELSE VALUES(slot) END
RETURNING used
"""


class SlotCounter(models.Model):
    """A row per name: how often it was counted in the slot of time it was last counted in. For apps to inherit from."""

    name = models.CharField(max_length=64, primary_key=True)
    slot = models.BigIntegerField(db_index=True)
    used = models.BigIntegerField()

    class Meta:
        abstract = True


def count(counter: type[SlotCounter], name: str, slot: int) -> int:
    """Count once more, and return how often that makes in this slot; of callers at once each gets a number of its own.

    Inside the caller's transaction, which should be short: everybody of this name waits for its end.
    """
    require_transaction()
    text = _COUNT_MARIADB if connection.vendor == "mysql" else _COUNT
    with connection.cursor() as cursor:
        cursor.execute(text.format(table=connection.ops.quote_name(counter._meta.db_table)), [name, slot])
        ((used,),) = cursor.fetchall()
    return int(used)
