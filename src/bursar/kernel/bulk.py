"""Many rows in one statement: COPY and arrays on PostgreSQL, one prepared statement run over all rows everywhere else."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model

from bursar.kernel.transactions import require_transaction


def insert_rows(
    model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]], constants: Mapping[str, Any] | None = None
) -> None:
    """Insert rows into `model`'s table: `names` are its fields, each row their values, `constants` the same in all.

    Fields left out get their default, which must not be callable per row. Runs inside the caller's transaction; a
    violated constraint raises IntegrityError and leaves nothing. No signal is sent and no history written.
    """
    require_transaction()
    varying: list[Any] = [model._meta.get_field(name) for name in names]
    fixed = _fixed_fields(model, set(names), constants or {})
    fields: list[Any] = [*varying, *(field for field, _ in fixed)]
    tail = tuple(value for _, value in fixed)
    prepare = [field.get_db_prep_save for field in varying]
    database = connections[DEFAULT_DB_ALIAS]  # `connection` looks this one up at every touch, and fields touch it a lot
    ready = [(*(prep(value, database) for prep, value in zip(prepare, row, strict=True)), *tail) for row in rows]
    if ready:
        _write(model._meta.db_table, [field.column for field in fields], ready)


def insert_records(records: Sequence[Model]) -> None:
    """Insert new records as they are, keys given; otherwise as `insert_rows`."""
    if not records:
        return
    names = [field.attname for field in records[0]._meta.concrete_fields if not field.generated]
    insert_rows(type(records[0]), names, [[getattr(record, name) for name in names] for record in records])
    for record in records:
        record._state.adding = False


def update_records(records: Sequence[Model], names: Sequence[str]) -> int:
    """Write the named fields of records, as they are in memory; otherwise as `update_rows`."""
    if not records:
        return 0
    fields: list[Any] = [records[0]._meta.get_field(name) for name in names]
    rows = [(record.pk, *(getattr(record, field.attname) for field in fields)) for record in records]
    return update_rows(type(records[0]), names, rows)


def update_rows(model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]], *, key: str = "pk") -> int:
    """Write values of their own to many rows; returns how many rows that were.

    Each of `rows` is the value of the field `key`, once, then those of the fields `names`. Written in the order of the
    keys, inside the caller's transaction. No signal is sent, no history written, and no field fills itself.
    """
    require_transaction()
    found: Any = model._meta.pk if key == "pk" else model._meta.get_field(key)
    fields: list[Any] = [found, *(model._meta.get_field(name) for name in names)]
    prepare = [field.get_db_prep_save for field in fields]
    database = connections[DEFAULT_DB_ALIAS]
    ready = [
        tuple(_bare(prep(value, database)) for prep, value in zip(prepare, row, strict=True))
        for row in sorted(rows, key=_first)
    ]
    return _overwrite(model._meta.db_table, fields, ready) if ready else 0


def _first(row: Sequence[Any]) -> Any:
    return row[0]


def _bare(value: Any) -> Any:
    """Return the value of a choice, which drivers may not take together with plain text in one array."""
    return value.value if isinstance(value, Enum) else value


def _overwrite(table: str, fields: Sequence[Any], rows: list[tuple[Any, ...]]) -> int:
    """Update the rows; the first field is the one that finds them."""
    quote = connection.ops.quote_name
    key, *columns = [quote(field.column) for field in fields]
    target = quote(table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{_element_type(field)}[]" for field in fields)
            assigned = ", ".join(f"{column} = fresh.{column}" for column in columns)
            cursor.execute(
                f"UPDATE {target} SET {assigned} FROM unnest({arrays}) AS fresh ({', '.join([key, *columns])}) "
                f"WHERE {target}.{key} = fresh.{key}",
                [list(values) for values in zip(*rows, strict=True)],
            )
        else:
            assigned = ", ".join(f"{column} = %s" for column in columns)
            cursor.executemany(
                f"UPDATE {target} SET {assigned} WHERE {key} = %s", [(*values, value) for value, *values in rows]
            )
        return int(cursor.rowcount)


def _element_type(field: Any) -> str:
    """Return the type without its length: a cast to `character varying(9)` would cut longer text off in silence."""
    return str(field.rel_db_type(connection)).partition("(")[0]


def _fixed_fields(model: type[Model], varying: set[str], constants: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return every other stored field with the one value that all rows get, ready for the database."""
    fixed = []
    for field in model._meta.concrete_fields:
        if field.name in varying or field.attname in varying or field.generated:
            continue
        value = constants.get(field.name, constants.get(field.attname, _MISSING))
        if value is _MISSING:
            if field.primary_key:
                continue
            value = field.get_default()
        ready = field.get_db_prep_save(value, connection)
        if ready is not None or field.has_db_default():  # a column left out is NULL already
            fixed.append((field, ready))
    return fixed


_MISSING: Any = object()


def _write(table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    quote = connection.ops.quote_name
    target = f"{quote(table)} ({', '.join(map(quote, columns))})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany(f"INSERT INTO {target} VALUES ({', '.join(['%s'] * len(columns))})", rows)
