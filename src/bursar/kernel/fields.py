"""Fields that fill themselves: creation and modification times by our own clock."""

from datetime import datetime
from typing import Any

from django.db import models

from bursar.kernel import clock


class CreatedField(models.DateTimeField):  # type: ignore[type-arg]
    """When the row was made, aware UTC; set by itself, and kept when given."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", clock.now)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)


class ModifiedField(CreatedField):
    """When the row was last written, aware UTC; moved by every save."""

    def pre_save(self, model_instance: models.Model, add: bool) -> datetime:
        """Return now, also on the instance; a new row may bring a time of its own."""
        value: datetime | None = getattr(model_instance, self.attname, None)
        if not add or value is None:
            value = clock.now()
            setattr(model_instance, self.attname, value)
        return value


class ExactCharField(models.CharField):  # type: ignore[type-arg]
    """Text compared byte by byte on every database: content keys and states, where `A` is not `a`."""

    def db_type(self, connection: Any) -> str | None:
        """Name the type so that PostgreSQL gets no second index for LIKE and MariaDB no folding collation."""
        plain = super().db_type(connection)
        if plain is None or connection.vendor == "sqlite":
            return plain
        if connection.vendor == "mysql":
            return f"{plain} COLLATE utf8mb4_bin"
        return plain.replace("varchar", "character varying", 1)
