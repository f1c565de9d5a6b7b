"""History that bulk writes cannot miss: the tracked model's setup, and one INSERT … SELECT for many rows."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Literal

from django.db import connection, models
from django.db.models import Model
from simple_history.models import HistoricalRecords

from bursar.kernel import clock
from bursar.kernel.transactions import one_commit, require_transaction

HistoryType = Literal["+", "~", "-"]

_words: ContextVar[str | None] = ContextVar("bursar_history_words", default=None)


@contextmanager
def because(words: str) -> Iterator[None]:
    """Let every history row written in this block that brings no reason of its own keep these words."""
    before = _words.set(words)
    try:
        yield
    finally:
        _words.reset(before)


class History(HistoricalRecords):  # type: ignore[misc]
    """django-simple-history with 64-bit ids, reasons of any length and one index: the record's key, then the date.

    `found_by` names one more column by which the history is looked up.
    """

    def __init__(self, *, excluded_fields: Collection[str] = (), found_by: str = "", **options: Any) -> None:
        self.found_by = found_by
        super().__init__(
            excluded_fields=list(excluded_fields),
            history_id_field=models.BigAutoField(),
            history_change_reason_field=models.TextField(null=True),
            user_db_constraint=False,
            **options,
        )

    @property
    def _date_indexing(self) -> bool:
        return False

    def copy_fields(self, model: type[Model]) -> dict[str, Any]:
        """Copy the tracked fields without their single-column indexes."""
        fields: dict[str, Any] = super().copy_fields(model)
        for field in fields.values():
            field.db_index = False
        return fields

    def get_meta_options(self, model: type[Model]) -> dict[str, Any]:
        """Add the index that finds the history of a record, newest last, and the one for `found_by`."""
        options: dict[str, Any] = super().get_meta_options(model)
        keys = [model._meta.pk.attname, *([self.found_by] if self.found_by else [])]
        options["indexes"] = tuple(models.Index(fields=(key, "history_date")) for key in keys)
        return options

    def get_change_reason_for_object(self, instance: Any, history_type: str, using: str | None) -> str | None:
        """Return the reason that the record brings, else the one of the block."""
        reason: str | None = super().get_change_reason_for_object(instance, history_type, using)
        return reason or _words.get()

    def create_historical_record(self, instance: Any, history_type: str, using: str | None = None) -> None:
        """Record a single write, dated by our own clock; a change as the row stands, whatever else is in memory.

        Who acts is `_history_user` or, where only the key is known, `_history_user_id`.
        """
        if history_type == "~":
            self._record_change(instance)
            return
        dated = hasattr(instance, "_history_date")
        if not dated:
            instance._history_date = clock.now()
        try:
            super().create_historical_record(instance, history_type, using=using)
        finally:
            if not dated:
                del instance._history_date

    def _record_change(self, instance: Any) -> None:
        user = self.get_history_user(instance)
        with one_commit():
            record_history(
                type(instance),
                [instance.pk],
                "~",
                reason=self.get_change_reason_for_object(instance, "~", None),
                user_id=user.pk if user else getattr(instance, "_history_user_id", None),
                at=getattr(instance, "_history_date", None),
            )


def record_history(
    model: Any,
    keys: Sequence[Any],
    kind: HistoryType,
    *,
    reason: str | None = None,
    user_id: int | None = None,
    at: datetime | None = None,
) -> None:
    """Write one history row for each of the rows of `model` with these primary keys, as they stand now.

    One statement however many; call it in chunks. Runs inside the caller's transaction. Without a reason, the words of
    `because` are kept.
    """
    require_transaction()
    if not keys:
        return
    history = model.history.model
    names = [field.column for field in history.tracked_fields]
    extra = {
        "history_date": history._meta.get_field("history_date").get_db_prep_save(at or clock.now(), connection),
        "history_change_reason": reason or _words.get(),
        "history_type": kind,
        "history_user_id": user_id,
    }
    quote = connection.ops.quote_name
    columns = ", ".join(map(quote, [*names, *extra]))
    copied = ", ".join(map(quote, names))
    key = model._meta.pk
    marks = ", ".join(["%s"] * len(keys))
    types = [history._meta.get_field(name) for name in extra]
    given = ", ".join(_typed_parameter(field) for field in types)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(history._meta.db_table)} ({columns}) SELECT {copied}, {given} "
            f"FROM {quote(model._meta.db_table)} WHERE {quote(key.column)} IN ({marks})",
            [*extra.values(), *(key.get_db_prep_value(value, connection) for value in keys)],
        )


def _typed_parameter(field: "models.Field[Any, Any]") -> str:
    """Return a placeholder that keeps its type in a SELECT list, where PostgreSQL would guess text."""
    return f"CAST(%s AS {field.db_type(connection)})" if connection.vendor == "postgresql" else "%s"


def save_fields(row: Model, names: Sequence[str], *, user_id: int | None) -> None:
    """Save the named fields of one record and no other, with a history row that says who acts; moves `modified`."""
    vars(row)["_history_user_id"] = user_id  # how history is told, for this write alone
    row.save(update_fields=[*names, "modified"])
    del vars(row)["_history_user_id"]
