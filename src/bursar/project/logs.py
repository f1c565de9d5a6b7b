"""How the service logs: one event a line on standard error, for people or as JSON, and no address in either.

Nothing of ours logs addresses, but what a library or a server says may quote one: `mask` is the last net.
"""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from bursar.kernel.text import mask


class LineFormatter(logging.Formatter):
    """Keeps an event on one line: what a message brings along of line breaks cannot pass for another event."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the name is logging's
        """Return the line with its control characters spelled out."""
        line = mask(super().formatMessage(record))
        return line if line.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)

    def formatException(self, ei: Any) -> str:  # noqa: N802  the name is logging's
        """Return the stack, indented."""
        return "\n".join(f"    {line}" for line in mask(super().formatException(ei)).splitlines())


def _masked(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: mask(value) if isinstance(value, str) else value for name, value in event.items()}


class JsonFormatter(structlog.stdlib.ProcessorFormatter):
    """Writes an event as one JSON object: timestamp (UTC), level, logger, event, and the exception if there is one."""

    def __init__(self) -> None:
        super().__init__(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _masked,
                structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False),
            ],
        )


def logging_settings(level: str, form: str = "line") -> dict[str, Any]:
    """Return Django's LOGGING at `level` (debug, info, warning, error), as lines for people or (`json`) for machines."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": LineFormatter, "format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
            "json": {"()": JsonFormatter},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "bursar": {"level": level.upper()},
            "django": {"handlers": [], "level": "INFO"},  # Django's own would mail requests to people
            "django.request": {"level": "ERROR"},  # a page that is not there is no event, and addresses may name people
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            "django_tasks": {"level": "WARNING"},  # every look at the outbox is a task
            "django_tasks_db": {"level": "ERROR"},
        },
    }
